use serde_json::json;

use super::*;
use crate::filter::{CompareOp, Comparison, LinkCondition};
use crate::schema::RegistryOptions;

mod lists;
mod profiles;
mod properties;
mod refusals;
mod shapes;

pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const EXT: &str = "urn:x:2.0:Ext";
pub(super) const LENIENT: [Profile; 4] = [Profile::Default, Profile::Entra, Profile::Okta, Profile::Onelogin];

pub(super) fn registry() -> Registry {
    Registry::new(RegistryOptions { extensions: [EXT.to_owned()].into(), ..RegistryOptions::default() })
}

pub(super) fn sam() -> Value {
    json!({
        "userName": "sam", "title": "T", "nickName": "N", "active": true,
        "name": {"givenName": "Sam", "familyName": "Fox"},
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
        ENTERPRISE: {"department": "D", "manager": {"value": "m1", "$ref": "../Users/m1"}},
    })
}

pub(super) fn message(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

pub(super) fn parsed(kind: ResourceKind, profile: Profile, operations: Value) -> Result<Patch, ScimError> {
    Patch::parse(&registry(), kind, profile, &message(operations))
}

/// The user after the operations.
pub(super) fn patched(profile: Profile, before: Value, operations: Value) -> Result<Value, ScimError> {
    let patch = parsed(ResourceKind::User, profile, operations)?;
    patch.apply(&registry(), before.as_object().unwrap()).map(Value::Object)
}

pub(super) fn ok(profile: Profile, operations: Value) -> Value {
    patched(profile, sam(), operations.clone())
        .unwrap_or_else(|error| panic!("{profile:?} {operations}: {error}"))
}

pub(super) fn error(profile: Profile, operations: Value) -> ScimType {
    let error = patched(profile, sam(), operations.clone()).expect_err(&operations.to_string());
    assert_eq!(error.status, 400);
    error.scim_type.unwrap()
}

/// Sam with the given attributes set, or without them where null.
pub(super) fn sam_with(changes: Value) -> Value {
    let mut sam = sam();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(sam.as_object_mut().unwrap().remove(name)),
            value => sam[name] = value.clone(),
        }
    }
    sam
}

pub(super) fn members(profile: Profile, operations: Value) -> MemberChange {
    let patch = parsed(ResourceKind::Group, profile, operations).unwrap();
    assert!(!patch.touches_document());
    patch.members().clone()
}
