//! `syncd discover`: a configuration from nothing but an address, good enough to synchronise with.

use roster_tests::fake_ldap::{FakeLdap, Script};
use roster_tests::{
    ADMIN_DN, ADMIN_PASSWORD, BASE, Daemon, Db, Directory, Dirsrv, Finished, SAMBA_PASSWORD, SAMBA_READER_DN,
    Samba, Slapd, Tls, staff_dn,
};
use serde_json::{Value, json};

use super::daemon_of;
use crate::reference::{REFERENCE, effective};

/// A daemon that knows no database.
fn nowhere(db: &Db) -> Daemon {
    daemon_of(db).with("DATABASE_URL", "postgres://127.0.0.1:1/nowhere")
}

fn proposed(done: &Finished) -> Value {
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.said().contains(ADMIN_PASSWORD), "{done:?}");
    serde_json::from_str(&done.out).expect("JSON")
}

#[test]
fn what_it_proposes_synchronises_the_reference_people() {
    let mut directory = Directory::reference();
    directory.ldif_replace(&format!("member: {}\n", roster_tests::user_dn("stephanie")), "");
    let slapd = Slapd::start(&directory);
    let db = Db::fresh();
    let who = ["--bind-dn", ADMIN_DN, "--bind-password-env", "LDAP_PASSWORD"];
    let done = nowhere(&db).run(&[&["discover", &slapd.url()][..], &who].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.said().contains(ADMIN_PASSWORD), "{done:?}");
    assert!(done.out.contains("-- ") && done.out.contains("openldap"), "{done:?}");

    // The reference has names of its own for attributes.
    let sql = done.out.replace("lab_", "");
    db.run(&sql);
    let source = db.line("SELECT source FROM roster.sources WHERE kind = 'ldap'");
    assert_eq!(source, "example-ldap");
    assert_eq!(daemon_of(&db).run(&["check", &source]).code, Some(0));
    daemon_of(&db).sync(&source);
    assert_eq!(effective(&db), REFERENCE);
}

#[test]
fn bases_classes_and_names_are_found() {
    let slapd = Slapd::options().syncprov().start(&Directory::reference());
    slapd.modify(&format!(
        "dn: cn=unique,ou=groups,{BASE}\nchangetype: add\nobjectClass: groupOfUniqueNames\ncn: unique\n\
         uniqueMember: uid=sara,ou=people,{BASE}\n"
    ));
    let db = Db::fresh();
    // Anonymous: the server of the tests lets everybody read.
    let report = proposed(&nowhere(&db).run(&["discover", &slapd.url(), "--json"]));
    let config = &report["config"];
    assert_eq!(report["server"], "openldap");
    assert_eq!(config["user_base"], format!("ou=people,{BASE}"));
    assert_eq!(config["user_filter"], "(objectClass=inetOrgPerson)");
    assert_eq!(config["username_attribute"], "uid");
    assert_eq!(config["id_attribute"], "entryUUID");
    assert_eq!(config["group_base"], format!("ou=groups,{BASE}"));
    assert_eq!(config["group_filter"], "(|(objectClass=groupOfUniqueNames)(objectClass=labGroup))");
    assert_eq!(config["membership"], json!(["member", "uniqueMember"]));
    assert_eq!(config["profile"]["email"], "mail");
    assert_eq!(config["attributes"]["lab_country"], "labCountry");
    assert!(config.get("bind_dn").is_none(), "{config}");
    let reasons = report["reasons"].to_string();
    assert!(reasons.contains("auto takes syncrepl"), "{reasons}");

    let below = nowhere(&db).run(&["discover", &slapd.url(), "--base", "ou=nowhere,dc=example,dc=org"]);
    assert_eq!(below.code, Some(1), "{below:?}");
    assert!(below.err.contains("ou=nowhere"), "{below:?}");
}

#[test]
fn active_directory_is_recognised() {
    let fake = FakeLdap::start(Script::active_directory(
        &["anna", "bert", "carl"],
        &[("readers", &["anna", "bert"]), ("writers", &["carl"])],
    ));
    let db = Db::fresh();
    let report = proposed(&nowhere(&db).run(&[
        "discover",
        &fake.url(),
        "--bind-dn",
        ADMIN_DN,
        "--bind-password-env",
        "LDAP_PASSWORD",
        "--json",
    ]));
    let config = &report["config"];
    assert_eq!(config["server"], "active_directory");
    assert_eq!(config["user_base"], "OU=Staff,DC=fake,DC=test");
    assert_eq!(config["username_attribute"], "sAMAccountName");
    assert_eq!(config["id_attribute"], "objectGUID");
    assert_eq!(config["group_filter"], "(objectClass=group)");
    assert_eq!(config["bind_password"], json!({"env": "LDAP_PASSWORD"}));
    assert!(report["reasons"].to_string().contains("auto takes usn"), "{report}");
}

/// Takes over what is proposed, as an administrator would with psql, and synchronises with it.
#[track_caller]
fn taken_over(db: &Db, daemon: &Daemon, arguments: &[&str]) -> Finished {
    let done = daemon.run(&[&["discover"][..], arguments].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    db.run(&done.out);
    let source = db.line("SELECT source FROM roster.sources WHERE kind = 'ldap'");
    let check = daemon.run(&["check", &source]);
    assert_eq!(check.code, Some(0), "{check:?}");
    daemon.sync(&source);
    check
}

#[test]
fn a_samba_domain_is_taken_over_with_any_account() {
    let Some(samba) = Samba::start() else { return };
    samba.add_users([
        ("ann", "department: lab\n"),
        ("ben", "department: lab\n"),
        ("cid", "department: field\n"),
    ]);
    samba.add_group("readers", &[&staff_dn("ann")]);
    samba.set_user_account_control(&staff_dn("cid"), 546);
    let db = Db::fresh();
    let daemon = db.daemon().with("AD_PASSWORD", SAMBA_PASSWORD);
    let ca = Tls::shared().ca.display().to_string();
    let check = taken_over(
        &db,
        &daemon,
        &[
            &samba.tls_url(),
            "--ca-file",
            &ca,
            "--bind-dn",
            SAMBA_READER_DN,
            "--bind-password-env",
            "AD_PASSWORD",
        ],
    );
    assert!(check.out.contains("active_directory") && check.out.contains("auto takes usn"), "{check:?}");
    assert_eq!(
        db.lines("SELECT username, active, email, profile ->> 'department' FROM roster.users WHERE email IS NOT NULL ORDER BY username"),
        ["ann|t|ann@lab.test|lab", "ben|t|ben@lab.test|lab", "cid|f|cid@lab.test|field"]
    );
    assert_eq!(db.lines("SELECT member_name FROM roster.memberships WHERE group_name = 'readers'"), ["ann"]);

    // What Active Directory says about a bind is understood.
    let wrong = db.daemon().with("AD_PASSWORD", "wr0ng").run(&["sync", "lab-ldap"]);
    assert!(wrong.said().contains("wrong password"), "{wrong:?}");
    let nobody = daemon.run(&["discover", &samba.url()]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.err.contains("bind_dn"), "{nobody:?}");
}

#[test]
#[ignore = "long: needs 389-DS, which setup installs for make test-all only"]
fn a_389_is_taken_over() {
    let dirsrv = Dirsrv::start(&Directory::reference());
    let db = Db::fresh();
    let who = ["--bind-dn", ADMIN_DN, "--bind-password-env", "LDAP_PASSWORD"];
    let url = dirsrv.url();
    let check = taken_over(&db, &daemon_of(&db), &[&[url.as_str()][..], &who].concat());
    assert!(check.out.contains("389ds (389 Project") && check.out.contains("id nsUniqueId"), "{check:?}");
    assert!(check.out.contains("auto takes modify_timestamp"), "{check:?}");
    assert_eq!(db.number("SELECT count(*) FROM roster.users WHERE active"), 5);
}

#[test]
fn it_connects_as_a_source_would() {
    let slapd = Slapd::options().external().start(&Directory::reference());
    let db = Db::fresh();
    let ca = Tls::shared().ca.display().to_string();
    let socket = slapd.ldapi_url();
    for (how, key, value) in [
        (vec!["discover", &socket, "--external", "--json"], "bind", json!("external")),
        (
            vec![
                "discover",
                &slapd.url(),
                "--start-tls",
                "--ca-file",
                &ca,
                "--bind-dn",
                ADMIN_DN,
                "--bind-password-env",
                "LDAP_PASSWORD",
                "--json",
            ],
            "start_tls",
            json!(true),
        ),
    ] {
        let report = proposed(&nowhere(&db).run(&how));
        assert_eq!(report["config"][key], value);
        assert_eq!(report["config"]["user_base"], format!("ou=people,{BASE}"));
    }
    // Nothing in clear text beyond this machine, no name without a password.
    let clear = nowhere(&db).run(&["discover", "ldap://192.0.2.1"]);
    assert_eq!(clear.code, Some(1), "{clear:?}");
    assert!(clear.err.contains("clear text"), "{clear:?}");
    assert_eq!(nowhere(&db).run(&["discover", &slapd.url(), "--bind-dn", ADMIN_DN]).code, Some(2));
    // Who may not read is told so.
    let nobody = nowhere(&db).run(&["discover", &slapd.url()]);
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
}
