//! What Microsoft Entra sends, in the order in which it sends it.

use roster_tests::Scim;
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Lab, USER, shown_members};

const ADSCIM: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

fn lab() -> Lab {
    Lab::with(&json!({
        "profile": "entra",
        "attribute_mapping": {"scimuser": ENTERPRISE},
        "attributes": {"role": "roles", "title": "title"}
    }))
}

/// A user as Entra's default mapping makes it, nulls and all.
fn joiner(name: &str, object_id: &str) -> Value {
    let upn = format!("{name}@contoso.example");
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": object_id, "userName": upn, "active": true, "displayName": name,
        "emails": [{"primary": true, "type": "work", "value": upn}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": name, "familyName": "F", "givenName": name},
        "nickName": null, "roles": [], "addresses": [], "phoneNumbers": null, "preferredLanguage": null,
        "title": "Clerk",
        ENTERPRISE: {"department": "Ledger", "manager": null}
    })
}

/// Entra looks whether the user is there before it creates one.
fn provision(scim: &Scim, name: &str, object_id: &str) -> String {
    let filter = format!("externalId eq \"{object_id}\"");
    assert_eq!(scim.find("/Users", &filter).expect(200).total(), 0);
    let created = scim.post("/Users", &joiner(name, object_id)).expect(201);
    assert_eq!(scim.find("/Users", &filter).expect(200).each("id"), [created.id()]);
    created.id()
}

fn patch_user(lab: &Lab, id: &str, operations: &Value) {
    let answer = lab.scim.patch(&format!("/Users/{id}"), operations).expect(204);
    assert!(answer.json.is_null());
}

#[test]
fn test_connection() {
    let lab = lab();
    for path in ["/Users", "/Groups"] {
        let attribute = if path == "/Users" { "userName" } else { "displayName" };
        let answer = lab
            .scim
            .find(path, &format!("{attribute} eq \"8b4d2f4e-9a4c-4a7c-8b8f-b5c5f2d7a1c3\""))
            .expect(200);
        assert_eq!((answer.total(), answer.resources().len()), (0, 0));
    }
    lab.scim.get("/ServiceProviderConfig").expect(200);
}

#[test]
fn the_life_of_a_user() {
    let lab = lab();
    let id = provision(&lab.scim, "alice", "1f6a3b4c-0000-4000-8000-000000000001");
    let upn = "alice@contoso.example";
    assert_eq!(
        lab.user(upn, "display_name, email, active, profile ->> 'department'"),
        format!("alice|{upn}|t|Ledger")
    );
    assert_eq!(lab.effective(upn), ["scimuser.department=Ledger", "title=Clerk"]);

    patch_user(
        &lab,
        &id,
        &json!([
            {"op": "Add", "path": "emails[type eq \"work\"].value", "value": "a@contoso.example"},
            {"op": "Replace", "path": "name.familyName", "value": "Ames"},
            {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Audit"},
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555 0100"},
            {"op": "Add", "path": "addresses[type eq \"work\"].country", "value": "Malaysia"}
        ]),
    );
    assert_eq!(
        lab.user(upn, "email, profile ->> 'family_name', profile ->> 'phone'"),
        "a@contoso.example|Ames|+1 555 0100"
    );
    assert_eq!(lab.effective(upn), ["scimuser.department=Audit", "title=Clerk"]);

    // Another tenant setting: no path, keys that are paths.
    patch_user(
        &lab,
        &id,
        &json!([{"op": "Replace", "value": {
            "displayName": "Alice Ames", "name.givenName": "Alice", "emails[type eq \"home\"].value": "home@contoso.example",
            format!("{ENTERPRISE}:costCenter"): "77"
        }}]),
    );
    let shown = lab.scim.get(&format!("/Users/{id}")).expect(200).json;
    assert_eq!(shown["name"]["givenName"], json!("Alice"));
    assert_eq!(shown["emails"].as_array().map(Vec::len), Some(2), "{shown}");
    assert_eq!(lab.effective(upn), ["scimuser.costCenter=77", "scimuser.department=Audit", "title=Clerk"]);

    // The user is unassigned, then assigned again, then deleted in the directory.
    patch_user(&lab, &id, &json!([{"op": "Replace", "path": "active", "value": "False"}]));
    assert_eq!(lab.user(upn, "active"), "f");
    assert_eq!(lab.effective(upn), [""; 0]);
    patch_user(&lab, &id, &json!([{"op": "Replace", "path": "active", "value": "True"}]));
    assert_eq!(lab.effective(upn).len(), 3);
    lab.scim.delete(&format!("/Users/{id}")).expect(204);
    lab.scim.get(&format!("/Users/{id}")).expect(404);
    lab.scim.delete(&format!("/Users/{id}")).expect(404);
    assert_eq!(lab.user(upn, "active"), "f");

    let audit = lab.audit();
    assert!(audit.iter().any(|line| line.starts_with("add user ")), "{audit:?}");
    assert!(
        audit
            .iter()
            .any(|line| line.starts_with("remove user_attribute ") && line.ends_with("scimuser.department")),
        "{audit:?}"
    );
}

#[test]
fn managers() {
    let lab = lab();
    let alice = provision(&lab.scim, "alice", "oid-a");
    let boss = provision(&lab.scim, "boss", "oid-b");
    let manager = format!("{ENTERPRISE}:manager");
    let shown = || lab.scim.get(&format!("/Users/{alice}")).json[ENTERPRISE]["manager"].clone();
    for value in [
        json!(boss),
        json!([{"value": boss}]),
        json!({"value": boss}),
        json!([{"$ref": null, "value": boss}]),
    ] {
        patch_user(&lab, &alice, &json!([{"op": "Add", "path": manager, "value": value}]));
        assert_eq!(shown()["value"], json!(boss), "{value}");
        patch_user(&lab, &alice, &json!([{"op": "Replace", "path": manager, "value": ""}]));
        assert_eq!(shown(), Value::Null, "{value}");
    }
    // The manager comes later, or never.
    patch_user(
        &lab,
        &alice,
        &json!([{"op": "Add", "path": manager, "value": "0f0e0d0c-0000-4000-8000-00000000000f"}]),
    );
    assert_eq!(shown()["value"], json!("0f0e0d0c-0000-4000-8000-00000000000f"));
    patch_user(&lab, &alice, &json!([{"op": "Remove", "path": manager}]));
    assert_eq!(shown(), Value::Null);
}

#[test]
fn app_roles() {
    let lab = lab();
    let alice = provision(&lab.scim, "alice", "oid-a");
    let upn = "alice@contoso.example";
    // SingleAppRoleAssignment, then AppRoleAssignmentsComplex with JSON as text.
    patch_user(
        &lab,
        &alice,
        &json!([{"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Reader"}]),
    );
    assert_eq!(lab.effective(upn), ["role=Reader", "scimuser.department=Ledger", "title=Clerk"]);
    patch_user(
        &lab,
        &alice,
        &json!([{"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Writer"}]),
    );
    assert_eq!(lab.effective(upn), ["role=Writer", "scimuser.department=Ledger", "title=Clerk"]);
    let roles = json!([
        {"value": "{\"id\":\"06b07648-ecfe-589f-9d2f-6325724a46ee\",\"value\":\"Admin\",\"displayName\":\"Administrator\"}"},
        {"value": "{\"id\":\"b3b2a1c0-ecfe-589f-9d2f-6325724a46ee\",\"value\":\"Auditor\",\"displayName\":\"Auditor\"}"}
    ]);
    patch_user(&lab, &alice, &json!([{"op": "Replace", "path": "roles", "value": roles}]));
    assert_eq!(
        lab.effective(upn),
        ["role=Admin", "role=Auditor", "scimuser.department=Ledger", "title=Clerk"]
    );
}

#[test]
fn groups() {
    let lab = lab();
    let [alice, bob, carol] =
        ["alice", "bob", "carol"].map(|name| provision(&lab.scim, name, &format!("oid-{name}")));
    let lookup = [("excludedAttributes", "members"), ("filter", "displayName eq \"Staff\"")];
    assert_eq!(lab.scim.query("/Groups", &lookup).expect(200).total(), 0);
    let body = json!({"schemas": [GROUP, ADSCIM], "externalId": "oid-staff", "displayName": "Staff", "meta": {"resourceType": "Group"}});
    let id = lab.scim.create("/Groups", &body);
    let path = format!("/Groups/{id}");
    let found = lab.scim.query("/Groups", &lookup).expect(200);
    assert_eq!(found.each("id"), [id.as_str()]);
    let patch = |operations: Value| {
        lab.scim.patch(&path, &operations).expect(204);
    };

    patch(json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": alice}]}]));
    patch(
        json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": bob}, {"$ref": null, "value": carol}]}]),
    );
    assert_eq!(lab.members("Staff").len(), 3);

    let without = lab.scim.query(&path, &[("excludedAttributes", "members")]).expect(200).json;
    assert!(without.get("members").is_none(), "the key itself is absent: {without}");
    assert!(lab.scim.query("/Groups", &lookup).resources()[0].get("members").is_none());

    patch(json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": bob}]}]));
    assert_eq!(lab.members("Staff"), ["alice@contoso.example", "carol@contoso.example"]);
    patch(json!([{"op": "Remove", "path": format!("members[value eq \"{carol}\"]")}]));
    assert_eq!(shown_members(&lab.scim, &id), [alice.as_str()]);

    patch(json!([{"op": "Replace", "path": "displayName", "value": "Crew"}]));
    assert_eq!(lab.members("Crew"), ["alice@contoso.example"]);
    lab.scim.delete(&path).expect(204);
    assert_eq!(lab.members("Crew"), [""; 0]);
    lab.scim.get(&path).expect(404);
}

#[test]
fn users_and_memberships_arrive_in_separate_events() {
    let lab = lab();
    let alice = provision(&lab.scim, "alice", "oid-a");
    let id = lab
        .scim
        .create("/Groups", &json!({"schemas": [GROUP], "externalId": "oid-staff", "displayName": "Staff"}));
    let path = format!("/Groups/{id}");
    // Bob is not here yet: all known members are taken, bob waits.
    let add = json!([{"op": "Add", "path": "members", "value": [{"value": alice}, {"value": "oid-bob"}]}]);
    lab.scim.patch(&path, &add).expect(204);
    assert_eq!(lab.members("Staff"), ["alice@contoso.example"]);
    provision(&lab.scim, "bob", "oid-bob");
    assert_eq!(lab.members("Staff"), ["alice@contoso.example", "bob@contoso.example"]);
    let nobody = json!([{"op": "Add", "path": "members", "value": [{"value": "00000000-0000-4000-8000-000000000000"}]}]);
    lab.refused(400, "invalidValue", |scim| scim.patch(&path, &nobody));
}

#[test]
fn restored_and_renamed() {
    let lab = lab();
    let first = provision(&lab.scim, "alice", "oid-a");
    let user_id = lab.user("alice@contoso.example", "user_id");
    patch_user(
        &lab,
        &first,
        &json!([{"op": "Replace", "path": "userName", "value": "alice.ames@contoso.example"}]),
    );
    assert_eq!(lab.user("alice.ames@contoso.example", "user_id"), user_id, "a name is no identity");
    lab.scim.delete(&format!("/Users/{first}")).expect(204);
    let second = provision(&lab.scim, "alice", "oid-a");
    assert_ne!(first, second);
    assert_eq!(lab.external("oid-a", "user_id, active"), format!("{user_id}|t"));
}
