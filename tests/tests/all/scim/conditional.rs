//! ETags: If-Match and If-None-Match.

use roster_tests::patch_body;
use serde_json::json;

use super::{Lab, group, user};

#[test]
fn versions_in_header_and_body_agree() {
    let lab = Lab::new();
    for (path, body) in [("/Users", user("alice", json!({}))), ("/Groups", group("Staff", &[]))] {
        let created = lab.scim.post(path, &body).expect(201);
        let shown = lab.scim.get(&format!("{path}/{}", created.id())).expect(200);
        assert_eq!(created.etag(), shown.etag());
        assert_eq!(shown.json["meta"]["version"], json!(shown.etag()));
        assert!(shown.etag().starts_with("W/\""), "{}", shown.etag());
        let changed = lab
            .scim
            .patch(
                &format!("{path}/{}", created.id()),
                &json!([{"op": "replace", "path": "displayName", "value": "x"}]),
            )
            .expect(200);
        assert_ne!(changed.etag(), shown.etag());
        assert_eq!(lab.scim.get(path).resources()[0]["meta"]["version"], json!(changed.etag()));
    }
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    let etag = lab.scim.get(&path).etag();
    let get = |tag: &str| lab.scim.request("GET", &path, &[("if-none-match", tag)], None);
    let answer = get(&etag).expect(304);
    assert_eq!(answer.etag(), etag);
    get("*").expect(304);
    get(&format!("\"x\", {etag}")).expect(304);
    get("\"x\"").expect(200);
    get(etag.trim_start_matches("W/")).expect(304);
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "title", "value": "x"}])).expect(200);
    get(&etag).expect(200);
}

#[test]
fn what_has_changed_meanwhile_is_not_overwritten() {
    let lab = Lab::new();
    for (collection, body) in [("/Users", user("alice", json!({}))), ("/Groups", group("Staff", &[]))] {
        let path = format!("{collection}/{}", lab.scim.create(collection, &body));
        let old = lab.scim.get(&path).etag();
        let title = patch_body(&json!([{"op": "replace", "path": "externalId", "value": "e-1"}]));
        let request = |method: &str, tag: &str, body: Option<&str>| {
            lab.scim.request(method, &path, &[("if-match", tag)], body).status
        };
        assert_eq!(request("PATCH", &old, Some(&title)), 200);
        let new = lab.scim.get(&path).etag();
        let before = lab.facts();
        let again = patch_body(&json!([{"op": "replace", "path": "externalId", "value": "e-2"}]));
        for tag in [old.as_str(), "\"nonsense\"", "W/\"999\"", "nonsense"] {
            assert_eq!(request("PATCH", tag, Some(&again)), 412, "{tag}");
            assert_eq!(request("PUT", tag, Some(&body.to_string())), 412, "{tag}");
            assert_eq!(request("DELETE", tag, None), 412, "{tag}");
        }
        assert_eq!(lab.facts(), before);
        assert_eq!(request("PATCH", &format!("W/\"7\", {new}"), Some(&again)), 200);
        assert_eq!(request("PUT", "*", Some(&body.to_string())), 200);
        assert_eq!(request("DELETE", &lab.scim.get(&path).etag(), None), 204);
        assert_eq!(request("DELETE", "*", None), 404);
    }
}

#[test]
fn a_member_change_with_a_version() {
    let lab = Lab::new();
    let (alice, bob) = (lab.new_user("alice"), lab.new_user("bob"));
    let path = format!("/Groups/{}", lab.new_group("Staff", &[]));
    let old = lab.scim.get(&path).etag();
    let add = |id: &str| patch_body(&json!([{"op": "add", "path": "members", "value": [{"value": id}]}]));
    lab.scim.request("PATCH", &path, &[("if-match", &old)], Some(&add(&alice))).expect(200);
    lab.scim.request("PATCH", &path, &[("if-match", &old)], Some(&add(&bob))).expect(412);
    assert_eq!(lab.members("Staff"), ["alice"]);
}

#[test]
fn of_two_conditional_changes_at_once_one_wins() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    let old = lab.scim.get(&path).etag();
    let statuses: Vec<_> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let (scim, path, old) = (&lab.scim, &path, &old);
                threads.spawn(move || {
                    let body =
                        patch_body(&json!([{"op": "replace", "path": "title", "value": format!("t{n}")}]));
                    scim.request("PATCH", path, &[("if-match", old)], Some(&body)).status
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
}
