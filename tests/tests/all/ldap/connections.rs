//! Encryption, credentials, and what is refused about them.

use roster_tests::{Directory, Slapd, Tls};
use serde_json::json;

use super::Lab;

#[test]
fn ldaps_and_start_tls_work_with_an_own_authority() {
    let lab = Lab::with(&Directory::reference());
    let ca = &Tls::shared().ca;
    lab.configure(json!({"urls": [lab.slapd.tls_url()], "ca_file": ca}));
    lab.sync();
    assert_eq!(lab.active_users().len(), 5);
    lab.configure(json!({"urls": [lab.slapd.url()], "start_tls": true, "ca_file": ca}));
    lab.sync();
    assert_eq!(lab.last_run("state, added, changed, removed"), "succeeded|0|0|0");
}

/// The name is looked up by us and verified by TLS. It may mean ::1 too, where nobody listens.
#[test]
fn a_name_leads_to_addresses_and_is_in_the_certificate() {
    let lab = Lab::with(&Directory::reference());
    let url = lab.slapd.tls_url().replace("127.0.0.1", "localhost");
    lab.configure(json!({"urls": [url], "ca_file": &Tls::shared().ca}));
    lab.sync();
    assert_eq!(lab.active_users().len(), 5);
}

#[test]
fn a_server_of_an_unknown_authority_is_refused() {
    let lab = Lab::with(&Directory::reference());
    let other = &Tls::shared().other_ca;
    for (url, start_tls) in [(lab.slapd.tls_url(), false), (lab.slapd.url(), true)] {
        for ca_file in [json!(other), json!(null)] {
            lab.configure(json!({"urls": [&url], "start_tls": start_tls, "ca_file": ca_file}));
            let said = lab.sync_fails();
            assert!(said.to_lowercase().contains("certificate"), "{said}");
        }
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let lab = Lab::with(&Directory::reference());
    let url = lab.slapd.tls_url().replace("127.0.0.1", "127.0.0.2");
    lab.configure(json!({"urls": [url], "ca_file": &Tls::shared().ca}));
    lab.sync_fails();
}

#[test]
fn a_wrong_password_fails_clearly_and_is_not_shown() {
    let lab = Lab::with(&Directory::reference());
    let done = lab.daemon.clone().with("LDAP_PASSWORD", "wr0ng-and-secret").run(&["sync", "corp-ldap"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(!done.said().contains("wr0ng-and-secret"), "{done:?}");
    let said = done.said().to_lowercase();
    assert!(said.contains("credentials") || said.contains("password"), "{said}");
    assert!(!lab.last_run("coalesce(message, '')").contains("wr0ng-and-secret"));
}

#[test]
fn a_missing_or_empty_password_is_refused_before_it_can_mean_anonymous() {
    let lab = Lab::with(&Directory::reference());
    let empty = lab.daemon.clone().with("LDAP_PASSWORD", "").run(&["sync", "corp-ldap"]);
    assert_eq!(empty.code, Some(1), "{empty:?}");
    assert!(empty.said().contains("LDAP_PASSWORD"), "names the variable: {empty:?}");
    let missing = lab.db.daemon().run(&["sync", "corp-ldap"]);
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.said().contains("LDAP_PASSWORD"), "{missing:?}");
}

#[test]
fn a_secret_may_be_a_file_below_the_secrets_directory_only() {
    let lab = Lab::with(&Directory::reference());
    let home = std::env::temp_dir().join(format!("roster-secrets-{}", std::process::id()));
    std::fs::create_dir_all(home.join("secrets")).expect("a directory");
    std::fs::write(home.join("secrets/ldap"), format!("{}\n", roster_tests::ADMIN_PASSWORD)).expect("a file");
    std::fs::write(home.join("outside"), roster_tests::ADMIN_PASSWORD).expect("a file");
    let directory = home.join("secrets").display().to_string();
    lab.configure(json!({"bind_password": {"file": "ldap"}}));
    let done = lab.daemon.run(&["--secrets-dir", &directory, "sync", "corp-ldap"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for outside in ["../outside", &home.join("outside").display().to_string()] {
        // Whoever sees it first may refuse it: the database or the daemon.
        let config = json!({"file": outside});
        let altered = lab.db.try_lines(&format!(
            "SELECT roster.alter_source('corp-ldap', config => config || '{}') FROM roster.sources WHERE source = 'corp-ldap'",
            json!({"bind_password": config})
        ));
        if altered.is_ok() {
            let done = lab.daemon.run(&["--secrets-dir", &directory, "sync", "corp-ldap"]);
            assert_eq!(done.code, Some(1), "{outside}: {done:?}");
        }
    }
    std::fs::remove_dir_all(home).expect("it is ours");
}

#[test]
fn clear_text_is_refused_beyond_loopback() {
    let lab = Lab::with(&Directory::reference());
    // TEST-NET-1: nobody answers there, so the refusal must come first.
    lab.configure(json!({"urls": ["ldap://192.0.2.1"]}));
    let said = lab.sync_fails();
    assert!(said.contains("allow_clear_text") || said.contains("start_tls"), "{said}");
}

#[test]
fn the_socket_of_this_machine_needs_no_password() {
    let slapd = Slapd::options().external().start(&Directory::reference());
    let url = slapd.ldapi_url();
    let lab = Lab::of(roster_tests::Db::fresh(), slapd, &url);
    lab.configure(json!({"bind": "external", "bind_dn": null, "bind_password": null}));
    lab.sync();
    assert_eq!(lab.active_users().len(), 5);
    let check = lab.daemon.run(&["check", "corp-ldap"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(check.out.contains("the account of this process"), "{check:?}");
    lab.configure(json!({"urls": [url.replace("roster", "nowhere")]}));
    assert!(lab.sync_fails().contains("nowhere"));
}

#[test]
fn a_client_certificate_is_a_password() {
    let slapd = Slapd::options().external().start(&Directory::reference());
    let (tls, url, clear) = (Tls::shared(), slapd.tls_url(), slapd.url());
    let lab = Lab::of(roster_tests::Db::fresh(), slapd, &url);
    let name = |path: &std::path::Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    let certificate = json!({"ca_file": &tls.ca, "bind_dn": null, "bind_password": null,
        "client_cert": &tls.client_certificate, "client_key": {"file": name(&tls.client_key)}});
    let secrets = tls.client_key.parent().expect("a directory").display().to_string();
    let sync = || lab.daemon.run(&["--secrets-dir", &secrets, "sync", "corp-ldap"]);
    for keys in [json!({"urls": [&url]}), json!({"urls": [&clear], "start_tls": true})] {
        lab.configure(certificate.clone());
        lab.configure(keys);
        let done = sync();
        assert_eq!(done.code, Some(0), "{done:?}");
        assert_eq!(lab.active_users().len(), 5);
    }
    // Without the certificate EXTERNAL is nobody.
    lab.configure(json!({"bind": "external", "client_cert": null, "client_key": null}));
    let before = lab.facts();
    let done = sync();
    lab.assert_failed(&done, &before);
}
