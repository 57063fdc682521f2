use super::*;
use crate::profile::Profile;
use crate::resource::read_resource;
use crate::schema::{Mutability, RegistryOptions};

const BASE: &str = "https://h/scim/okta/v2";

fn registry() -> Registry {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
}

fn ids(resources: &[Value]) -> Vec<&str> {
    resources.iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

#[test]
fn the_configuration_has_the_limits() {
    let config = service_provider_config(BASE, &Limits { max_operations: 7, ..Limits::default() });
    assert_eq!(config["bulk"], json!({"supported": true, "maxOperations": 7, "maxPayloadSize": 16_777_216}));
    assert_eq!(config["filter"]["maxResults"], json!(1000));
    assert_eq!(config["pagination"]["defaultPaginationMethod"], json!("index"));
    assert_eq!(config["meta"]["location"], json!("https://h/scim/okta/v2/ServiceProviderConfig"));
}

#[test]
fn resource_types_name_published_schemas_only() {
    let published = schemas(&registry(), BASE);
    let published = ids(&published);
    let types = resource_types(&registry(), BASE);
    assert_eq!(ids(&types), ["User", "Group"]);
    for resource_type in &types {
        assert!(published.contains(&resource_type["schema"].as_str().unwrap()));
        for extension in resource_type["schemaExtensions"].as_array().unwrap() {
            assert!(published.contains(&extension["schema"].as_str().unwrap()));
        }
    }
    assert_eq!(types[0]["schemaExtensions"], json!([{"schema": urns::ENTERPRISE_USER, "required": false}]));
}

#[test]
fn schemas_are_those_of_rfc_7643() {
    let published = schemas(&registry(), BASE);
    assert_eq!(
        ids(&published),
        [
            urns::USER,
            urns::GROUP,
            urns::ENTERPRISE_USER,
            urns::SERVICE_PROVIDER_CONFIG,
            urns::RESOURCE_TYPE,
            urns::SCHEMA
        ]
    );
    let names: Vec<&str> =
        published[0]["attributes"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    let expected = "userName name displayName nickName profileUrl title userType preferredLanguage locale timezone \
         active password emails phoneNumbers ims photos addresses groups entitlements roles x509Certificates";
    assert_eq!(names.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
}

#[test]
fn what_is_advertised_describes_itself_truly() {
    let password = schemas(&registry(), BASE)[0]["attributes"][11].clone();
    assert_eq!(
        (&password["name"], &password["mutability"], &password["returned"]),
        (&json!("password"), &json!("writeOnly"), &json!("never"))
    );
    let service = service_schemas();
    assert!(service.iter().flat_map(|s| &s.attributes).all(|a| a.mutability == Mutability::ReadOnly));
}

/// An example for every writable attribute, as a client that goes by `/Schemas` would make one.
fn example(attribute: &Attribute) -> Value {
    let value = match attribute.data_type {
        DataType::Boolean => json!(false),
        DataType::Complex => attribute
            .sub_attributes
            .iter()
            .filter(|sub| !sub.is_read_only())
            .map(|sub| (sub.name.to_string(), example(sub)))
            .collect(),
        _ => json!(format!("some {}", attribute.name)),
    };
    if attribute.multi_valued { json!([value]) } else { value }
}

#[test]
fn every_advertised_attribute_survives() {
    let registry = registry();
    let writable = |attributes: &[Attribute]| -> Map<String, Value> {
        attributes
            .iter()
            .filter(|a| !a.is_read_only() && a.mutability != Mutability::WriteOnly)
            .map(|a| (a.name.to_string(), example(a)))
            .collect()
    };
    for profile in Profile::ALL {
        let mut body = writable(registry.core(ResourceKind::User));
        let extension = registry.extension(ResourceKind::User, urns::ENTERPRISE_USER).unwrap();
        body.insert(urns::ENTERPRISE_USER.to_owned(), Value::Object(writable(&extension.attributes)));
        let mut sent = body.clone();
        sent.insert("schemas".to_owned(), json!([urns::USER, urns::ENTERPRISE_USER]));
        let incoming = read_resource(&registry, ResourceKind::User, profile, Value::Object(sent)).unwrap();
        assert_eq!(Value::Object(incoming.document), Value::Object(body));
    }
}
