//! `syncd check` of a source that a provider pushes to: nothing is read, so it tells what would become of what arrives.

use std::collections::BTreeMap;

use roster_scim::path::AttrPath;
use roster_scim::profile::UnknownAttribute;
use roster_scim::schema::{Registry, RegistryOptions, ResourceKind};

use crate::config::scim::ScimConfig;
use crate::connector::{CheckState, CheckStep};

const USUAL_PROFILE: &str = "display_name, email, given_name, family_name, phone, title, organization, department and location \
                             from the attributes of these names";

pub fn check(config: &ScimConfig) -> Vec<CheckStep> {
    let mapping = &config.mapping;
    let profile =
        if mapping.profile.is_empty() { USUAL_PROFILE.to_owned() } else { listed(&mapping.profile) };
    let mut steps = vec![
        ok("configuration", said(config)),
        ok("profile", profile),
        attributes("attributes", config, &mapping.attributes),
        attributes("groups", config, &mapping.group_attributes),
    ];
    if !mapping.permissions.is_empty() {
        let paths: Vec<String> = mapping.permissions.iter().map(ToString::to_string).collect();
        steps.push(ok("permissions", paths.join(", ")));
    }
    if !mapping.platforms.is_empty() {
        steps.push(ok("platforms", listed(&mapping.platforms)));
    }
    steps.extend(never_filled(config));
    steps
}

fn said(config: &ScimConfig) -> String {
    let taken = |is_taken: bool| if is_taken { "taken" } else { "accepted and ignored" };
    let profile = serde_json::to_value(config.profile).unwrap_or_default();
    format!(
        "profile {}; groups are {}, attributes are {}",
        profile.as_str().unwrap_or("default"),
        taken(config.sync_groups),
        taken(config.mapping.sync_attributes)
    )
}

/// Attributes by path, and all fields of the mapped schemas.
fn attributes(step: &str, config: &ScimConfig, paths: &BTreeMap<String, AttrPath>) -> CheckStep {
    let schemas = config.mapping.prefixes.iter().map(|(prefix, urn)| format!("{prefix}.* <- {urn}"));
    let all: Vec<String> = schemas.chain(paths.iter().map(one)).collect();
    if all.is_empty() {
        let message = "no attribute is filled, because none is mapped".to_owned();
        return ok(step, message);
    }
    ok(step, all.join(", "))
}

/// What no provider can fill, because what it reads is dropped before.
fn never_filled(config: &ScimConfig) -> Option<CheckStep> {
    let mapping = &config.mapping;
    let mut never = Vec::new();
    if config.profile.unknown_attribute() != UnknownAttribute::Keep {
        let options =
            RegistryOptions { extensions: config.extensions.clone(), case_sensitive_usernames: false };
        let registry = Registry::new(options);
        let of_users = [&mapping.profile, &mapping.attributes, &mapping.platforms];
        let users = of_users.into_iter().flatten().map(|pair| (ResourceKind::User, pair));
        let groups = mapping.group_attributes.iter().map(|pair| (ResourceKind::Group, pair));
        let unknown = users.chain(groups).filter(|(kind, (_, path))| !knows(&registry, *kind, path));
        never.extend(unknown.map(|(_, pair)| one(pair)));
        let unknown = mapping.permissions.iter().filter(|path| !knows(&registry, ResourceKind::User, path));
        never.extend(unknown.map(|path| format!("permissions <- {path}")));
    }
    let has_attributes =
        !(mapping.attributes.is_empty() && mapping.prefixes.is_empty() && mapping.permissions.is_empty());
    if has_attributes && !mapping.sync_attributes {
        never.push("attributes and permissions, because sync_attributes is false".to_owned());
    }
    if never.is_empty() {
        return None;
    }
    Some(CheckStep {
        step: "never filled".to_owned(),
        state: CheckState::Failed,
        message: never.join(", "),
        remedy: Some("correct the paths; a path into an extension begins with its URN".to_owned()),
        sample: None,
    })
}

fn knows(registry: &Registry, kind: ResourceKind, path: &AttrPath) -> bool {
    let name = path.name();
    let (urn, rest) = registry.split_urn(&name);
    let attribute = rest.split('.').next().unwrap_or_default();
    attribute.is_empty() || registry.find(kind, urn.as_deref(), attribute).is_some()
}

fn listed(paths: &BTreeMap<String, AttrPath>) -> String {
    paths.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn one((name, path): (&String, &AttrPath)) -> String {
    format!("{name} <- {path}")
}

fn ok(step: &str, message: String) -> CheckStep {
    CheckStep { step: step.to_owned(), state: CheckState::Ok, message, remedy: None, sample: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(config: serde_json::Value) -> Vec<CheckStep> {
        check(&ScimConfig::parse(&config).unwrap())
    }

    #[test]
    fn tells_what_is_mapped() {
        let steps =
            steps(json!({"attributes": {"job": "title"}, "attribute_mapping": {"x": "urn:example:X"}}));
        assert!(steps.iter().all(|step| step.state == CheckState::Ok), "{steps:?}");
        assert_eq!(steps[2].message, "x.* <- urn:example:X, job <- title");
    }

    #[test]
    fn tells_what_nobody_can_fill() {
        let last = |config| steps(config).pop().unwrap();
        assert!(last(json!({"attributes": {"job": "jobb"}})).message.contains("job <- jobb"));
        assert_eq!(last(json!({"profile": "okta", "attributes": {"job": "jobb"}})).state, CheckState::Ok);
        assert!(
            last(json!({"sync_attributes": false, "permissions": ["roles"]}))
                .message
                .contains("sync_attributes")
        );
    }
}
