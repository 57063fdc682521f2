//! A second, fresh database that is filled by one full synchronisation of each source: it must come to the same.

use roster_tests::{Db, patch_body};
use serde_json::json;

use super::http::{Http, prefix};
use super::provider::{created, document, new_group};
use super::world::{HR, PULLED, Stated, World, create_sources, daemon_of};

pub fn assert_same(world: &World, stated: &Stated) {
    let db = Db::fresh();
    db.run(HR);
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    for line in
        world.session().lines("SELECT format('(%L, %L, %L)', username, attribute, value) FROM hr.attributes")
    {
        db.run(&format!("INSERT INTO hr.attributes VALUES {line}"));
    }
    let daemon = daemon_of(&db, &world.badges_url);
    let (push_key, scim_key) = create_sources(&db, &world.slapd.url(), &world.web, &daemon.role);
    for source in PULLED {
        daemon.sync(source);
    }
    let served = daemon.serve(&[]);
    let ports = [served.port; 2];
    push_the_final_state(stated, &mut Http::new(ports, &push_key));
    provision_the_final_state(stated, &mut Http::new(ports, &scim_key));
    for iam in ["corp", "idp"] {
        let sql = format!("SELECT roster.snapshot_hash('{iam}')");
        if world.session().line(&sql) != db.line(&sql) {
            differ(world, &db, iam);
        }
    }
}

fn push_the_final_state(stated: &Stated, http: &mut Http) {
    let json_type = "application/json";
    for service in &stated.services {
        for group in &service.groups {
            let event = crate::push::event(
                &format!("group {group}"),
                "group.upsert",
                group,
                crate::push::attributes("team", &[group]),
            );
            let (status, answer) =
                http.insist("POST", "/v1/events", crate::push::STRUCTURED, &event.to_string());
            assert_eq!(status, 200, "{answer}");
        }
        for ((user, name), values) in &service.values {
            let path = format!("/v1/users/{user}/attributes/{name}");
            let (status, answer) = http.insist("PUT", &path, json_type, &json!(values).to_string());
            assert_eq!(status, 200, "{answer}");
        }
        for (n, (group, user)) in service.members.iter().enumerate() {
            let event = crate::push::event(
                &format!("member {group} {n}"),
                "group.members.add",
                group,
                crate::push::members(&[user]),
            );
            let (status, answer) =
                http.insist("POST", "/v1/events", crate::push::STRUCTURED, &event.to_string());
            assert_eq!(status, 200, "{answer}");
        }
    }
}

fn provision_the_final_state(stated: &Stated, http: &mut Http) {
    let provider = &stated.provider;
    for group in provider.groups.keys() {
        let id = created(http, "/Groups", "displayName", group, &new_group(group));
        let members = provider.members.iter().filter(|(of, _)| of == group).map(|(_, user)| user);
        for user in members {
            let id_of_user =
                created(http, "/Users", "userName", user, &document(user, &provider.users[user]));
            let add =
                patch_body(&json!([{"op": "add", "path": "members", "value": [{"value": id_of_user}]}]));
            let path = format!("{}/Groups/{id}", prefix());
            let (status, answer) = http.insist("PATCH", &path, roster_tests::SCIM_JSON, &add);
            assert!(matches!(status, 200 | 204), "{answer}");
        }
    }
    for (name, person) in &provider.users {
        created(http, "/Users", "userName", name, &document(name, person));
    }
}

/// Shows where two databases differ.
fn differ(world: &World, other: &Db, iam: &str) -> ! {
    let sql = format!(
        "SELECT 'user', username, external_id, display_name, email, profile::text FROM roster.users WHERE iam = '{iam}' AND active
         UNION ALL SELECT 'group', group_name, external_id, display_name, profile::text, '' FROM roster.groups WHERE iam = '{iam}'
         UNION ALL SELECT 'member', group_name, member_name, source, '', '' FROM roster.memberships m WHERE iam = '{iam}'
         UNION ALL SELECT 'value', owner, name, value, source, '' FROM roster.user_attributes WHERE iam = '{iam}'
         UNION ALL SELECT 'value of group', owner, name, value, source, '' FROM roster.group_attributes WHERE iam = '{iam}'"
    );
    let set = |lines: Vec<String>| lines.into_iter().collect::<std::collections::BTreeSet<_>>();
    let (first, second) = (set(world.session().lines(&sql)), set(other.lines(&sql)));
    let only: Vec<_> = first.difference(&second).take(20).collect();
    let lacks: Vec<_> = second.difference(&first).take(20).collect();
    panic!("{iam} differs from a full synchronisation: it has {only:#?} and lacks {lacks:#?}");
}
