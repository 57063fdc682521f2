//! Whatever a client sends as filter: no panic, and what was read reads back.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roster_scim::filter::{Filter, compile, matches, parse};
use roster_scim::resource::fold;
use roster_scim::schema::{Registry, RegistryOptions, ResourceKind};
use serde_json::{Value, json};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:2.0:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
});

static SEARCH: LazyLock<Value> = LazyLock::new(|| {
    let document = json!({
        "userName": "sam", "title": "a\"\\", "active": true, "name": {"givenName": "Sam"},
        "emails": [{"value": "w@x", "type": "work", "primary": true}, {"value": "h@x"}],
        "urn:x:2.0:Ext": {"a": [1, "b", {"c": true}], "d": 1.5},
    });
    fold(&REGISTRY, ResourceKind::User, document.as_object().expect("an object"))
});

fuzz_target!(|text: &str| {
    let Ok(filter) = parse(text) else { return };
    for kind in [ResourceKind::User, ResourceKind::Group] {
        let holds = matches(&filter, &REGISTRY, kind, &SEARCH);
        if compile(&filter, &REGISTRY, kind).is_ok() {
            let negated = Filter::Not(Box::new(filter.clone()));
            assert_ne!(holds, matches(&negated, &REGISTRY, kind, &SEARCH));
        }
    }
    // The text may be longer than it was, with escapes and parentheses, and so too long or too deep to read.
    if let Ok(again) = parse(&filter.to_string()) {
        assert_eq!(again.to_string(), filter.to_string());
    }
});
