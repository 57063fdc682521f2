//! Whatever a client sends as path or sortBy, or an administrator as mapping: no panic, and what was read reads back.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roster_scim::path::AttrPath;
use roster_scim::schema::{Registry, RegistryOptions, ResourceKind};
use roster_scim::sort::sort;
use serde_json::{Value, json};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:2.0:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
});

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "userName": "sam", "name": {"givenName": "Sam"},
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x"}],
        "urn:x:2.0:Ext": {"a": [1, "b", {"c": true}], "d": 1.5},
    })
});

fuzz_target!(|text: &str| {
    let Ok(path) = AttrPath::parse(text) else {
        assert!(sort(&REGISTRY, ResourceKind::User, text).is_err());
        return;
    };
    let document = DOCUMENT.as_object().expect("an object");
    for kind in [ResourceKind::User, ResourceKind::Group] {
        path.values(&REGISTRY, kind, document);
        let _ = sort(&REGISTRY, kind, text);
    }
    if let Ok(again) = AttrPath::parse(&path.to_string()) {
        assert_eq!(again.to_string(), path.to_string());
    }
});
