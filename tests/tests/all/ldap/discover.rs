//! `syncd discover`: a configuration from nothing but an address, good enough to synchronise with.

use roster_tests::fake_ldap::{FakeLdap, Script};
use roster_tests::{ADMIN_DN, ADMIN_PASSWORD, BASE, Daemon, Db, Directory, Finished, Slapd, Tls};
use serde_json::{Value, json};

use super::daemon_of;
use crate::reference::{REFERENCE, effective};

/// A daemon that knows no database.
fn nowhere(db: &Db) -> Daemon {
    daemon_of(db).without("DATABASE_URL")
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
