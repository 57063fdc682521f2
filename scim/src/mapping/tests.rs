use super::*;
use crate::schema::RegistryOptions;
use serde_json::json;

const ENTERPRISE: &str = urns::ENTERPRISE_USER;
const EXTENSION: &str = "urn:x:Ext";

fn paths(pairs: &[(&str, &str)]) -> BTreeMap<String, AttrPath> {
    pairs.iter().map(|(name, path)| (name.to_string(), path.parse().unwrap())).collect()
}

fn none() -> Mapping {
    Mapping {
        profile: BTreeMap::new(),
        attributes: BTreeMap::new(),
        prefixes: BTreeMap::new(),
        group_attributes: BTreeMap::new(),
        permissions: Vec::new(),
        platforms: BTreeMap::new(),
        sync_attributes: true,
    }
}

fn prefixed(pairs: &[(&str, &str)]) -> Mapping {
    let prefixes = pairs.iter().map(|(prefix, urn)| (prefix.to_string(), urn.to_string())).collect();
    Mapping { prefixes, ..none() }
}

fn registry(mapping: &Mapping) -> Registry {
    let extensions = mapping.prefixes.values().cloned().chain([EXTENSION.to_owned()]).collect();
    Registry::new(RegistryOptions { extensions, ..RegistryOptions::default() })
}

fn user(mapping: &Mapping, document: Value) -> UserFacts {
    mapping.user(&registry(mapping), document.as_object().unwrap())
}

fn group(mapping: &Mapping, document: Value) -> GroupFacts {
    mapping.group(&registry(mapping), document.as_object().unwrap())
}

fn shown(attributes: &BTreeSet<(String, String)>) -> Vec<String> {
    attributes.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn sam() -> Value {
    json!({
        "userName": "sam", "externalId": "e1", "displayName": "Sam", "title": "Dr", "active": true,
        "name": {"givenName": "S"}, "emails": [{"value": "s@x", "type": "work"}, {"value": "h@x", "type": "home"}],
        "roles": [{"value": "{\"value\":\"admin\"}"}, {"value": "reader"}], "entitlements": [{"value": "build"}],
        ENTERPRISE: {"department": "R&D", "Test": ["a", "b"], "manager": {"value": "7", "displayName": "Bo"}},
        EXTENSION: {"Flag": true, "Size": 4, "Deep": {"er": "x"}, "Login": "SAM_S"},
    })
}

#[test]
fn without_a_mapping_the_profile_is_filled() {
    let facts = user(&none(), sam());
    assert_eq!((facts.username.as_str(), facts.external_id.as_deref()), ("sam", Some("e1")));
    assert_eq!((facts.display_name.as_deref(), facts.email.as_deref()), (Some("Sam"), Some("s@x")));
    assert_eq!(Value::Object(facts.profile), json!({"given_name": "S", "title": "Dr", "department": "R&D"}));
    assert!(
        facts.active
            && facts.attributes.is_empty()
            && facts.permissions.is_empty()
            && facts.platforms.is_empty()
    );
}

#[test]
fn only_an_explicit_false_disables() {
    assert!(!user(&none(), json!({"userName": "u", "active": false})).active);
    assert!(user(&none(), json!({"userName": "u"})).active);
}

#[test]
fn a_prefix_maps_every_field_of_its_schema() {
    let mapping = prefixed(&[("scimuser", ENTERPRISE), ("ext", "URN:X:ext")]);
    assert_eq!(
        shown(&user(&mapping, sam()).attributes),
        [
            "ext.Deep.er=x",
            "ext.Flag=true",
            "ext.Login=SAM_S",
            "ext.Size=4",
            "scimuser.Test=a",
            "scimuser.Test=b",
            "scimuser.department=R&D",
            "scimuser.manager=7"
        ]
    );
}

#[test]
fn the_core_schema_maps_all_but_the_identity() {
    let mapping = prefixed(&[("core", urns::USER)]);
    assert_eq!(
        shown(&user(&mapping, sam()).attributes),
        [
            "core.displayName=Sam",
            "core.emails=h@x",
            "core.emails=s@x",
            "core.entitlements=build",
            "core.name.givenName=S",
            "core.roles=admin",
            "core.roles=reader",
            "core.title=Dr"
        ]
    );
    assert!(group(&mapping, json!({"displayName": "g"})).attributes.is_empty());
    let groups = prefixed(&[("core", urns::GROUP)]);
    assert_eq!(shown(&group(&groups, json!({"displayName": "g"})).attributes), ["core.displayName=g"]);
}

#[test]
fn single_paths_are_mapped() {
    let mapping = Mapping {
        attributes: paths(&[
            ("mail", "emails[type eq \"home\"].value"),
            ("role", "roles"),
            ("given", "name.givenName"),
            ("dept", &format!("{ENTERPRISE}:department")),
            ("absent", "nickName"),
        ]),
        permissions: vec!["entitlements".parse().unwrap(), "roles".parse().unwrap()],
        platforms: paths(&[("snowflake", "urn:x:Ext:Login"), ("trino", "nickName")]),
        ..none()
    };
    let facts = user(&mapping, sam());
    assert_eq!(shown(&facts.attributes), ["dept=R&D", "given=S", "mail=h@x", "role=admin", "role=reader"]);
    assert_eq!(facts.permissions, ["admin", "build", "reader"].map(str::to_owned).into());
    assert_eq!(facts.platforms, [("snowflake".to_owned(), "SAM_S".to_owned())].into());
}

#[test]
fn a_profile_mapping_replaces_the_usual_fields() {
    let mapping =
        Mapping { profile: paths(&[("job", "title"), ("display_name", "name.givenName")]), ..none() };
    let facts = user(&mapping, sam());
    assert_eq!(Value::Object(facts.profile), json!({"job": "Dr"}));
    assert_eq!((facts.display_name.as_deref(), facts.email.as_deref()), (Some("S"), Some("s@x")));
}

#[test]
fn the_toggle_stops_entitlements_only() {
    let mapping = Mapping {
        permissions: vec!["roles".parse().unwrap()],
        platforms: paths(&[("snowflake", "userName")]),
        sync_attributes: false,
        ..prefixed(&[("e", ENTERPRISE)])
    };
    let facts = user(&mapping, sam());
    assert!(facts.attributes.is_empty() && facts.permissions.is_empty());
    assert_eq!(facts.platforms.len(), 1);
    assert!(group(&mapping, json!({"displayName": "g", ENTERPRISE: {"a": "b"}})).attributes.is_empty());
}

#[test]
fn groups_have_attributes_by_the_same_rules() {
    let mapping =
        Mapping { group_attributes: paths(&[("label", "displayName")]), ..prefixed(&[("x", EXTENSION)]) };
    let facts = group(
        &mapping,
        json!({"displayName": "g", "externalId": "1", EXTENSION: {"territory": ["OH", "MD"]}}),
    );
    assert_eq!((facts.name.as_str(), facts.external_id.as_deref()), ("g", Some("1")));
    assert_eq!(shown(&facts.attributes), ["label=g", "x.territory=MD", "x.territory=OH"]);
}

#[test]
fn names_and_values_are_composed() {
    let facts = user(&none(), json!({"userName": "e\u{301}", "externalId": "E\u{301}"}));
    assert_eq!((facts.username.as_str(), facts.external_id.as_deref()), ("é", Some("É")));
}
