use super::*;
use crate::schema::RegistryOptions;
use ResourceKind::{Group, User};
use proptest::prelude::*;
use serde_json::json;

const ENTERPRISE: &str = urns::ENTERPRISE_USER;

fn registry() -> Registry {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
}

fn read(kind: ResourceKind, profile: Profile, body: Value) -> Result<Incoming, ScimError> {
    read_resource(&registry(), kind, profile, body)
}

fn document(profile: Profile, body: Value) -> Value {
    Value::Object(read(User, profile, body).unwrap().document)
}

#[test]
fn an_entra_user_is_read() {
    let body = json!({
        "schemas": [urns::USER, ENTERPRISE], "externalId": "e1", "userName": "sam@x.org", "active": "True",
        "displayName": "Sam", "title": null, "emails": [{"primary": "true", "type": "work", "value": "sam@x.org"}],
        "addresses": [], "name": {"formatted": "Sam Doe", "familyName": null}, "meta": {"resourceType": "User"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"Department": "R&D", "manager": "7"},
    });
    let expected = json!({
        "externalId": "e1", "userName": "sam@x.org", "active": true, "displayName": "Sam",
        "emails": [{"primary": true, "type": "work", "value": "sam@x.org"}], "name": {"formatted": "Sam Doe"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "7"}},
    });
    assert_eq!(document(Profile::Entra, body), expected);
}

#[test]
fn an_okta_user_is_read() {
    let body = json!({
        "schemas": [urns::USER], "userName": "sam", "password": "s3cret", "groups": [], "locale": "en-US",
        "id": "42", "externalId": "00u1", "customThing": {"a": [1, null]}, "urn:okta:x:1.0:User": {"b": "c"},
    });
    let incoming = read(User, Profile::Okta, body.clone()).unwrap();
    assert_eq!(
        Value::Object(incoming.document),
        json!({"userName": "sam", "locale": "en-US", "externalId": "00u1", "customThing": {"a": [1]},
               "urn:okta:x:1.0:User": {"b": "c"}})
    );
    assert!(incoming.dropped.is_empty());
    let dropped = read(User, Profile::Default, body).unwrap().dropped;
    assert_eq!(dropped, ["customThing".to_owned(), "urn:okta:x:1.0:User".to_owned()].into());
}

#[test]
fn a_onelogin_user_with_old_urns_is_read() {
    let body = json!({
        "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"], "username": "sam",
        "urn:scim:schemas:extension:enterprise:2.0": {"department": "a"},
        "urn:scim:schemas:core:1.0": {"title": "t", "members": ["x"]},
    });
    let expected = json!({"userName": "sam", "title": "t", ENTERPRISE: {"department": "a"}});
    assert_eq!(document(Profile::Onelogin, body), expected);
    let strict =
        json!({"schemas": [urns::USER], "userName": "sam", "urn:scim:schemas:extension:enterprise:1.0": {}});
    assert_eq!(read(User, Profile::Strict, strict).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
}

#[test]
fn our_own_get_reads_back_as_it_was() {
    let registry = registry();
    let body = json!({
        "userName": "sam", "emails": [{"value": "a", "primary": true}], "urn:x:Ext": {"Test": ["a", 1]},
        ENTERPRISE: {"manager": {"value": "7"}}, "unknown": {"x": 1},
    });
    for profile in [Profile::Default, Profile::Entra, Profile::Okta, Profile::Onelogin] {
        let first = read(User, profile, body.clone()).unwrap().document;
        let resource = Resource {
            kind: User,
            id: "1",
            document: &first,
            version: 1,
            created: Default::default(),
            modified: Default::default(),
            base: "https://h/scim/x/v2",
        };
        let mut rendered = render(&registry, &resource);
        rendered.insert("groups".to_owned(), json!([{"value": "2", "display": "g", "type": "direct"}]));
        assert_eq!(read(User, profile, Value::Object(rendered)).unwrap().document, first);
    }
}

#[test]
fn names_are_required() {
    for name in [json!(null), json!(""), json!("  "), json!([])] {
        let error = read(User, Profile::Default, json!({"userName": name})).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(error.detail.starts_with("\"userName\" is required"));
    }
    let strict = json!({"schemas": [urns::GROUP], "displayName": ""});
    assert!(
        read(Group, Profile::Strict, strict).unwrap_err().detail.starts_with("\"displayName\" is required")
    );
    assert!(read(User, Profile::Default, json!({"not": "a scim resource"})).is_err());
}

#[test]
fn a_group_keeps_members_apart() {
    let body = json!({
        "schemas": [urns::GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "displayName": "g", "externalId": "x", "Members": [{"value": "a"}, {"value": "b"}, {"value": "a"}],
    });
    let incoming = read(Group, Profile::Entra, body).unwrap();
    assert_eq!(Value::Object(incoming.document), json!({"displayName": "g", "externalId": "x"}));
    assert_eq!(incoming.members.unwrap(), ["a", "b"]);
    let members = |body| read(Group, Profile::Default, body).unwrap().members;
    assert_eq!(members(json!({"displayName": "g"})), None);
    assert_eq!(members(json!({"displayName": "g", "members": null})), None);
    assert_eq!(members(json!({"displayName": "g", "members": []})), Some(vec![]));
    assert!(
        read(User, Profile::Default, json!({"userName": "u", "members": ["x"]})).unwrap().members.is_none()
    );
}

#[test]
fn strict_wants_the_core_schema_and_known_attributes() {
    for body in [
        json!({"userName": "sam"}),
        json!({"schemas": [], "userName": "sam"}),
        json!({"schemas": urns::USER, "userName": "sam"}),
        json!({"schemas": [urns::GROUP], "userName": "sam"}),
        json!({"schemas": [urns::USER], "userName": "sam", "shoe": 42}),
        json!({"schemas": [urns::USER], "userName": "sam", "members": []}),
        json!({"schemas": [urns::USER], "userName": "sam", "urn:y:Ext": {}}),
        json!({"schemas": [urns::USER], "userName": "sam", ENTERPRISE: {"shoe": 42}}),
        json!({"schemas": [urns::USER], "userName": "sam", urns::USER: {"title": "t"}}),
    ] {
        let error = read(User, Profile::Strict, body.clone()).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidSyntax), "{body}");
    }
    let body = json!({"schemas": [urns::USER.to_lowercase(), "urn:y:Other"], "USERNAME": "sam", "urn:X:ext": {"A": 1}});
    assert_eq!(document(Profile::Strict, body), json!({"userName": "sam", "urn:x:Ext": {"A": 1}}));
}

#[test]
fn an_extension_that_is_no_object_is_dropped_or_refused() {
    let body = json!({"schemas": [urns::USER], "userName": "sam", "urn:x:Ext": "x"});
    assert_eq!(read(User, Profile::Default, body.clone()).unwrap().dropped, ["urn:x:Ext".to_owned()].into());
    assert_eq!(read(User, Profile::Strict, body).unwrap_err().scim_type, Some(ScimType::InvalidValue));
    let empty = json!({"userName": "sam", "urn:x:Ext": {}, ENTERPRISE: null});
    assert_eq!(document(Profile::Default, empty), json!({"userName": "sam"}));
}

#[test]
fn a_body_that_is_no_object_is_refused() {
    for body in [json!([]), json!("x"), json!(null)] {
        assert_eq!(read(User, Profile::Default, body).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    }
}

fn any_body() -> impl Strategy<Value = Value> {
    let text = "[ -~é]{0,5}|True";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let keys =
        "userName USERNAME emails value primary type active name x id groups manager urn:x:Ext urn:y:Z";
    let key =
        prop::sample::select(keys.split(' ').chain([ENTERPRISE]).map(str::to_owned).collect::<Vec<_>>());
    leaf.prop_recursive(3, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever was accepted is stored canonically: read again, it is the same, and folding it again changes nothing.
    #[test]
    fn reading_is_idempotent(mut body in any_body(), profile in 0..5usize) {
        if let Some(fields) = body.as_object_mut() {
            fields.insert("schemas".to_owned(), json!([urns::USER]));
        }
        let (registry, profile) = (registry(), Profile::ALL[profile]);
        let Ok(first) = read(User, profile, body) else { return Ok(()) };
        let mut again = first.document.clone();
        again.insert("schemas".to_owned(), json!([urns::USER]));
        prop_assert_eq!(&read(User, profile, Value::Object(again)).unwrap().document, &first.document);
        let folded = fold(&registry, User, &first.document);
        prop_assert_eq!(fold(&registry, User, folded.as_object().unwrap()), folded);
    }

    #[test]
    fn folding_text_is_idempotent(text in any::<String>(), exact in any::<bool>()) {
        let folded = fold_text(exact, &text);
        prop_assert_eq!(fold_text(exact, &folded), folded);
    }
}

#[test]
fn names_without_nul_only() {
    let registry = Registry::new(RegistryOptions {
        extensions: ["urn:x:2.0:Ext".to_owned()].into(),
        ..Default::default()
    });
    let extension = json!({"userName": "sam", "urn:x:2.0:Ext": {"a\0": 1}});
    let unknown = json!({"userName": "sam", "sh\0oe": "44"});
    for (profile, body) in [(Profile::Default, extension), (Profile::Okta, unknown)] {
        let refused = read_resource(&registry, ResourceKind::User, profile, body).unwrap_err();
        assert_eq!(refused.scim_type, Some(ScimType::InvalidValue));
    }
}
