//! What the server says of itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Lab, TEAM, USER};

#[test]
fn the_configuration_says_what_is_there() {
    let lab = Lab::new();
    let config = lab.scim.get("/ServiceProviderConfig").expect(200).json;
    for (feature, supported) in [
        ("patch", true),
        ("bulk", true),
        ("filter", true),
        ("changePassword", false),
        ("sort", true),
        ("etag", true),
    ] {
        assert_eq!(config[feature]["supported"], json!(supported), "{feature}");
    }
    assert_eq!(config["filter"]["maxResults"], json!(1000));
    assert_eq!(config["pagination"]["cursor"], json!(true));
    assert_eq!(config["pagination"]["index"], json!(true));
    let schemes: BTreeSet<_> = config["authenticationSchemes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|s| s["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(schemes, BTreeSet::from(["httpbasic", "oauthbearertoken"]));
    assert!(
        config["meta"]["location"]
            .as_str()
            .is_some_and(|at| at == format!("{}/ServiceProviderConfig", lab.scim.base()))
    );
}

#[test]
fn types_and_schemas_one_by_one_and_all_together() {
    let lab = Lab::with(&json!({"attribute_mapping": {"team": TEAM}}));
    for path in ["/ResourceTypes", "/Schemas"] {
        let list = lab.scim.get(path).expect(200);
        assert_eq!(list.total() as usize, list.resources().len());
        for resource in list.resources() {
            let id = resource["id"].as_str().expect("an id");
            assert_eq!(&lab.scim.get(&format!("{path}/{id}")).expect(200).json, resource, "{id}");
        }
        lab.scim.get(&format!("{path}/nothing")).expect(404);
        lab.scim.query(path, &[("filter", "id pr")]).expect(403);
        lab.scim.post(path, &json!({})).expect(405);
    }
    let ids: BTreeSet<_> = lab.scim.get("/Schemas").each("id").into_iter().collect();
    for urn in [USER, GROUP, ENTERPRISE] {
        assert!(ids.contains(urn), "{urn} is missing in {ids:?}");
    }
    let user = lab.scim.get("/ResourceTypes/User").expect(200).json;
    assert_eq!(user["endpoint"], json!("/Users"));
    assert_eq!(user["schema"], json!(USER));
    assert!(
        user["schemaExtensions"]
            .as_array()
            .is_some_and(|all| all.iter().any(|e| e["schema"] == json!(ENTERPRISE))),
        "{user}"
    );
}

#[test]
fn attributes_are_told_as_they_behave() {
    let lab = Lab::new();
    let schema = lab.scim.get(&format!("/Schemas/{USER}")).expect(200).json;
    let attribute = |name: &str| -> Value {
        let all = schema["attributes"].as_array().expect("a list");
        all.iter().find(|a| a["name"] == json!(name)).unwrap_or_else(|| panic!("{name} is missing")).clone()
    };
    let name = attribute("userName");
    assert_eq!(
        (&name["required"], &name["caseExact"], &name["uniqueness"]),
        (&json!(true), &json!(false), &json!("server"))
    );
    assert_eq!(attribute("groups")["mutability"], json!("readOnly"));
    let all: Vec<_> = schema["attributes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|a| a["name"] == json!("password"))
        .collect();
    assert!(all.iter().all(|password| password["returned"] == json!("never")), "{all:?}");
}

#[test]
fn methods_that_an_address_does_not_have() {
    let lab = Lab::new();
    for (method, path) in [
        ("PUT", "/Users"),
        ("DELETE", "/Users"),
        ("PATCH", "/Groups"),
        ("POST", "/ServiceProviderConfig"),
        ("DELETE", "/Schemas"),
        ("GET", "/Bulk"),
        ("GET", "/Users/.search"),
        ("POST", "/Users/6c5bb468-14b2-4183-baf2-06d523e03bd3"),
    ] {
        let body = (method != "GET" && method != "DELETE").then_some("{}");
        let answer = lab.scim.request(method, path, &[], body);
        assert!(
            answer.status == 405 || answer.status == 404 && method == "GET",
            "{method} {path}: {answer:?}"
        );
        if answer.status == 405 {
            assert!(
                answer.header("allow").is_some_and(|allow| !allow.contains(method)),
                "{method} {path}: {answer:?}"
            );
        }
    }
}
