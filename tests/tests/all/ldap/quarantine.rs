//! One bad entry does not block the others; it counts as present, and what was known of it stays.

use roster_tests::{Directory, user_dn};
use serde_json::json;

use super::Lab;
use crate::model::Model;

/// base64 of a text with NUL in the middle.
const WITH_NUL: &str = ": YmFkAG1haWxAZXhhbXBsZS5vcmc=";

#[test]
fn nul_in_the_mail_of_one_of_a_thousand_leaves_999_synced_and_the_one_as_it_was() {
    let lab = Lab::with(&Directory::generated(1000, 10));
    lab.configure(json!({"page_size": 200}));
    lab.sync();
    let known = |user: &str| {
        lab.db.lines(&format!(
            "SELECT user_id::text, email, active::text FROM roster.users WHERE username = '{user}'
             UNION ALL SELECT name, value, '' FROM roster.effective_attributes WHERE username = '{user}'
             UNION ALL SELECT group_name, since::text, '' FROM roster.memberships WHERE member_name = '{user}' ORDER BY 1"
        ))
    };
    let before = known("u0500");
    set_mail(&lab, "u0500", WITH_NUL);
    lab.slapd.set(&user_dn("u0500"), "labCountry", &["changed too"]);
    for i in (0..1000).step_by(100) {
        if i != 500 {
            lab.slapd.set(&user_dn(&format!("u{i:04}")), "labCountry", &["Brazil"]);
        }
    }
    let done = lab.sync();
    assert_eq!(known("u0500"), before, "what was known of it stays");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.effective_attributes WHERE value = 'Brazil'"), 9);
    assert_eq!(lab.active_users().len(), 1000);
    let quarantined = lab.db.lines("SELECT source, kind, key, reason FROM roster.quarantine");
    assert_eq!(quarantined.len(), 1, "{quarantined:?}");
    assert!(
        quarantined[0].starts_with("corp-ldap|user|") && quarantined[0].contains("u0500"),
        "{quarantined:?}"
    );
    assert!(quarantined[0].to_lowercase().contains("nul"), "the reason names NUL: {quarantined:?}");
    assert!(quarantined[0].contains("mail"), "the reason names the attribute: {quarantined:?}");
    assert_eq!(lab.last_run("quarantined"), "1");
    assert!(done.said().contains("quarantin"), "{done:?}");

    set_mail(&lab, "u0500", " good@example.org");
    lab.sync();
    assert_eq!(lab.db.lines("SELECT * FROM roster.quarantine"), [""; 0]);
    assert_eq!(lab.db.line("SELECT email FROM roster.users WHERE username = 'u0500'"), "good@example.org");
    let country =
        lab.db.lines("SELECT value FROM roster.user_attributes WHERE owner = 'u0500' AND name = 'country'");
    assert_eq!(country, ["changed too"]);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn an_entry_bad_from_the_start_enters_with_its_memberships_once_it_is_good() {
    let mut directory = Directory::reference();
    directory.ldif_replace("mail: sam@example.org\n", &format!("mail:{WITH_NUL}\n"));
    let lab = Lab::with(&directory);
    lab.sync();
    assert_eq!(lab.active_users(), ["fiona", "sara", "stephanie", "steve"]);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine"), 1);
    lab.sync();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.quarantine"), 1, "it stays shown");
    set_mail(&lab, "sam", " sam@example.org");
    lab.sync();
    assert_eq!(lab.members(), ["fiona|Field_Sales", "sam|developers", "stephanie|Field_Sales"]);
    assert_eq!(lab.db.lines("SELECT * FROM roster.quarantine"), [""; 0]);
}

#[test]
fn bytes_that_are_no_text_quarantine_the_entry_not_the_run() {
    let lab = Lab::with(&Directory::reference());
    lab.configure(json!({"attributes": {"country": "labCountry", "bytes": "labBytes"}}));
    lab.slapd.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: labBytes\nlabBytes:: //79AA==\n-\n",
        user_dn("sara")
    ));
    lab.sync();
    assert_eq!(lab.active_users(), ["fiona", "sam", "stephanie", "steve"]);
    let quarantined = lab.db.lines("SELECT kind, key, reason FROM roster.quarantine");
    assert!(quarantined.len() == 1 && quarantined[0].contains("sara"), "{quarantined:?}");
}

#[test]
fn an_entry_without_its_username_is_quarantined() {
    let mut directory = Directory::reference();
    directory.entry(
        &format!("cn=nameless,ou=people,{}", roster_tests::BASE),
        &[("objectClass", "inetOrgPerson"), ("cn", "nameless"), ("sn", "nameless")],
    );
    let lab = Lab::with(&directory);
    lab.sync();
    assert_eq!(lab.active_users().len(), 5);
    let quarantined = lab.db.lines("SELECT kind, key, reason FROM roster.quarantine");
    assert!(
        quarantined.len() == 1 && quarantined[0].contains("uid"),
        "the reason names the attribute: {quarantined:?}"
    );
}

fn set_mail(lab: &Lab, uid: &str, value: &str) {
    lab.slapd.modify(&format!("dn: {}\nchangetype: modify\nreplace: mail\nmail:{value}\n-\n", user_dn(uid)));
}
