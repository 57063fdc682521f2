//! Reading a Samba domain controller, which is an Active Directory.

use roster_tests::{
    Db, GROUPS, SAMBA_ADMIN_DN, SAMBA_BASE, SAMBA_PASSWORD, STAFF, Samba, samba_group_dn, staff_dn,
};
use serde_json::json;

use super::Lab;
use crate::model::Model;

/// With nothing configured that follows from the kind of server.
fn domain(samba: Samba) -> Lab<Samba> {
    let url = samba.url();
    let mut lab = Lab::of(Db::fresh(), samba, &url);
    lab.daemon = lab.daemon.clone().with("LDAP_PASSWORD", SAMBA_PASSWORD);
    lab.configure(json!({
        "bind_dn": SAMBA_ADMIN_DN, "incremental": "off",
        "user_base": STAFF, "user_filter": null, "username_attribute": null,
        "group_base": GROUPS, "group_filter": null, "group_name_attribute": null, "membership": null,
        "profile": {"display_name": "displayName", "email": "mail"},
        "attributes": {"department": "department"}, "group_attributes": {}
    }));
    lab
}

#[test]
fn users_and_groups_are_known_by_their_guids() {
    let Some(samba) = Samba::start() else { return };
    samba.add_users([("ann", "department: lab\n"), ("bob", "")]);
    samba.add_group("team", &[&staff_dn("ann"), &staff_dn("bob")]);
    samba.add_group("empty", &[]);
    let lab = domain(samba);
    lab.sync();
    assert_eq!(lab.members(), ["ann|team", "bob|team"]);
    assert_eq!(
        lab.db.lines("SELECT username, display_name, email FROM roster.users ORDER BY 1"),
        ["ann|ann|ann@lab.test", "bob|bob|bob@lab.test"]
    );
    // As people see it in Active Directory: of the bytes the first three fields are turned round.
    let shown = lab.slapd.tools().search_with(
        &["-b", &staff_dn("ann"), "-s", "base", "-E", "!1.2.840.113556.1.4.529=::MAMCAQE="],
        "(objectClass=*)",
        &["cn"],
    );
    let guid = roster_tests::readable(&shown);
    let guid =
        guid.split("<GUID=").nth(1).and_then(|rest| rest.split('>').next()).expect("a GUID").to_owned();
    assert_eq!(lab.db.line("SELECT external_id FROM roster.users WHERE username = 'ann'"), guid);

    let (ann, before) = (lab.user_id("ann"), lab.hash());
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
    let tools = lab.slapd.tools();
    tools.rename(&staff_dn("ann"), "CN=Ann Other");
    tools.rename(&samba_group_dn("team"), "CN=crew");
    lab.sync();
    assert_eq!(lab.members(), ["ann|crew", "bob|crew"], "cn is the group's name, not the user's");
    tools.set(&staff_dn("Ann Other"), "sAMAccountName", &["anna"]);
    lab.sync();
    assert_eq!(lab.user_id("anna"), ann);
    assert_eq!(lab.members(), ["anna|crew", "bob|crew"]);
    assert_eq!(lab.last_run("added, changed, removed"), "0|1|0");
    assert_ne!(lab.hash(), before);
}

#[test]
fn nested_groups_with_a_cycle_end() {
    let Some(samba) = Samba::start() else { return };
    samba.add_user("ann");
    samba.add_group("a", &[&staff_dn("ann")]);
    samba.add_group("b", &[&samba_group_dn("a")]);
    samba.add_group("c", &[&samba_group_dn("b")]);
    samba.tools().add_value(&samba_group_dn("a"), "member", &samba_group_dn("c"));
    let lab = domain(samba);
    lab.sync();
    assert_eq!(lab.nestings(), ["a|b", "b|c", "c|a"]);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn the_primary_group_is_a_membership_like_any_other() {
    let Some(samba) = Samba::start() else { return };
    samba.add_users([("ann", ""), ("bob", "")]);
    samba.add_group("team", &[&staff_dn("ann")]);
    let lab = domain(samba);
    lab.configure(json!({"group_base": SAMBA_BASE, "group_filter": "(|(cn=team)(cn=Domain Users))"}));
    lab.sync();
    let both = ["ann|Domain Users", "ann|team", "bob|Domain Users"];
    assert_eq!(lab.members(), both);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");

    // From then on the team does not list ann, and Domain Users does.
    lab.slapd.set_primary_group(&staff_dn("ann"), &samba_group_dn("team"));
    lab.sync();
    assert_eq!(lab.members(), both);
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0", "the same memberships, told by others");
    let users = format!("CN=Domain Users,CN=Users,{SAMBA_BASE}");
    lab.slapd.tools().remove_value(&users, "member", &staff_dn("ann"));
    lab.sync();
    assert_eq!(lab.members(), ["ann|team", "bob|Domain Users"]);
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|1");

    // A group that is not read is nobody's.
    lab.configure(json!({"group_filter": "(cn=team)"}));
    lab.sync();
    assert_eq!(lab.members(), ["ann|team"]);
}

#[test]
fn disabled_accounts_are_not_active() {
    let Some(samba) = Samba::start() else { return };
    // The day before yesterday, in units of 100 ns since 1601.
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let past = (now - 2 * 86_400 + 11_644_473_600) * 10_000_000;
    samba.add_users([("ann", ""), ("bob", ""), ("cyd", "")]);
    samba.tools().set(&staff_dn("bob"), "accountExpires", &[&past.to_string()]);
    let lab = domain(samba);
    lab.sync();
    assert_eq!(lab.active_users(), ["ann", "cyd"]);
    let ann = lab.user_id("ann");
    lab.slapd.set_user_account_control(&staff_dn("ann"), 546);
    lab.slapd.tools().set(&staff_dn("bob"), "accountExpires", &["9223372036854775807"]);
    lab.sync();
    assert_eq!(lab.active_users(), ["bob", "cyd"]);
    lab.slapd.set_user_account_control(&staff_dn("ann"), 544);
    lab.sync();
    assert_eq!(lab.user_id("ann"), ann);
}

/// From the root of the domain: other partitions are referred to, and groups have members from elsewhere.
#[test]
fn a_whole_domain_is_read_from_its_root() {
    let Some(samba) = Samba::start() else { return };
    samba.add_user("ann");
    samba.add_group("team", &[&staff_dn("ann")]);
    let lab = domain(samba);
    lab.configure(json!({"user_base": SAMBA_BASE, "group_base": SAMBA_BASE}));
    lab.sync();
    let members = lab.members();
    for expected in ["ann|team", "ann|Domain Users", "Administrator|Domain Admins"] {
        assert!(members.contains(&expected.to_owned()), "{expected}: {members:?}");
    }
    let message = lab.last_run("message");
    assert!(message.contains("members of groups are foreign security principals"), "{message}");
    assert!(message.contains("referrals to other servers were not followed"), "{message}");
    assert!(!message.contains("outside"), "all else is inside: {message}");
    assert!(lab.nestings().contains(&"Domain Admins|Administrators".to_owned()));
    assert_eq!(
        lab.db.line("SELECT count(*) FROM roster_private.member_pending"),
        "0",
        "nobody waits for those who never come"
    );
    assert_eq!(lab.quarantined(), [""; 0]);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
}

#[test]
fn members_say_themselves_what_they_are_in() {
    let Some(samba) = Samba::start() else { return };
    samba.add_users([("ann", ""), ("bob", "")]);
    samba.add_group("team", &[&staff_dn("ann"), &staff_dn("bob")]);
    samba.add_group("all", &[&samba_group_dn("team"), &staff_dn("ann")]);
    let lab = domain(samba);
    lab.sync();
    let (members, nestings, hash) = (lab.members(), lab.nestings(), lab.hash());
    assert_eq!((members.len(), nestings.len()), (3, 1));
    lab.configure(json!({"membership": "memberOf"}));
    lab.sync();
    assert_eq!((lab.members(), lab.nestings(), lab.hash()), (members, nestings, hash));
}

/// More members than are asked for at once.
#[test]
#[ignore = "takes a minute"]
fn a_large_group_comes_in_parts() {
    let Some(samba) = Samba::start() else { return };
    let names: Vec<_> = (0..5100).map(|n| format!("u{n:04}")).collect();
    samba.add_users(names.iter().map(|name| (name.as_str(), "")));
    let members: Vec<_> = names.iter().map(|name| staff_dn(name)).collect();
    samba.add_group("large", &members.iter().map(String::as_str).collect::<Vec<_>>());
    let lab = domain(samba);
    lab.configure(json!({"page_size": 1000, "timeout_seconds": 60}));
    lab.sync();
    assert_eq!(lab.members().len(), 5100);
    lab.slapd.tools().remove_value(&samba_group_dn("large"), "member", &staff_dn("u5099"));
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|1");
}
