use super::*;
use crate::schema::RegistryOptions;
use ResourceKind::{Group, User};
use proptest::prelude::*;
use serde_json::json;

const ENTERPRISE: &str = urns::ENTERPRISE_USER;

fn parse(kind: ResourceKind, attributes: Option<&str>, excluded: Option<&str>) -> Projection {
    Projection::parse(&Registry::new(RegistryOptions::default()), kind, attributes, excluded).unwrap()
}

fn user() -> Value {
    json!({
        "schemas": [urns::USER], "id": "1", "userName": "sam", "name": {"givenName": "S", "familyName": "D"},
        "emails": [{"value": "a", "type": "work"}, {"type": "home"}], "meta": {"version": "W/\"1\"", "resourceType": "User"},
        ENTERPRISE: {"department": "R", "manager": {"value": "7", "$ref": "x"}}, "urn:y:Ext": {"a": 1},
    })
}

fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let mut user = user().as_object().unwrap().clone();
    parse(User, attributes, excluded).apply(&mut user);
    Value::Object(user)
}

fn only(attributes: &str) -> Value {
    let mut projected = projected(Some(attributes), None);
    let fields = projected.as_object_mut().unwrap();
    assert!(fields.remove("id").is_some() && fields.remove("schemas").is_some());
    projected
}

#[test]
fn attributes_select() {
    assert_eq!(only("userName"), json!({"userName": "sam"}));
    assert_eq!(
        only(" USERNAME , name.givenname,nonsense"),
        json!({"userName": "sam", "name": {"givenName": "S"}})
    );
    assert_eq!(only("emails.value"), json!({"emails": [{"value": "a"}]}));
    assert_eq!(only("meta.version"), json!({"meta": {"version": "W/\"1\""}}));
    assert_eq!(only("nonsense"), json!({}));
    assert_eq!(only("id"), json!({}));
}

#[test]
fn attributes_select_by_urn() {
    assert_eq!(only(&format!("{}:userName", urns::USER)), json!({"userName": "sam"}));
    assert_eq!(only(&format!("{ENTERPRISE}:department")), json!({ENTERPRISE: {"department": "R"}}));
    assert_eq!(
        only(&format!("{}:manager.VALUE", ENTERPRISE.to_lowercase())),
        json!({ENTERPRISE: {"manager": {"value": "7"}}})
    );
    assert_eq!(only(ENTERPRISE), json!({ENTERPRISE: user()[ENTERPRISE]}));
    assert_eq!(only("urn:Y:ext"), json!({"urn:y:Ext": {"a": 1}}));
    assert!(only(urns::USER).get(ENTERPRISE).is_none());
    assert!(only(urns::USER).get("emails").is_some());
}

#[test]
fn exclusion_removes() {
    let without = |excluded| projected(None, Some(excluded));
    assert!(without("userName").get("userName").is_none());
    assert_eq!(without("emails.type")["emails"], json!([{"value": "a"}]));
    assert!(without("name.givenName,name.familyName").get("name").is_none());
    assert!(without(ENTERPRISE).get(ENTERPRISE).is_none());
    let department = format!("{ENTERPRISE}:department");
    assert_eq!(without(&department)[ENTERPRISE], json!({"manager": {"value": "7", "$ref": "x"}}));
    assert_eq!(without("id,SCHEMAS,nonsense"), user());
}

#[test]
fn nothing_given_changes_nothing() {
    assert_eq!(projected(None, None), user());
    assert_eq!(projected(Some(""), Some(" , ")), user());
}

#[test]
fn both_are_refused() {
    let registry = Registry::new(RegistryOptions::default());
    let error = Projection::parse(&registry, User, Some("id"), Some("id")).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
}

#[test]
fn members_are_wanted_unless_excluded() {
    assert!(parse(Group, None, None).wants("members"));
    assert!(parse(Group, Some("MEMBERS"), None).wants("members"));
    assert!(parse(Group, Some("members.value"), None).wants("members"));
    assert!(parse(Group, Some(urns::GROUP), None).wants("members"));
    assert!(!parse(Group, Some("displayName"), None).wants("members"));
    assert!(!parse(Group, None, Some("Members")).wants("members"));
    assert!(parse(Group, None, Some("members.type")).wants("members"));
    assert!(!parse(Group, None, Some("members.type")).wants("members.type"));
    assert!(!parse(User, None, Some("groups")).wants("groups"));
    assert!(parse(User, Some("userName"), None).wants("id"));
}

#[test]
fn the_display_of_members_is_returned_on_request() {
    assert!(!parse(Group, None, None).wants("members.display"));
    assert!(!parse(Group, None, Some("displayName")).wants("members.display"));
    assert!(parse(Group, Some("members"), None).wants("members.display"));
    assert!(parse(Group, Some("members.display"), None).wants("members.display"));
    assert!(!parse(Group, Some("members.value"), None).wants("members.display"));
    let mut group =
        json!({"id": "1", "members": [{"value": "2", "display": "x"}]}).as_object().unwrap().clone();
    parse(Group, None, None).apply(&mut group);
    assert_eq!(group["members"], json!([{"value": "2"}]));
}

#[test]
fn passwords_are_never_returned() {
    let mut user = json!({"id": "1", "password": "x"}).as_object().unwrap().clone();
    parse(User, Some("password"), None).apply(&mut user);
    assert_eq!(Value::Object(user), json!({"id": "1"}));
    assert!(!parse(User, Some("password"), None).wants("password"));
}

proptest! {
    /// What one list selects and what the same list leaves out make up the whole.
    #[test]
    fn the_two_lists_are_complements(names in prop::collection::vec(
        prop::sample::select(vec!["userName", "name.givenName", "name", "emails.value", "emails", "meta", "nonsense",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"]), 1..4)) {
        let list = names.join(",");
        let (kept, left) = (projected(Some(&list), None), projected(None, Some(&list)));
        for key in user().as_object().unwrap().keys().filter(|key| *key != "id" && *key != "schemas") {
            let (kept, left) = (kept.get(key), left.get(key));
            prop_assert!(kept.is_some() || left.is_some(), "{key} is lost");
            prop_assert!(kept.is_none() || kept != left, "{key} is on both sides");
        }
    }
}
