//! What real clients send, one case each: the second half of twenty-six.

use roster_tests::patch_body;
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Lab, USER, group, shown_members, user, values};

#[test]
fn case_14_another_external_id_keeps_the_members() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let id = lab.new_group("Staff", &[&alice]);
    let path = format!("/Groups/{id}");
    lab.scim.patch(&path, &json!([{"op": "replace", "path": "externalId", "value": "g-77"}])).expect(200);
    lab.scim.patch(&path, &json!([{"op": "Replace", "value": {"externalId": "g-78"}}])).expect(200);
    assert_eq!(lab.scim.get(&path).json["externalId"], json!("g-78"));
    assert_eq!(lab.members("Staff"), ["alice"]);
    assert_eq!(lab.db.line("SELECT external_id FROM roster.groups"), "g-78");
}

#[test]
fn case_15_sixteen_members_added_at_once() {
    let lab = Lab::new();
    let users: Vec<_> = (0..16).map(|n| lab.new_user(&format!("u{n:02}"))).collect();
    let path = format!("/Groups/{}", lab.new_group("Staff", &[]));
    std::thread::scope(|threads| {
        for user in &users {
            let add = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
            let (scim, path) = (lab.scim.clone(), &path);
            threads.spawn(move || scim.patch(path, &add).expect(200));
        }
    });
    assert_eq!(values(&lab.scim.get(&path).json["members"]).len(), 16);
    assert_eq!(lab.members("Staff").len(), 16);
}

#[test]
fn case_16_filters_beyond_all_measure() {
    let lab = Lab::new();
    let deep = format!("{}userName pr{}", "(".repeat(2000), ")".repeat(2000));
    let open = "(".repeat(4000);
    let not = "not (".repeat(2000);
    let brackets = "emails[".repeat(2000);
    let long = format!("userName eq \"x\"{}", " or userName eq \"x\"".repeat(400));
    for filter in [&deep, &open, &not, &brackets, &long] {
        let search =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter});
        assert_eq!(lab.scim.post("/Users/.search", &search).expect(400).scim_type(), "invalidFilter");
        let answer = lab.scim.find("/Users", filter);
        assert!(matches!(answer.status, 400 | 414 | 431), "{answer:?}");
    }
    lab.scim.get("/ServiceProviderConfig").expect(200);
}

#[test]
fn case_17_external_ids_compare_exactly() {
    let lab = Lab::new();
    lab.scim.create("/Users", &user("alice", json!({"externalId": "Ab-77"})));
    assert_eq!(lab.scim.find("/Users", r#"externalId eq "Ab-77""#).total(), 1);
    assert_eq!(lab.scim.find("/Users", r#"externalId eq "ab-77""#).total(), 0);
    assert_eq!(lab.scim.find("/Users", r#"EXTERNALID eq "Ab-77""#).total(), 1);
    assert_eq!(lab.scim.find("/Users", r#"userName eq "ALICE""#).total(), 1);
}

#[test]
fn case_18_escapes_in_a_filter_are_those_of_json() {
    let lab = Lab::new();
    let odd = r#"back\slash "quoted" %_.*$'"#;
    lab.scim.create("/Users", &user("alice", json!({"displayName": odd, "title": "tab\tand\nnewline é 😀"})));
    lab.scim.create("/Users", &user("bob", json!({"displayName": "backslash quoted"})));
    let literal = json!(odd).to_string();
    for operator in ["eq", "co", "sw", "ew"] {
        let filter = format!("displayName {operator} {literal}");
        assert_eq!(lab.scim.find("/Users", &filter).expect(200).each("userName"), ["alice"], "{filter}");
    }
    for filter in [
        r#"title eq "tab\tand\nnewline \u00e9 \ud83d\ude00""#,
        r#"title ew "newline é 😀""#,
        r#"title co "\nnewline""#,
        r#"title sw "tab\u0009AND""#,
    ] {
        assert_eq!(lab.scim.find("/Users", filter).expect(200).each("userName"), ["alice"], "{filter}");
    }
}

#[test]
fn case_19_a_patch_holds_as_a_whole_or_not_at_all() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.scim.create("/Users", &user("alice", json!({"title": "Clerk"}))));
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Chief"},
        {"op": "replace", "path": "id", "value": "another"}
    ]);
    lab.refused(400, "mutability", |scim| scim.patch(&path, &operations));
    assert_eq!(lab.scim.get(&path).json["title"], json!("Clerk"));
}

#[test]
fn case_20_page_numbers_beyond_the_list() {
    let lab = Lab::new();
    for n in 0..3 {
        lab.new_user(&format!("u{n}"));
    }
    for (parameters, index, count) in [
        ([("startIndex", "0"), ("count", "2")], 1, 2),
        ([("startIndex", "-7"), ("count", "100")], 1, 3),
        ([("startIndex", "1"), ("count", "0")], 1, 0),
        ([("startIndex", "1"), ("count", "-3")], 1, 0),
        ([("startIndex", "3"), ("count", "10")], 3, 1),
        ([("startIndex", "4"), ("count", "10")], 4, 0),
        ([("startIndex", "2147483648"), ("count", "10")], 2_147_483_648_i64, 0),
    ] {
        let answer = lab.scim.query("/Users", &parameters).expect(200);
        assert_eq!(answer.total(), 3, "{parameters:?}");
        assert_eq!(answer.resources().len(), count, "{parameters:?}");
        assert_eq!(answer.json["itemsPerPage"], json!(count), "{parameters:?}");
        assert_eq!(answer.json["startIndex"], json!(index), "{parameters:?}");
    }
    let huge = lab.scim.query("/Users", &[("startIndex", "99999999999999999999999"), ("count", "10")]);
    assert!(huge.status == 400 || huge.status == 200 && huge.resources().is_empty(), "{huge:?}");
}

#[test]
fn case_21_the_newest_primary_is_the_primary() {
    let lab = Lab::new();
    let emails = json!([{"value": "a@example.org", "type": "work", "primary": true}]);
    let path = format!("/Users/{}", lab.scim.create("/Users", &user("alice", json!({"emails": emails}))));
    let another = json!({"value": "b@example.org", "type": "home", "primary": true});
    lab.scim.patch(&path, &json!([{"op": "add", "path": "emails", "value": [another]}])).expect(200);
    let shown = lab.scim.get(&path).json;
    let primary: Vec<&Value> = shown["emails"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|email| email["primary"] == json!(true))
        .collect();
    assert_eq!(primary, [&another]);
    assert_eq!(lab.user("alice", "email"), "b@example.org");
}

#[test]
fn case_22_who_is_deleted_is_no_member() {
    let lab = Lab::new();
    let (alice, bob) = (lab.new_user("alice"), lab.new_user("bob"));
    let id = lab.new_group("Staff", &[&alice, &bob]);
    let before = lab.scim.get(&format!("/Groups/{id}")).etag();
    lab.scim.delete(&format!("/Users/{alice}")).expect(204);
    assert_eq!(shown_members(&lab.scim, &id), [bob]);
    assert_eq!(lab.members("Staff"), ["bob"]);
    assert_ne!(lab.scim.get(&format!("/Groups/{id}")).etag(), before, "the group is another one now");
}

#[test]
fn case_23_a_projection_is_exact() {
    let lab = Lab::new();
    let more = json!({
        "displayName": "Alice", "name": {"givenName": "Alice", "familyName": "A"},
        "emails": [{"value": "a@example.org", "type": "work", "primary": true}, {"value": "b@example.org", "type": "home"}],
        ENTERPRISE: {"department": "Ledger", "costCenter": "7"}
    });
    let id = lab.scim.create("/Users", &user("alice", more));
    let shown = |attributes: &str| {
        lab.scim.query(&format!("/Users/{id}"), &[("attributes", attributes)]).expect(200).json
    };
    let schemas = json!([USER, ENTERPRISE]);
    assert_eq!(
        shown("emails.value"),
        json!({"schemas": schemas, "id": id, "emails": [{"value": "a@example.org"}, {"value": "b@example.org"}]})
    );
    assert_eq!(
        shown(&format!("{USER}:userName,{ENTERPRISE}:department")),
        json!({"schemas": schemas, "id": id, "userName": "alice", ENTERPRISE: {"department": "Ledger"}})
    );
    assert_eq!(
        shown("NAME.GIVENNAME"),
        json!({"schemas": schemas, "id": id, "name": {"givenName": "Alice"}})
    );
}

#[test]
fn case_24_bulk_references_what_comes_later() {
    let lab = Lab::new();
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g",
             "data": {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": "bulkId:u"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "u", "data": user("alice", json!({}))}
        ]
    });
    let answer = lab.scim.post("/Bulk", &body).expect(200);
    let statuses: Vec<_> =
        answer.json["Operations"].as_array().expect("a list").iter().map(|o| &o["status"]).collect();
    assert_eq!(statuses, [&json!("201"), &json!("201")], "{answer:#?}");
    assert_eq!(lab.members("Staff"), ["alice"]);
}

#[test]
fn case_25_put_makes_nobody() {
    let lab = Lab::new();
    lab.new_user("alice");
    for id in ["6c5bb468-14b2-4183-baf2-06d523e03bd3", "nonsense", "1", "a%20b", "..%2f"] {
        lab.refused(404, "", |scim| scim.put(&format!("/Users/{id}"), &user("new", json!({}))));
        lab.refused(404, "", |scim| scim.put(&format!("/Groups/{id}"), &group("new", &[])));
        lab.refused(404, "", |scim| scim.get(&format!("/Users/{id}")));
        lab.refused(404, "", |scim| scim.delete(&format!("/Groups/{id}")));
        let operations = json!([{"op": "replace", "path": "displayName", "value": "x"}]);
        lab.refused(404, "", |scim| {
            scim.request("PATCH", &format!("/Users/{id}"), &[], Some(&patch_body(&operations)))
        });
    }
}

#[test]
fn case_26_sorting_goes_by_the_folded_text() {
    let lab = Lab::new();
    for name in ["b", "A", "c"] {
        lab.scim.create("/Users", &user(&format!("user {name}"), json!({"displayName": name})));
    }
    let order = |order: &str| {
        lab.scim
            .query("/Users", &[("sortBy", "displayName"), ("sortOrder", order)])
            .expect(200)
            .each("displayName")
    };
    assert_eq!(order("descending"), ["c", "b", "A"]);
    assert_eq!(order("ascending"), ["A", "b", "c"]);
    assert_eq!(lab.scim.query("/Users", &[("sortBy", "displayName")]).each("displayName"), ["A", "b", "c"]);
}
