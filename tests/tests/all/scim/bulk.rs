//! Bulk: RFC 7644 3.7.

use roster_tests::Answer;
use serde_json::{Value, json};

use super::{GROUP, Lab, group, user};

fn bulk(lab: &Lab, operations: Value, fail_on_errors: Option<u64>) -> Answer {
    let mut body =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    if let Some(count) = fail_on_errors {
        body["failOnErrors"] = json!(count);
    }
    let answer = lab.scim.post("/Bulk", &body).expect(200);
    assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    answer
}

fn statuses(answer: &Answer) -> Vec<String> {
    let operations = answer.json["Operations"].as_array().expect("a list");
    operations.iter().map(|operation| operation["status"].as_str().expect("a string").to_owned()).collect()
}

fn id_of(answer: &Answer, at: usize) -> String {
    let location = answer.json["Operations"][at]["location"].as_str().expect("a location");
    location.rsplit('/').next().expect("an id").to_owned()
}

#[test]
fn every_method_in_one_request() {
    let lab = Lab::new();
    let (alice, bob) = (lab.new_user("alice"), lab.new_user("bob"));
    let etag = lab.scim.get(&format!("/Users/{alice}")).etag();
    let answer = bulk(
        &lab,
        json!([
            {"method": "POST", "path": "/Users", "bulkId": "c", "data": user("carol", json!({}))},
            {"method": "PUT", "path": format!("/Users/{alice}"), "version": etag, "data": user("alice", json!({"title": "Clerk"}))},
            {"method": "PATCH", "path": "/Users/bulkId:c", "data": {"Operations": [{"op": "add", "path": "title", "value": "Chief"}]}},
            {"method": "DELETE", "path": format!("/Users/{bob}")},
            {"method": "PUT", "path": format!("/Users/{alice}"), "version": etag, "data": user("alice", json!({}))},
            {"method": "POST", "path": "/Users", "bulkId": "d", "data": user("alice", json!({}))},
            {"method": "post", "path": "/Groups", "bulkId": "g", "data": {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": "bulkId:c"}]}}
        ]),
        None,
    );
    assert_eq!(statuses(&answer), ["201", "200", "200", "204", "412", "409", "201"], "{answer:#?}");
    let operations = answer.json["Operations"].as_array().expect("a list");
    assert_eq!(operations[0]["bulkId"], json!("c"));
    assert_eq!(operations[5]["response"]["scimType"], json!("uniqueness"));
    assert_eq!(operations[5]["response"]["status"], json!("409"));
    assert_eq!(operations[1]["version"], lab.scim.get(&format!("/Users/{alice}")).json["meta"]["version"]);
    assert_eq!(lab.scim.get(&format!("/Users/{}", id_of(&answer, 0))).json["title"], json!("Chief"));
    assert_eq!(lab.members("Staff"), ["carol"]);
    lab.scim.get(&format!("/Users/{bob}")).expect(404);
}

#[test]
fn groups_in_a_circle() {
    let lab = Lab::new();
    let nested = |name: &str, id: &str, other: &str| {
        json!({
            "method": "POST", "path": "/Groups", "bulkId": id,
            "data": {"schemas": [GROUP], "displayName": name, "members": [{"type": "Group", "value": format!("bulkId:{other}")}]}
        })
    };
    let answer = bulk(&lab, json!([nested("A", "a", "b"), nested("B", "b", "a")]), None);
    assert_eq!(statuses(&answer), ["201", "201"], "{answer:#?}");
    assert_eq!(lab.members("A"), ["B"]);
    assert_eq!(lab.members("B"), ["A"]);
}

#[test]
fn a_manager_by_bulk_id() {
    let lab = Lab::new();
    let urn = super::ENTERPRISE;
    let answer = bulk(
        &lab,
        json!([
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user("alice", json!({urn: {"manager": {"value": "bulkId:b"}}}))},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("boss", json!({}))}
        ]),
        None,
    );
    assert_eq!(statuses(&answer), ["201", "201"], "{answer:#?}");
    let alice = lab.scim.get(&format!("/Users/{}", id_of(&answer, 0))).json;
    assert_eq!(alice[urn]["manager"]["value"], json!(id_of(&answer, 1)));
}

#[test]
fn references_that_lead_nowhere() {
    let lab = Lab::new();
    let answer = bulk(
        &lab,
        json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": "bulkId:nobody"}]}},
            {"method": "PATCH", "path": "/Users/bulkId:nobody", "data": {"Operations": [{"op": "add", "path": "title", "value": "x"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": user("alice", json!({}))}
        ]),
        None,
    );
    let statuses = statuses(&answer);
    assert!(statuses[0].starts_with('4') && statuses[1].starts_with('4'), "{answer:#?}");
    assert_eq!(statuses[2], "201");
    assert_eq!(lab.db.lines("SELECT group_name FROM roster.groups"), [""; 0]);
}

#[test]
fn it_ends_at_so_many_errors() {
    let lab = Lab::new();
    let bad = json!({"method": "DELETE", "path": "/Users/6c5bb468-14b2-4183-baf2-06d523e03bd3"});
    let good = |name: &str| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": user(name, json!({}))});
    let answer = bulk(&lab, json!([good("a"), bad, good("b"), bad, good("c")]), Some(2));
    assert_eq!(statuses(&answer), ["201", "404", "201", "404"], "what came after is not even mentioned");
    assert_eq!(lab.scim.get("/Users").total(), 2);
    let answer = bulk(&lab, json!([bad, good("d")]), None);
    assert_eq!(statuses(&answer), ["404", "201"]);
}

#[test]
fn operations_that_are_none() {
    let lab = Lab::new();
    let answer = bulk(
        &lab,
        json!([
            {"method": "POST", "path": "/Users", "data": user("nobulkid", json!({}))},
            {"method": "GET", "path": "/Users"},
            {"method": "POST", "path": "/Elephants", "bulkId": "e", "data": {}},
            {"method": "POST", "path": "/Users", "bulkId": "x"},
            {"method": "POST", "path": "/Users", "bulkId": "y", "data": {"schemas": []}},
            {"method": "PUT", "path": "/Users", "data": user("z", json!({}))},
            {"path": "/Users"}
        ]),
        None,
    );
    for (n, status) in statuses(&answer).iter().enumerate().skip(1) {
        assert!(status.starts_with('4'), "{n}: {answer:#?}");
    }
    lab.refused(400, "invalidSyntax", |scim| scim.post("/Bulk", &json!({"Operations": "x"})));
    lab.refused(400, "invalidSyntax", |scim| scim.post("/Bulk", &json!([])));
}

#[test]
fn more_operations_than_advertised_are_too_many() {
    let lab = Lab::new();
    let most =
        lab.scim.get("/ServiceProviderConfig").json["bulk"]["maxOperations"].as_u64().expect("a number");
    let operations: Vec<_> = (0..=most).map(|_| json!({"method": "DELETE", "path": "/Users/x"})).collect();
    let body =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    lab.scim.post("/Bulk", &body).expect(413);
    assert!(most >= 1000, "{most}");
}

#[test]
fn a_group_and_its_members_in_any_order() {
    let lab = Lab::new();
    let existing = lab.new_user("existing");
    let mut operations = vec![json!({
        "method": "POST", "path": "/Groups", "bulkId": "g",
        "data": group("Staff", &[&existing, "bulkId:u1", "bulkId:u2", "bulkId:u3"])
    })];
    for n in 1..=3 {
        operations.push(json!({"method": "POST", "path": "/Users", "bulkId": format!("u{n}"), "data": user(&format!("u{n}"), json!({}))}));
    }
    let answer = bulk(&lab, json!(operations), None);
    assert_eq!(statuses(&answer), ["201"; 4], "{answer:#?}");
    assert_eq!(lab.members("Staff"), ["existing", "u1", "u2", "u3"]);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.scim_pending"), 0);
}
