use super::*;
use crate::schema::RegistryOptions;
use serde_json::json;

fn parts(text: &str) -> (Option<String>, String, Option<String>, Option<String>) {
    let path = AttrPath::parse(text).unwrap();
    assert_eq!(AttrPath::parse(&path.to_string()).unwrap(), path);
    (path.urn, path.attribute, path.filter.map(|filter| filter.to_string()), path.sub)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn reads_every_form() {
    assert_eq!(parts("title"), (None, "title".to_owned(), None, None));
    assert_eq!(parts(" name.givenName "), (None, "name".to_owned(), None, some("givenName")));
    assert_eq!(
        parts("emails[type eq \"work\"].value"),
        (None, "emails".to_owned(), some("type eq \"work\""), some("value"))
    );
    assert_eq!(
        parts("emails[type eq \"a].b\"]"),
        (None, "emails".to_owned(), some("type eq \"a].b\""), None)
    );
    assert_eq!(
        parts("urn:x:2.0:User:manager.$ref"),
        (some("urn:x:2.0:User"), "manager".to_owned(), None, some("$ref"))
    );
}

#[test]
fn refuses_what_is_no_path() {
    for text in [
        "",
        "[",
        "a[",
        "a[]",
        "a[b pr",
        "a]b",
        "a b",
        "a..",
        ".a",
        "a.",
        "a:b",
        "urn:x:",
        "\"a\"",
        "a[b pr]c",
        "a.b[c pr]",
    ] {
        let error = AttrPath::parse(text).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidPath), "{text}");
    }
}

#[test]
fn selects_values() {
    let registry = Registry::new(RegistryOptions {
        extensions: ["urn:x:2.0:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    });
    let document = json!({
        "title": "T", "name": {"givenName": "G"},
        "emails": [{"value": "a@x", "type": "Work"}, {"value": "b@x", "type": "home"}, {"value": "c@x", "type": "work"}],
        "urn:x:2.0:Ext": {"Test": ["1", "2"], "Complex": {"Sub": 3}},
    });
    let values = |path: &str| {
        let path: AttrPath = path.parse().unwrap();
        let values = path.values(&registry, ResourceKind::User, document.as_object().unwrap());
        Value::from_iter(values.into_iter().cloned())
    };
    assert_eq!(values("TITLE"), json!(["T"]));
    assert_eq!(values("name.givenname"), json!(["G"]));
    assert_eq!(values("emails.value"), json!(["a@x", "b@x", "c@x"]));
    assert_eq!(values("emails[type eq \"WORK\"].value"), json!(["a@x", "c@x"]));
    assert_eq!(values("urn:x:2.0:ext:test"), json!(["1", "2"]));
    assert_eq!(values("urn:x:2.0:Ext:complex.sub"), json!([3]));
    assert_eq!(values("urn:x:2.0:Ext"), json!([document["urn:x:2.0:Ext"]]));
    assert_eq!(values("urn:ietf:params:scim:schemas:core:2.0:User:title"), json!(["T"]));
    for nothing in ["nickName", "nosuch", "name.nosuch", "title.x", "emails[active gt true]", "urn:y:Ext:a"] {
        assert_eq!(values(nothing), json!([]), "{nothing}");
    }
}
