//! Lists: pages by number and by cursor, and their order.

use std::collections::BTreeSet;

use roster_tests::Answer;
use serde_json::{Value, json};

use super::{Lab, group, user};

fn with_users(count: usize) -> Lab {
    let lab = Lab::new();
    for n in 0..count {
        lab.scim.create(
            "/Users",
            &user(&format!("u{n:03}"), json!({"displayName": format!("name {:03}", (n * 7) % count)})),
        );
    }
    lab
}

fn cursor(answer: &Answer) -> Option<String> {
    answer.json["nextCursor"].as_str().map(str::to_owned)
}

#[test]
fn pages_by_number_have_a_stable_order() {
    let lab = with_users(25);
    let mut all = Vec::new();
    for start in ["1", "11", "21"] {
        let page = lab.scim.query("/Users", &[("startIndex", start), ("count", "10")]).expect(200);
        assert_eq!(page.total(), 25);
        all.extend(page.each("userName"));
        // Who joins meanwhile comes last; who changes stays in place.
        lab.new_user(&format!("late{start}"));
        let id = lab.scim.find("/Users", "userName eq \"u003\"").each("id").remove(0);
        lab.scim
            .patch(&format!("/Users/{id}"), &json!([{"op": "replace", "path": "title", "value": start}]))
            .expect(200);
        lab.scim
            .delete(&format!(
                "/Users/{}",
                lab.scim.find("/Users", &format!("userName eq \"late{start}\"")).each("id")[0]
            ))
            .expect(204);
    }
    let expected: Vec<_> = (0..25).map(|n| format!("u{n:03}")).collect();
    assert_eq!(all, expected);
}

#[test]
fn the_default_page_has_a_hundred_and_none_has_more_than_a_thousand() {
    let lab = Lab::new();
    let operations: Vec<Value> =
        (0..1005).map(|n| json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": user(&format!("u{n:04}"), json!({}))})).collect();
    for part in operations.chunks(500) {
        let bulk =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": part});
        lab.scim.post("/Bulk", &bulk).expect(200);
    }
    for (parameters, count) in
        [(vec![], 100), (vec![("count", "5000")], 1000), (vec![("count", "1000"), ("startIndex", "1001")], 5)]
    {
        let page = lab.scim.query("/Users", &parameters).expect(200);
        assert_eq!((page.total(), page.resources().len()), (1005, count), "{parameters:?}");
        assert_eq!(page.json["itemsPerPage"], json!(count));
    }
}

#[test]
fn a_cursor_goes_through_all_of_it_whatever_happens_meanwhile() {
    let lab = with_users(20);
    for (more, name) in [
        (vec![], "as created"),
        (vec![("sortBy", "displayName"), ("sortOrder", "descending")], "sorted"),
        (vec![("filter", "userName sw \"u\"")], "filtered"),
    ] {
        let mut seen = Vec::new();
        let mut next = Some(String::new());
        let mut pages = 0;
        while let Some(at) = next {
            let mut parameters = vec![("cursor", at.as_str()), ("count", "6")];
            parameters.extend(more.iter().copied());
            let page = lab.scim.query("/Users", &parameters).expect(200);
            seen.extend(page.each("userName"));
            next = cursor(&page);
            pages += 1;
            // One who was seen leaves, one joins.
            let id = lab.new_user(&format!("x{name}{pages}"));
            lab.scim.delete(&format!("/Users/{id}")).expect(204);
        }
        let distinct: BTreeSet<_> = seen.iter().filter(|name| name.starts_with('u')).collect();
        assert_eq!(distinct.len(), 20, "{name}: {seen:?}");
        assert_eq!(seen.len(), distinct.len(), "{name}: nobody twice");
        assert!(pages >= 4, "{name}: {pages} pages");
    }
}

#[test]
fn cursors_that_are_none_are_refused() {
    let lab = with_users(3);
    for nonsense in ["x", "AAAA", "!!", "-1", &"a".repeat(5000)] {
        let answer = lab.scim.query("/Users", &[("cursor", nonsense), ("count", "1")]).expect(400);
        assert_eq!(answer.scim_type(), "invalidCursor", "{nonsense:.20}");
    }
    let page =
        lab.scim.query("/Users", &[("cursor", ""), ("count", "1"), ("sortBy", "userName")]).expect(200);
    let next = cursor(&page).expect("there is more");
    // Another question is another list.
    let answer =
        lab.scim.query("/Users", &[("cursor", &next), ("count", "1"), ("sortBy", "displayName")]).expect(400);
    assert_eq!(answer.scim_type(), "invalidCursor");
    let other = lab.neighbour("other");
    other.create("/Users", &user("alice", json!({})));
    let answer = other.query("/Users", &[("cursor", &next), ("count", "1"), ("sortBy", "userName")]);
    assert!(
        answer.status == 400 || answer.each("userName") == ["alice"] || answer.resources().is_empty(),
        "{answer:?}"
    );
}

#[test]
fn sorted_by_anything() {
    let lab = Lab::new();
    for (name, more) in [
        (
            "a",
            json!({"name": {"familyName": "Zed"}, "emails": [{"value": "m@x.example", "primary": true}, {"value": "a@x.example"}]}),
        ),
        ("b", json!({"name": {"familyName": "adam"}, "emails": [{"value": "b@x.example"}], "active": false})),
        ("c", json!({"name": {"familyName": "Mia"}, "emails": [{"value": "n@x.example"}], "active": true})),
        ("d", json!({})),
    ] {
        lab.scim.create("/Users", &user(name, more));
    }
    let sorted = |by: &str, order: &str| {
        lab.scim
            .query("/Users", &[("sortBy", by), ("sortOrder", order)])
            .expect(200)
            .each("userName")
            .concat()
    };
    assert_eq!(sorted("name.familyName", "ascending"), "bcad", "without a value: last");
    assert_eq!(sorted("name.familyName", "descending"), "dacb", "without a value: first");
    assert_eq!(sorted("emails", "ascending"), "bacd", "the primary one counts");
    assert_eq!(sorted("emails.value", "ascending"), "bacd");
    assert_eq!(sorted("meta.created", "descending"), "dcba");
    assert_eq!(sorted("userName", "descending"), "dcba");
    assert_eq!(sorted("noSuchThing", "ascending").len(), 4);
    assert_eq!(sorted(&format!("{}:userName", super::USER), "descending"), "dcba");
    let ids = lab.scim.query("/Users", &[("sortBy", "id")]).expect(200).each("id");
    let mut expected = ids.clone();
    expected.sort();
    assert_eq!(ids, expected);
}

#[test]
fn search_by_post_is_the_same_as_by_get() {
    let lab = with_users(8);
    lab.scim.create("/Groups", &group("Staff", &[]));
    let search = |path: &str, mut body: Value| {
        body["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
        lab.scim.post(path, &body).expect(200)
    };
    let page = search(
        "/Users/.search",
        json!({
            "filter": "userName sw \"U\"", "sortBy": "userName", "sortOrder": "descending", "startIndex": 2, "count": 3, "attributes": ["userName"]
        }),
    );
    assert_eq!(page.each("userName"), ["u006", "u005", "u004"]);
    assert_eq!((page.total(), page.json["startIndex"].clone()), (8, json!(2)));
    assert!(page.resources()[0].get("displayName").is_none() && page.resources()[0].get("meta").is_none());
    assert_eq!(search("/Groups/.search", json!({})).total(), 1);
}

#[test]
fn users_and_groups_are_searched_together() {
    let lab = Lab::new();
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff"});
    lab.scim.post("/Groups", &group).expect(201);
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "sam", "displayName": "Sam"});
    lab.scim.post("/Users", &user).expect(201);
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "displayName pr"});
    let found = lab.scim.post("/.search", &search).expect(200).json;
    let names: Vec<_> =
        found["Resources"].as_array().expect("a list").iter().map(|one| &one["displayName"]).collect();
    assert_eq!((names, &found["totalResults"]), (vec![&json!("Sam"), &json!("Staff")], &json!(2)));
    lab.scim.get("/Me").expect(501);
}
