//! Errors are SCIM, whatever happens: the client checks the form of every answer, here are the occasions.

use serde_json::json;

use super::{ENTERPRISE, Lab, group, user};

#[test]
fn addresses_that_lead_nowhere() {
    let lab = Lab::new();
    for path in [
        "",
        "/Elephants",
        "/Users/x/y",
        "/users",
        "/v2/Users",
        "/Users//",
        "/%00",
        "/Users/%FF",
        "/Groups/x/members",
    ] {
        let answer = lab.scim.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
    }
    lab.scim.get("/Users/").expect(200);
    lab.scim.get("/Groups/").expect(200);
}

#[test]
fn bodies_that_say_nothing() {
    let lab = Lab::new();
    let path = format!("/Users/{}", lab.new_user("alice"));
    let before = lab.facts();
    for body in [
        "",
        " ",
        "{",
        "[]",
        "null",
        "7",
        "\"x\"",
        "{\"userName\":",
        "{\"userName\":\"x\"} {",
        "\u{feff}",
        "userName=x",
    ] {
        for (method, path) in [
            ("POST", "/Users"),
            ("POST", "/Groups"),
            ("PUT", path.as_str()),
            ("PATCH", path.as_str()),
            ("POST", "/Bulk"),
            ("POST", "/Users/.search"),
        ] {
            let answer = lab.scim.request(method, path, &[], Some(body));
            assert_eq!(
                (answer.status, answer.scim_type()),
                (400, "invalidSyntax"),
                "{method} {path} {body:?}: {answer:?}"
            );
        }
    }
    assert_eq!(lab.facts(), before);
}

#[test]
fn resources_that_lack_what_they_need() {
    let lab = Lab::new();
    for body in [json!({}), json!({"userName": ""}), json!({"userName": null}), json!({"userName": "  "})] {
        lab.refused(400, "invalidValue", |scim| scim.post("/Users", &body));
    }
    for body in [json!({}), json!({"displayName": ""}), json!({"displayName": null})] {
        lab.refused(400, "invalidValue", |scim| scim.post("/Groups", &body));
    }
    for more in [
        json!({"emails": "x"}),
        json!({"name": "Alice"}),
        json!({"active": "perhaps"}),
        json!({"active": {}}),
        json!({"title": {"a": "b"}}),
        json!({ENTERPRISE: "x"}),
    ] {
        let before = lab.facts();
        let answer = lab.scim.post("/Users", &user("alice", more.clone()));
        // What can be understood is taken, the rest refused; nothing is a fault of ours.
        assert!(matches!(answer.status, 201 | 400), "{more}: {answer:?}");
        if answer.status == 201 {
            lab.scim.delete(&format!("/Users/{}", answer.id())).expect(204);
        } else {
            assert_eq!(lab.facts(), before);
        }
    }
}

#[test]
fn names_that_the_database_cannot_hold() {
    let lab = Lab::new();
    for name in ["nul\u{0}inside", &"x".repeat(5000), "line\nbreak", "\u{7}bell"] {
        let answer = lab.scim.post("/Users", &user(name, json!({})));
        assert!(matches!(answer.status, 201 | 400), "{name:.20?}: {answer:?}");
        let answer = lab.scim.post("/Groups", &group(name, &[]));
        assert!(matches!(answer.status, 201 | 400), "{name:.20?}: {answer:?}");
        let answer = lab.scim.post("/Users", &user("ok", json!({"title": name, "externalId": name})));
        assert!(matches!(answer.status, 201 | 400), "{name:.20?}: {answer:?}");
        if answer.status == 201 {
            lab.scim.delete(&format!("/Users/{}", answer.id())).expect(204);
        }
        let answer = lab.scim.find("/Users", &format!("userName eq {}", json!(name)));
        assert!(matches!(answer.status, 200 | 400), "{name:.20?}: {answer:?}");
    }
}

#[test]
fn surrogates_and_other_scripts() {
    let lab = Lab::new();
    for (n, name) in ["naïve", "Σίσυφος", "straße", "İstanbul", "日本語", "😀"].into_iter().enumerate()
    {
        let id = lab.scim.create("/Users", &user(name, json!({"displayName": format!("{name} {n}")})));
        assert_eq!(lab.scim.get(&format!("/Users/{id}")).json["userName"], json!(name));
        assert_eq!(
            lab.scim.find("/Users", &format!("userName eq {}", json!(name))).expect(200).each("id"),
            [id]
        );
    }
    // Half a character.
    let answer = lab.scim.request("POST", "/Users", &[], Some(r#"{"userName": "\ud83d"}"#));
    assert_eq!(answer.status, 400);
    // The same letter, written in two ways.
    assert_eq!(lab.scim.find("/Users", "userName eq \"nai\u{308}ve\"").total(), 1);
    lab.refused(409, "uniqueness", |scim| scim.post("/Users", &user("NAI\u{308}VE", json!({}))));
}

#[test]
fn parameters_that_make_no_sense() {
    let lab = Lab::new();
    lab.new_user("alice");
    for (name, value, status) in [
        ("sortOrder", "sideways", 400),
        ("startIndex", "x", 400),
        ("count", "many", 400),
        ("sortBy", "", 200),
        ("filter", "", 200),
        ("attributes", "", 200),
        ("nonsense", "x", 200),
        ("filter", "userName foo \"x\"", 400),
        ("filter", "active co \"t\"", 400),
        ("filter", "active gt true", 400),
        ("filter", "meta.created gt \"yesterday\"", 400),
    ] {
        let answer = lab.scim.query("/Users", &[(name, value)]);
        assert_eq!(answer.status, status, "{name}={value}: {answer:?}");
    }
    for filter in [
        "userName eq \"a\\u0000\"",
        "title co \"a\\u0000\"",
        "emails[value sw \"\\u0000\"] or id eq \"\\u0000\"",
    ] {
        let status = lab.scim.query("/Users", &[("filter", filter)]).status;
        assert!(status == 200 || status == 400, "{filter}: {status}");
    }
    let status = lab.scim.query("/Groups", &[("filter", "members[display eq \"\\u0000\"]")]).status;
    assert!(status == 200 || status == 400, "{status}");
    let id = lab.scim.create(
        "/Groups",
        &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Staff"}),
    );
    let operations = json!([{"op": "add", "path": "members", "value": [{"value": "a\0"}]}]);
    lab.scim.patch(&format!("/Groups/{id}"), &operations).expect(400);
    lab.scim.get("/Users?filter=%").expect(400);
    lab.scim.get("/Users?%FF=%FF&=&==&&&").expect(200);
}
