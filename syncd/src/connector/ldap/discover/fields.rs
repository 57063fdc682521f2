//! Which attributes go into the profile, and which are worth deciding by.

use serde_json::{Map, Value, json};

use super::super::check::is_secret;
use super::survey::Survey;

/// Profile fields and where directories keep them, the best place first.
const PROFILE: [(&str, &[&str]); 11] = [
    ("display_name", &["displayName", "cn", "name"]),
    ("email", &["mail"]),
    ("given_name", &["givenName"]),
    ("family_name", &["sn"]),
    ("phone", &["telephoneNumber"]),
    ("mobile", &["mobile"]),
    ("title", &["title"]),
    ("department", &["department", "departmentNumber"]),
    ("employee_number", &["employeeNumber", "employeeID"]),
    ("organization", &["company", "o"]),
    ("location", &["physicalDeliveryOfficeName"]),
];
/// Suggestions at most.
const ATTRIBUTES: usize = 12;
/// Nothing to decide by: names, numbers and addresses of one person, and what servers keep for themselves.
const DULL: [&str; 62] = [
    "accountexpires",
    "admincount",
    "audio",
    "carlicense",
    "cn",
    "codepage",
    "countrycode",
    "description",
    "displayname",
    "displaynameprintable",
    "distinguishedname",
    "employeeid",
    "employeenumber",
    "facsimiletelephonenumber",
    "gecos",
    "generationqualifier",
    "gidnumber",
    "givenname",
    "grouptype",
    "guid",
    "homedirectory",
    "homedrive",
    "homephone",
    "homepostaladdress",
    "initials",
    "instancetype",
    "iscriticalsystemobject",
    "jpegphoto",
    "labeleduri",
    "legacyexchangedn",
    "loginshell",
    "mail",
    "mailnickname",
    "manager",
    "member",
    "memberof",
    "memberuid",
    "memberurl",
    "mobile",
    "name",
    "objectcategory",
    "objectclass",
    "objectguid",
    "objectsid",
    "pager",
    "photo",
    "postaladdress",
    "postalcode",
    "primarygroupid",
    "proxyaddresses",
    "serviceprincipalname",
    "showinadvancedviewonly",
    "sn",
    "street",
    "streetaddress",
    "telephonenumber",
    "uid",
    "uidnumber",
    "uniqueidentifier",
    "uniquemember",
    "useraccountcontrol",
    "userprincipalname",
];
const DULL_BEGINNINGS: [&str; 27] = [
    "badp",
    "bootf",
    "createt",
    "creators",
    "dscore",
    "entry",
    "ipaunique",
    "lastlog",
    "lockout",
    "logon",
    "modif",
    "ms-",
    "msds-",
    "msexch",
    "mssfu",
    "nsacc",
    "nsunique",
    "operationala",
    "pwd",
    "samaccount",
    "samba",
    "shadow",
    "structurala",
    "system",
    "usercert",
    "usn",
    "whenc",
];
/// Better names for standard attributes than their own.
const NAMES: [(&str, &str); 6] = [
    ("c", "country"),
    ("co", "country"),
    ("l", "city"),
    ("st", "state"),
    ("o", "organization"),
    ("ou", "unit"),
];

/// The profile: one attribute where it is enough, several where only some entries have the best.
pub(super) fn profile(survey: &Survey) -> Map<String, Value> {
    let mut fields = Map::new();
    for (field, places) in PROFILE {
        let mut found = Vec::new();
        for place in places {
            let Some(name) = survey.spelt(place).filter(|_| survey.is_text(place)) else { continue };
            found.push(name);
            if survey.all_have(place) {
                break;
            }
        }
        match found.as_slice() {
            [] => {}
            [one] => drop(fields.insert(field.to_owned(), json!(one))),
            several => drop(fields.insert(field.to_owned(), json!({"attribute": several}))),
        }
    }
    fields
}

/// What else may be worth a decision, but for what `profile` has already.
pub(super) fn attributes(survey: &Survey, profile: &Map<String, Value>) -> Map<String, Value> {
    let taken = serde_json::to_string(profile).unwrap_or_default().to_ascii_lowercase();
    let mut found = Map::new();
    for seen in survey.telling() {
        let lower = seen.name.to_ascii_lowercase();
        let is_taken = taken.contains(&format!("\"{lower}\""));
        if found.len() < ATTRIBUTES && !is_taken && !is_dull(&lower) {
            found.entry(name_for(&seen.name)).or_insert_with(|| json!(seen.name));
        }
    }
    found
}

pub(super) fn is_dull(lower: &str) -> bool {
    DULL.contains(&lower)
        || DULL_BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning))
        || is_secret(lower.as_bytes())
}

/// `labSalesRegion` is lab_sales_region.
fn name_for(attribute: &str) -> String {
    if let Some((_, name)) = NAMES.iter().find(|(short, _)| short.eq_ignore_ascii_case(attribute)) {
        return (*name).to_owned();
    }
    let mut name = String::new();
    let mut previous = 'A';
    for c in attribute.chars() {
        if c.is_ascii_uppercase() && previous.is_ascii_lowercase() {
            name.push('_');
        }
        name.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        previous = c;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::tests::entry;
    use super::*;

    #[test]
    fn fields_are_taken_from_where_they_are() {
        let survey = Survey::of(&[
            entry(
                "uid=a",
                &[("displayName", &[b"A"]), ("cn", &[b"A"]), ("MAIL", &[b"a@x"]), ("department", &[b"D"])],
            ),
            entry(
                "uid=b",
                &[("cn", &[b"B"]), ("mail", &[b"b@x"]), ("labCountry", &[b"France"]), ("c", &[b"FR"])],
            ),
        ]);
        let profile = profile(&survey);
        assert_eq!(profile["display_name"], json!({"attribute": ["displayName", "cn"]}));
        assert_eq!(profile["email"], json!("MAIL"));
        assert_eq!(profile["department"], json!("department"));
        assert!(!profile.contains_key("phone"));
        let attributes = attributes(&survey, &profile);
        assert_eq!(Value::Object(attributes), json!({"lab_country": "labCountry", "country": "c"}));
    }

    #[test]
    fn names_are_spelt_as_in_sql() {
        for (attribute, name) in [
            ("labSalesRegion", "lab_sales_region"),
            ("employeeType", "employee_type"),
            ("extensionAttribute1", "extension_attribute1"),
            ("departmentID", "department_id"),
            ("x-site", "x_site"),
            ("L", "city"),
        ] {
            assert_eq!(name_for(attribute), name);
        }
    }

    #[test]
    fn secrets_and_housekeeping_are_dull() {
        for name in [
            "userpassword",
            "ms-mcs-admpwd",
            "entryuuid",
            "lastlogontimestamp",
            "pwdlastset",
            "sambasid",
            "cn",
        ] {
            assert!(is_dull(name), "{name}");
        }
        for name in ["department", "employeetype", "labcountry", "extensionattribute3"] {
            assert!(!is_dull(name), "{name}");
        }
    }
}
