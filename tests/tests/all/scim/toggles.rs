//! sync_attributes and sync_groups off: all is accepted and answered as ever, and has no effect.

use serde_json::json;

use super::{ENTERPRISE, Lab, group, shown_members, user, values};

#[test]
fn attributes_that_are_not_wanted() {
    let with = json!({
        "sync_attributes": false, "attribute_mapping": {"scimuser": ENTERPRISE}, "permissions": ["entitlements"],
        "group_attributes": {"label": "displayName"}
    });
    let lab = Lab::with(&with);
    let more = json!({"title": "Clerk", "entitlements": [{"value": "AUDIT"}], ENTERPRISE: {"Test": "a"}});
    let alice = lab.scim.create("/Users", &user("alice", more));
    let staff = lab.new_group("Staff", &[&alice]);
    assert_eq!(lab.effective("alice"), [""; 0]);
    assert_eq!(lab.permissions("alice"), [""; 0]);
    assert_eq!(lab.members("Staff"), ["alice"]);
    assert_eq!(lab.user("alice", "profile ->> 'title'"), "Clerk", "the profile is none of them");
    let shown = lab.scim.get(&format!("/Users/{alice}")).json;
    assert_eq!(shown[ENTERPRISE], json!({"Test": "a"}), "the provider reads back what it wrote");

    let mut on = with;
    on["sync_attributes"] = json!(true);
    lab.configure(&on);
    lab.scim.put(&format!("/Users/{alice}"), &shown).expect(200);
    lab.scim
        .patch(&format!("/Groups/{staff}"), &json!([{"op": "replace", "value": {"displayName": "Staff"}}]))
        .expect(200);
    assert_eq!(lab.effective("alice"), ["label=Staff", "scimuser.Test=a"]);
    assert_eq!(lab.permissions("alice"), ["AUDIT"]);
}

#[test]
fn groups_that_are_not_wanted() {
    let lab = Lab::with(&json!({"sync_groups": false}));
    let (alice, bob) = (lab.new_user("alice"), lab.new_user("bob"));
    let staff = lab.new_group("Staff", &[&alice]);
    let path = format!("/Groups/{staff}");
    assert_eq!(lab.db.lines("SELECT group_name FROM roster.groups"), [""; 0]);
    assert_eq!(lab.db.lines("SELECT * FROM roster.memberships"), [""; 0]);
    // The provider sees what it said.
    assert_eq!(shown_members(&lab.scim, &staff), [alice.as_str()]);
    lab.scim.patch(&path, &json!([{"op": "add", "path": "members", "value": [{"value": bob}]}])).expect(200);
    lab.scim
        .patch(&path, &json!([{"op": "remove", "path": format!("members[value eq \"{alice}\"]")}]))
        .expect(200);
    assert_eq!(shown_members(&lab.scim, &staff), [bob.as_str()]);
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "displayName", "value": "Crew"}])).expect(200);
    assert_eq!(lab.scim.find("/Groups", "displayName eq \"crew\"").expect(200).each("id"), [staff.as_str()]);
    lab.scim.post("/Groups", &group("Crew", &[])).expect(409);

    // Wanted again: what was said meanwhile holds with the group's next statement.
    lab.configure(&json!({}));
    let answer = lab.scim.get(&path).expect(200);
    assert_eq!(values(&answer.json["members"]), [bob.as_str()]);
    lab.scim.put(&path, &answer.json).expect(200);
    assert_eq!(lab.members("Crew"), ["bob"]);
    lab.configure(&json!({"sync_groups": false}));
    lab.scim.put(&path, &answer.json).expect(200);
    assert_eq!(lab.members("Crew"), [""; 0]);
    assert_eq!(shown_members(&lab.scim, &staff), [bob.as_str()]);
    lab.scim.delete(&path).expect(204);
    lab.scim.get(&path).expect(404);
}
