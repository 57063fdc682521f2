//! One provider's key sees and changes nothing of another.

use roster_tests::Scim;
use serde_json::json;

use super::{Lab, group, new_source, user};

/// Two providers who say the same of namesakes.
fn two() -> (Lab, Scim) {
    let lab = Lab::new();
    let other = lab.neighbour("other");
    for scim in [&lab.scim, &other] {
        let alice = scim.create(
            "/Users",
            &user("alice", json!({"externalId": "e-1", "emails": [{"value": "a@x.example"}]})),
        );
        scim.create("/Groups", &group("Staff", &[&alice]));
    }
    (lab, other)
}

fn only_id(scim: &Scim, path: &str) -> String {
    let list = scim.get(path).expect(200);
    assert_eq!(list.total(), 1);
    list.each("id").remove(0)
}

/// Every verb with ids of somebody else is 404, and nothing happens.
fn assert_strangers(lab: &Lab, mine: &Scim, theirs: &Scim) {
    let before = lab.facts();
    for (path, body) in [("/Users", user("alice", json!({}))), ("/Groups", group("Staff", &[]))] {
        let foreign = format!("{path}/{}", only_id(theirs, path));
        mine.get(&foreign).expect(404);
        mine.put(&foreign, &body).expect(404);
        mine.patch(&foreign, &json!([{"op": "replace", "path": "displayName", "value": "taken over"}]))
            .expect(404);
        mine.patch(&foreign, &json!([{"op": "remove", "path": "members"}])).expect(404);
        mine.delete(&foreign).expect(404);
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "DELETE", "path": foreign}, {"method": "PUT", "path": foreign, "data": body}
        ]});
        let answer = mine.post("/Bulk", &bulk).expect(200);
        for operation in answer.json["Operations"].as_array().expect("a list") {
            assert_eq!(operation["status"], json!("404"), "{answer:#?}");
        }
    }
    assert_eq!(lab.facts(), before);
}

#[test]
fn ids_of_another_identity_manager_are_unknown() {
    let (lab, other) = two();
    assert_strangers(&lab, &lab.scim, &other);
    assert_strangers(&lab, &other, &lab.scim);
}

#[test]
fn ids_of_another_source_of_the_same_identity_manager_are_unknown() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.create_source('second', iam => 'idp', kind => 'scim')");
    let key = lab.db.line(
        "SELECT roster.create_api_key('second key', iam => 'idp', scopes => '{scim}', source => 'second')",
    );
    let second = Scim::new(lab.served.port, "idp", &key);
    // The first key was made when there was one source only.
    lab.db.run("SELECT roster.revoke_api_key('provider key')");
    let key = lab.db.line("SELECT roster.create_api_key('provider key', iam => 'idp', scopes => '{scim}', source => 'idp-scim')");
    let first = Scim::new(lab.served.port, "idp", &key);
    for (scim, name) in [(&first, "alice"), (&second, "bob")] {
        let id = scim.create("/Users", &user(name, json!({"externalId": format!("e-{name}")})));
        scim.create("/Groups", &group(&format!("of {name}"), &[&id]));
    }
    assert_strangers(&lab, &first, &second);
    assert_strangers(&lab, &second, &first);
    // Names are those of the identity manager all the same.
    second.post("/Users", &user("alice", json!({"externalId": "e-2"}))).expect(409);
    second.post("/Groups", &group("of alice", &[])).expect(409);
}

#[test]
fn no_filter_reaches_over_the_fence() {
    let (lab, other) = two();
    let foreign_user = only_id(&other, "/Users");
    let foreign_group = only_id(&other, "/Groups");
    for filter in [
        "userName pr or userName pr".to_owned(),
        "userName eq \"alice\" or id pr".to_owned(),
        "not (userName eq \"nobody\")".to_owned(),
        "not (id eq \"x\") or not (userName eq \"x\")".to_owned(),
        "emails[value pr] or active pr or id pr".to_owned(),
        format!("id eq \"{foreign_user}\" or userName eq \"alice\""),
        format!("id ne \"{foreign_user}\""),
        "meta.created gt \"1999-01-01T00:00:00Z\" or id pr".to_owned(),
        "groups.display eq \"Staff\" or id pr".to_owned(),
    ] {
        assert_eq!(lab.scim.find("/Users", &filter).expect(200).total(), 1, "{filter}");
    }
    assert_eq!(lab.scim.find("/Users", &format!("id eq \"{foreign_user}\"")).total(), 0);
    assert_eq!(lab.scim.find("/Users", &format!("groups.value eq \"{foreign_group}\"")).total(), 0);
    assert_eq!(lab.scim.find("/Groups", &format!("members.value eq \"{foreign_user}\"")).total(), 0);
    assert_eq!(lab.scim.find("/Groups", "members pr or displayName pr").total(), 1);
    let answer = lab
        .scim
        .query("/Users", &[("sortBy", "userName"), ("filter", "userName pr"), ("cursor", "")])
        .expect(200);
    assert_eq!(answer.total(), 1);
}

#[test]
fn a_foreign_user_is_nobody_to_a_group() {
    let (lab, other) = two();
    let foreign = only_id(&other, "/Users");
    let mine = only_id(&lab.scim, "/Users");
    let path = format!("/Groups/{}", only_id(&lab.scim, "/Groups"));
    let add = json!([{"op": "add", "path": "members", "value": [{"value": foreign}]}]);
    lab.refused(400, "invalidValue", |scim| scim.patch(&path, &add));
    let both = json!([{"op": "replace", "path": "members", "value": [{"value": foreign}, {"value": mine}]}]);
    lab.scim.patch(&path, &both).expect(200);
    let shown = lab.scim.get(&path).json["members"].clone();
    assert_eq!(shown.as_array().map(Vec::len), Some(1), "{shown}");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.memberships"), 2);
    let nested = json!([{"op": "add", "path": "members", "value": [{"value": only_id(&other, "/Groups")}]}]);
    lab.refused(400, "invalidValue", |scim| scim.patch(&path, &nested));
}

#[test]
fn a_key_is_good_in_its_own_identity_manager_only() {
    let (lab, _other) = two();
    let crossed = lab.scim.aimed_at("other");
    let nowhere = lab.scim.aimed_at("nowhere");
    let before = lab.facts();
    for scim in [&crossed, &nowhere] {
        for answer in [scim.get("/Users"), scim.post("/Users", &user("eve", json!({}))), scim.get("/Me")] {
            assert!(matches!(answer.status, 401 | 403 | 404), "{answer:?}");
        }
    }
    // An identity manager that exists and one that does not look alike.
    assert_eq!(crossed.get("/Users").status, nowhere.get("/Users").status);
    assert_eq!(crossed.get("/Users").json["detail"], nowhere.get("/Users").json["detail"]);
    assert_eq!(lab.facts(), before);
}

#[test]
fn names_of_identity_managers_are_decoded() {
    let lab = Lab::new();
    let key = new_source(&lab.db, "Größe & Co", "odd-scim", "odd key", &json!({}));
    let scim = Scim::new(lab.served.port, "Größe & Co", &key);
    let created = scim.post("/Users", &user("alice", json!({}))).expect(201);
    let location = created.header("location").expect("a location").to_owned();
    assert!(location.starts_with(&scim.base()), "{location}");
    assert_eq!(lab.db.line("SELECT iam FROM roster.users"), "Größe & Co");
}
