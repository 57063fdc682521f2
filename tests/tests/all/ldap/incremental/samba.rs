//! Active Directory: update sequence numbers, DirSync, tombstones.

use roster_tests::{
    Db, GROUPS, SAMBA_ADMIN_DN, SAMBA_PASSWORD, SAMBA_READER_DN, STAFF, Samba, samba_group_dn, staff_dn, wait_until,
};
use serde_json::json;

use super::super::Lab;

/// Read once in the domain with ann, bob and cyd, and the groups team and others.
fn domain(mode: &str, reader: &str) -> Option<Lab<Samba>> {
    let samba = Samba::start()?;
    samba.add_users([("ann", "department: lab\n"), ("bob", ""), ("cyd", "")]);
    samba.add_group("team", &[&staff_dn("ann"), &staff_dn("bob")]);
    samba.add_group("others", &[&samba_group_dn("team")]);
    let url = samba.url();
    let mut lab = Lab::of(Db::fresh(), samba, &url);
    lab.daemon = lab.daemon.clone().with("LDAP_PASSWORD", SAMBA_PASSWORD);
    lab.configure(json!({
        "bind_dn": reader, "incremental": mode,
        "user_base": STAFF, "user_filter": null, "username_attribute": null,
        "group_base": GROUPS, "group_filter": null, "group_name_attribute": null, "membership": null,
        "profile": {"display_name": "displayName", "email": "mail"},
        "attributes": {"department": "department"}, "group_attributes": {}
    }));
    lab.db.run("SELECT roster.set_guard('corp-ldap', kind, 1000, 100) FROM unnest('{user,group,membership,nesting}'::text[]) kind");
    lab.sync();
    assert_eq!(lab.mode(), mode, "{}", lab.last_run("message"));
    Some(lab)
}

/// What happens in a domain, each step seen by a run that reads changes only.
fn everyday(lab: &Lab<Samba>) {
    let tools = lab.slapd.tools();
    lab.sync_changes();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");

    lab.slapd.add_user("dan");
    tools.add_value(&samba_group_dn("team"), "member", &staff_dn("dan"));
    lab.sync_changes();
    assert!(lab.members().contains(&"dan|team".to_owned()), "{:?}", lab.members());
    lab.agrees_with_a_first_read();

    let ann = lab.user_id("ann");
    tools.rename(&staff_dn("ann"), "CN=Ann Other");
    tools.set(&staff_dn("Ann Other"), "sAMAccountName", &["anna"]);
    lab.sync_changes();
    assert_eq!(lab.user_id("anna"), ann);
    assert!(lab.members().contains(&"anna|team".to_owned()));

    lab.slapd.set_user_account_control(&staff_dn("bob"), 546);
    lab.sync_changes();
    assert!(!lab.active_users().contains(&"bob".to_owned()));
    lab.agrees_with_a_first_read();

    lab.slapd.set_user_account_control(&staff_dn("bob"), 544);
    tools.delete(&staff_dn("cyd"));
    lab.sync_changes();
    assert_eq!(lab.active_users(), ["anna", "bob", "dan"]);
    lab.agrees_with_a_first_read();

    lab.slapd.set_primary_group(&staff_dn("dan"), &samba_group_dn("team"));
    lab.sync_changes();
    assert!(lab.members().contains(&"dan|team".to_owned()), "the primary group is one: {:?}", lab.members());
    lab.agrees_with_a_first_read();

    let outside = tools.move_below(&staff_dn("bob"), "CN=Users,DC=lab,DC=test");
    lab.sync_changes();
    assert_eq!(lab.active_users(), ["anna", "dan"]);
    tools.move_below(&outside, STAFF);
    tools.delete(&samba_group_dn("others"));
    lab.sync_changes();
    assert!(lab.members().contains(&"bob|team".to_owned()), "{:?}", lab.members());
    lab.agrees_with_a_first_read();
}

#[test]
fn update_sequence_numbers_tell_what_happens_in_a_domain() {
    let Some(lab) = domain("usn", SAMBA_ADMIN_DN) else { return };
    everyday(&lab);
    assert!(!lab.cursor().contains("list_at"), "an administrator sees tombstones: {}", lab.cursor());
}

#[test]
fn who_may_not_see_tombstones_lists_who_is_left() {
    let Some(lab) = domain("usn", SAMBA_READER_DN) else { return };
    assert!(lab.cursor().contains("list_at"), "{}", lab.cursor());
    lab.slapd.tools().delete(&staff_dn("cyd"));
    wait_until("a run lists everyone again", || {
        lab.sync_changes();
        lab.active_users() == ["ann", "bob"]
    });
    lab.agrees_with_a_first_read();
}

#[test]
fn dirsync_tells_what_happens_in_a_domain() {
    let Some(lab) = domain("dirsync", SAMBA_ADMIN_DN) else { return };
    everyday(&lab);
}

#[test]
fn dirsync_without_the_right_says_which() {
    let Some(lab) = domain("usn", SAMBA_READER_DN) else { return };
    lab.configure(json!({"incremental": "dirsync"}));
    let said = lab.sync_fails();
    assert!(said.contains("Replicating Directory Changes"), "{said}");
}

#[test]
fn a_moved_container_and_a_restored_domain_have_everything_read() {
    let Some(mut lab) = domain("usn", SAMBA_ADMIN_DN) else { return };
    let backup = lab.slapd.backup();
    lab.slapd.tools().add(|more| more.unit(&format!("OU=Inner,{STAFF}")));
    lab.sync_changes();
    lab.slapd.tools().rename(&format!("OU=Inner,{STAFF}"), "OU=Inmost");
    lab.sync_everything("a container was renamed or moved");
    for n in 0..20 {
        lab.slapd.add_user(&format!("more{n}"));
    }
    lab.sync_changes();
    lab.slapd.restore(&backup);
    lab.sync_everything("restored");
    assert_eq!(lab.active_users(), ["ann", "bob", "cyd"]);
    lab.agrees_with_a_first_read();
    lab.db.run("UPDATE roster_private.source_state SET cursor = jsonb_set(cursor, '{dsa}', '\"another\"')");
    lab.sync_everything("another domain controller");
    let _ = std::fs::remove_dir_all(backup);
}
