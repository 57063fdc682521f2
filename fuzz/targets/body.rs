//! Whatever a client sends as body: no panic, and every document is canonical, so that a PUT of a GET changes nothing.
//! The first byte chooses the profile, as a digit for users or a letter for groups; the rest of the line is a resource, the next
//! line a PATCH of it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use roster_scim::document::Document;
use roster_scim::patch::Patch;
use roster_scim::profile::Profile;
use roster_scim::resource::{Resource, fold, read_resource, render};
use roster_scim::schema::{Registry, RegistryOptions, ResourceKind};
use serde_json::{Value, json};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:2.0:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
});

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let profile = Profile::ALL[usize::from(choice % 16) % Profile::ALL.len()];
    let kind = if choice & 0x40 == 0 { ResourceKind::User } else { ResourceKind::Group };
    let (resource, patch) = text.split_once('\n').unwrap_or((text, ""));
    let document = document(kind, profile, resource);
    let Ok(body) = serde_json::from_str::<Value>(patch) else { return };
    let Ok(patch) = Patch::parse(&REGISTRY, kind, profile, &body) else { return };
    let members = patch.members();
    assert!(members.add.iter().all(|id| !members.remove.contains(id)));
    if let Ok(patched) = patch.apply(&REGISTRY, &document) {
        check(kind, profile, &patched);
    }
});

/// What the body says, or a plain resource if it is refused.
fn document(kind: ResourceKind, profile: Profile, body: &str) -> Document {
    let read =
        serde_json::from_str(body).ok().and_then(|body| read_resource(&REGISTRY, kind, profile, body).ok());
    match read {
        Some(read) => {
            check(kind, profile, &read.document);
            read.document
        }
        None => Document::from_iter(["userName", "displayName"].map(|name| (name.to_owned(), json!("sam"))))
            .into_iter()
            .filter(|(name, _)| kind == ResourceKind::User || name == "displayName")
            .collect(),
    }
}

fn check(kind: ResourceKind, profile: Profile, document: &Document) {
    fold(&REGISTRY, kind, document);
    let time = chrono::DateTime::UNIX_EPOCH;
    let resource = Resource {
        kind,
        id: "1",
        document,
        version: 1,
        created: time,
        modified: time,
        base: "https://h/scim/x/v2",
    };
    let body = Value::Object(render(&REGISTRY, &resource));
    assert!(!body.to_string().contains("\\u0000"), "PostgreSQL has no NUL: {body}");
    let again = read_resource(&REGISTRY, kind, profile, body).expect("an own GET can be PUT");
    assert_eq!(&again.document, document);
}
