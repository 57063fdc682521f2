//! A Samba domain controller is an Active Directory as far as the tests rely on one.

use roster_tests::{SAMBA_PASSWORD, SAMBA_READER_DN, STAFF, Samba, readable, run, samba_group_dn, staff_dn};

const USERS: &str = "(&(objectCategory=person)(objectClass=user)(mail=*))";

#[test]
fn a_domain_controller_answers_in_pages_over_tls() {
    let Some(mut samba) = Samba::start() else { return };
    let names: Vec<_> = (0..25).map(|n| format!("u{n:02}")).collect();
    samba.add_users(names.iter().map(|name| (name.as_str(), "department: lab\n")));
    let paged = ["-E", "pr=10/noprompt"];
    for url in [samba.url(), samba.tls_url()] {
        let found = samba.tools().at(&url).search_with(&paged, USERS, &["objectGUID"]);
        assert_eq!(found.matches("objectGUID:: ").count(), 25, "{url}");
    }
    let mut reader = std::process::Command::new("ldapsearch");
    reader.env("LDAPNOINIT", "1").args(["-x", "-LLL", "-D", SAMBA_READER_DN, "-w", SAMBA_PASSWORD]);
    let found = run(reader.args(["-H", &samba.url(), "-b", STAFF, "(mail=*)", "sAMAccountName"]));
    assert_eq!(found.matches("sAMAccountName: ").count(), 25, "a reader reads");
    samba.kill();
    samba.restart();
    assert!(samba.tools().search("(sAMAccountName=u07)", &["department"]).contains("department: lab"));
}

#[test]
fn changes_count_up_and_can_be_taken_back() {
    let Some(mut samba) = Samba::start() else { return };
    samba.add_user("ann");
    let before = samba.usn();
    let backup = samba.backup();
    samba.set_user_account_control(&staff_dn("ann"), 546);
    let (usn, bits) = (samba.usn(), samba.tools().value(&staff_dn("ann"), "userAccountControl"));
    assert!(usn > before && bits.as_deref() == Some("546"), "{before} {usn} {bits:?}");
    let changed = samba.tools().search(&format!("(uSNChanged>={})", before + 1), &["dn"]);
    assert!(changed.contains(&staff_dn("ann")), "{changed}");
    samba.restore(&backup);
    assert!(samba.usn() < usn, "as before");
    let id = samba.invocation_id();
    samba.become_another();
    assert_ne!(samba.invocation_id(), id);
    assert!(samba.tools().search("(sAMAccountName=ann)", &["dn"]).contains(&staff_dn("ann")));
}

#[test]
fn members_have_ids_and_primary_groups() {
    let Some(samba) = Samba::start() else { return };
    samba.add_user("ann");
    samba.add_user("bob");
    let (ann, bob) = (staff_dn("ann"), staff_dn("bob"));
    samba.add_group("team", &[&ann, &bob]);
    let team = samba_group_dn("team");
    let extended = ["-b", &team, "-s", "base", "-E", "!1.2.840.113556.1.4.529=::MAMCAQE="];
    let said = readable(&samba.tools().search_with(&extended, "(objectClass=*)", &["member"]));
    assert!(said.contains("member: <GUID=") && said.contains(&format!(">;{ann}")), "{said}");

    samba.set_primary_group(&ann, &team);
    let said = samba.tools().search("(sAMAccountName=team)", &["member"]);
    assert!(!said.contains(&ann) && said.contains(&bob), "the primary group does not list her: {said}");

    samba.tools().rename(&bob, "CN=robert");
    assert!(samba.tools().search("(sAMAccountName=team)", &["member"]).contains("CN=robert"));
    samba.tools().delete(&staff_dn("robert"));
    let deleted = ["-E", "!1.2.840.113556.1.4.417"];
    let said = readable(&samba.tools().search_with(&deleted, "(isDeleted=TRUE)", &["sAMAccountName"]));
    assert!(said.contains("sAMAccountName: bob"), "a tombstone: {said}");
}
