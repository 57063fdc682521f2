use super::*;
use crate::schema::{RegistryOptions, urns};
use proptest::prelude::*;
use serde_json::json;

fn registry() -> Registry {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
}

fn value_in(
    profile: Profile,
    urn: Option<&str>,
    name: &str,
    value: Value,
) -> Result<Option<Value>, ScimError> {
    let registry = registry();
    let found = registry.find(ResourceKind::User, urn, name).unwrap();
    Normaliser::new(profile).value(name, found.attribute, value)
}

fn lenient(name: &str, value: Value) -> Option<Value> {
    value_in(Profile::Default, None, name, value).unwrap()
}

fn refused(name: &str, value: Value) -> ScimError {
    let error = value_in(Profile::Strict, None, name, value).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
    error
}

#[test]
fn booleans_come_as_strings() {
    for text in ["True", "true", " TRUE "] {
        assert_eq!(lenient("active", json!(text)), Some(json!(true)));
    }
    assert_eq!(lenient("active", json!("False")), Some(json!(false)));
    assert_eq!(lenient("active", json!("")), None);
    assert!(value_in(Profile::Default, None, "active", json!("maybe")).is_err());
    assert_eq!(refused("active", json!("true")).detail, "\"active\" must be true or false");
}

#[test]
fn primaries_come_as_strings_and_only_one_stays() {
    let emails =
        json!([{"value": "a", "primary": "true"}, {"VALUE": "b", "Primary": "True", "type": "work"}]);
    assert_eq!(
        lenient("emails", emails),
        Some(json!([{"value": "a", "primary": false}, {"value": "b", "primary": true, "type": "work"}]))
    );
}

#[test]
fn text_is_not_validated() {
    for (name, text) in
        [("locale", "xx_!!"), ("profileUrl", "not a uri"), ("timezone", "Mars"), ("title", " x ")]
    {
        assert_eq!(lenient(name, json!(text)), Some(json!(text)));
        assert_eq!(value_in(Profile::Strict, None, name, json!(text)).unwrap(), Some(json!(text)));
    }
    let certificate = json!([{"value": "no base64 ***"}]);
    assert_eq!(lenient("x509Certificates", certificate.clone()), Some(certificate));
    let address = json!([{"country": "Malaysia"}]);
    assert_eq!(lenient("addresses", address.clone()), Some(address));
}

#[test]
fn text_comes_as_other_types() {
    assert_eq!(lenient("title", json!(42)), Some(json!("42")));
    assert_eq!(lenient("title", json!(true)), Some(json!("true")));
    assert_eq!(lenient("title", json!({"value": "x"})), Some(json!("x")));
    assert_eq!(lenient("title", json!(["x", "y"])), Some(json!("x")));
    assert!(value_in(Profile::Default, None, "title", json!({"a": "x"})).is_err());
    assert!(value_in(Profile::Default, None, "title", json!([[["x"]]])).is_err());
    refused("title", json!(42));
    refused("title", json!(["x"]));
}

#[test]
fn unassigned_is_absent() {
    for value in [json!(null), json!([]), json!({}), json!([null]), json!([{"value": null}])] {
        assert_eq!(lenient("emails", value), None);
    }
    assert_eq!(lenient("name", json!({"givenName": null, "familyName": ""})), None);
    assert_eq!(lenient("title", json!("")), None);
    assert_eq!(value_in(Profile::Strict, None, "title", json!("")).unwrap(), Some(json!("")));
    assert_eq!(value_in(Profile::Strict, None, "title", json!(null)).unwrap(), None);
}

#[test]
fn managers_come_in_many_forms() {
    let manager = |profile, value| value_in(profile, Some(urns::ENTERPRISE_USER), "manager", value);
    for value in [
        json!("7"),
        json!(7),
        json!({"value": "7"}),
        json!([{"value": "7"}]),
        json!(["7"]),
        json!({"Value": 7}),
    ] {
        assert_eq!(manager(Profile::Entra, value).unwrap(), Some(json!({"value": "7"})));
    }
    for value in [json!(""), json!(null), json!([]), json!({"value": ""}), json!([""])] {
        assert_eq!(manager(Profile::Entra, value).unwrap(), None);
    }
    assert_eq!(manager(Profile::Strict, json!({"value": "7"})).unwrap(), Some(json!({"value": "7"})));
    for value in [json!("7"), json!([{"value": "7"}]), json!("")] {
        assert!(manager(Profile::Strict, value).is_err());
    }
}

#[test]
fn the_name_of_a_manager_is_read_only() {
    let value = json!({"value": "7", "displayName": "Bo"});
    let manager = value_in(Profile::Strict, Some(urns::ENTERPRISE_USER), "manager", value).unwrap();
    assert_eq!(manager, Some(json!({"value": "7"})));
}

#[test]
fn lists_come_as_single_values() {
    assert_eq!(lenient("emails", json!({"value": "a"})), Some(json!([{"value": "a"}])));
    assert_eq!(lenient("emails", json!("a")), Some(json!([{"value": "a"}])));
    assert_eq!(lenient("roles", json!(["a", "b", "a"])), Some(json!([{"value": "a"}, {"value": "b"}])));
    assert_eq!(lenient("name", json!("Sam Doe")), Some(json!({"formatted": "Sam Doe"})));
    refused("emails", json!({"value": "a"}));
    refused("emails", json!(["a"]));
    refused("name", json!("Sam Doe"));
}

#[test]
fn unknown_sub_attributes_follow_the_profile() {
    let registry = registry();
    let attribute = registry.find(ResourceKind::User, None, "name").unwrap().attribute;
    let value = json!({"givenName": "Sam", "Clan": "Doe"});
    let mut normaliser = Normaliser::new(Profile::Entra);
    assert_eq!(
        normaliser.value("name", attribute, value.clone()).unwrap(),
        Some(json!({"givenName": "Sam"}))
    );
    assert_eq!(normaliser.dropped(), &["name.Clan".to_owned()].into());
    assert_eq!(
        Normaliser::new(Profile::Okta).value("name", attribute, value.clone()).unwrap(),
        Some(value.clone())
    );
    let error = Normaliser::new(Profile::Strict).value("name", attribute, value).unwrap_err();
    assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax));
    assert!(error.detail.contains("\"name.Clan\""), "{error}");
}

#[test]
fn read_only_input_and_passwords_are_ignored() {
    for name in ["id", "meta", "groups", "password", "schemas"] {
        assert_eq!(value_in(Profile::Strict, None, name, json!("x")).unwrap(), None);
    }
}

#[test]
fn open_fields_take_anything() {
    let field = |value| value_in(Profile::Default, Some("urn:x:Ext"), "Test", value).unwrap();
    assert_eq!(field(json!({"a": [1, null], "b": {}})), Some(json!({"a": [1]})));
    assert_eq!(field(json!("True")), Some(json!("True")));
    assert_eq!(field(json!("")), None);
}

#[test]
fn nul_is_refused_wherever_it_is() {
    for value in [json!("a\0"), json!({"x\0": 1}), json!([{"x": ["\0"]}])] {
        assert!(value_in(Profile::Okta, Some("urn:x:Ext"), "Test", value).is_err());
    }
    let error = value_in(Profile::Default, None, "title", json!("a\0secret")).unwrap_err();
    assert!(!error.detail.contains("secret"));
}

#[test]
fn dropped_paths_are_bounded() {
    let mut normaliser = Normaliser::new(Profile::Default);
    for number in 0..1000 {
        normaliser.unknown(&format!("{number}{}", "x".repeat(1000)), json!(1)).unwrap();
    }
    assert_eq!(normaliser.dropped().len(), DROPPED_LIMIT);
    assert!(normaliser.dropped().iter().all(|path| path.len() <= DROPPED_LENGTH));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,6}|True|false".prop_map(Value::from),
    ];
    let name = "value|type|primary|display|givenName|GIVENNAME|x";
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// What was read once reads the same again, in every profile: a PUT of our own GET changes nothing.
    #[test]
    fn normalising_is_idempotent(
        value in any_json(), name in "emails|name|title|active|roles|addresses|userName", profile in 0..5usize,
    ) {
        let profile = Profile::ALL[profile];
        let Ok(once) = value_in(profile, None, &name, value) else { return Ok(()) };
        let Some(once) = once else { return Ok(()) };
        prop_assert!(!is_unassigned(&once));
        prop_assert_eq!(value_in(profile, None, &name, once.clone()).unwrap(), Some(once));
    }
}
