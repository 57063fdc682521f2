//! OpenLDAP with syncrepl, EXTERNAL, and all the ways of listing members.

use std::process::Command;

use roster_tests::{BASE, Directory, EXTERNAL_DN, Slapd, Tls, group_dn, run, user_dn};

fn cookie(slapd: &Slapd) -> String {
    let csn = slapd.tools().value(BASE, "contextCSN").expect("syncprov keeps it");
    format!("rid=000,csn={csn}")
}

/// What a client that was last here at `cookie` is told, with the comments that `-LLL` leaves out: they say how it is told.
fn told(slapd: &Slapd, cookie: &str) -> String {
    run(Command::new("ldapsearch")
        .env("LDAPNOINIT", "1")
        .args(["-x", "-H", &slapd.url(), "-b", BASE])
        .args(["-E", &format!("sync=ro/{cookie}"), "(objectClass=inetOrgPerson)", "1.1"]))
}

#[test]
fn syncprov_tells_what_changed_since_a_cookie() {
    let mut slapd = Slapd::options().session_log(100).start(&Directory::reference());
    let before = cookie(&slapd);
    slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    let said = told(&slapd, &before);
    assert!(said.contains(&format!("dn: {}", user_dn("steve"))) && !said.contains("uid=sara"), "{said}");

    slapd.delete(&user_dn("sam"));
    let said = told(&slapd, &before);
    let named = said.contains("SyncInfo Received: ID Set") && said.contains("refreshDeletes=1");
    assert!(named && !said.contains("uid=sara"), "a session log names what is gone: {said}");

    let before = cookie(&slapd);
    slapd.stop();
    slapd.restart();
    assert_eq!(cookie(&slapd), before, "it is kept");
    slapd.set(&user_dn("sara"), "labCountry", &["Japan"]);
    let said = told(&slapd, &before);
    assert!(said.contains("uid=sara") && !said.contains("uid=steve,"), "{said}");
}

#[test]
fn without_a_session_log_the_present_phase_names_who_is_left() {
    let slapd = Slapd::options().syncprov().start(&Directory::reference());
    let before = cookie(&slapd);
    slapd.delete(&user_dn("sam"));
    let said = told(&slapd, &before);
    assert!(said.contains("SyncInfo Received: ID Set") && said.contains("refreshDeletes=0"), "{said}");
    let unasked = Slapd::start(&Directory::reference());
    let (code, _, _) = unasked.tools().try_search(&["-E", "!sync=ro"], "(uid=sam)", &["1.1"]);
    assert_eq!(code, 12, "without syncprov it is no critical control that the server knows");
}

fn who(slapd: &Slapd, url: &str) -> String {
    let tls = Tls::shared();
    run(Command::new("ldapwhoami")
        .args(["-Q", "-Y", "EXTERNAL", "-H", url])
        .env("LDAPCONF", "/dev/null")
        .env("LDAPTLS_CACERT", &tls.ca)
        .env("LDAPTLS_CERT", &tls.client_certificate)
        .env("LDAPTLS_KEY", &tls.client_key)
        .env("SLAPD", slapd.url()))
}

#[test]
fn a_certificate_and_the_socket_are_credentials() {
    let mut slapd = Slapd::options().external().start(&Directory::reference());
    for url in [slapd.tls_url(), slapd.ldapi_url()] {
        assert_eq!(who(&slapd, &url).trim(), format!("dn:{EXTERNAL_DN}"), "{url}");
    }
    slapd.kill();
    slapd.restart();
    assert!(who(&slapd, &slapd.ldapi_url()).contains(EXTERNAL_DN), "the socket is there again");
    let nobody = Command::new("ldapsearch").args(["-x", "-H", &slapd.url(), "-b", BASE]).output();
    assert!(!nobody.expect("ldap-utils").status.success(), "who is not bound is told nothing");
}

#[test]
fn groups_list_members_in_every_way() {
    let mut directory = Directory::reference();
    directory.posix_group("posix", &["sam", "nobody"]);
    directory.unique_group("unique", &[&format!("{}#'0101'B", user_dn("sam")), &user_dn("sara")]);
    directory.url_group("url", &[&format!("ldap:///ou=people,{BASE}??one?(labCountry=USA)")]);
    directory.group("mixed", &[&user_dn("steve")], &[("memberUid", "sara")]);
    directory.unit(&format!("ou=elsewhere,{BASE}"));
    let slapd = Slapd::start(&directory);
    let found = slapd.search("(|(memberUid=*)(uniqueMember=*)(memberURL=*))", &["dn"]);
    assert_eq!(found.matches("dn: ").count(), 4, "{found}");

    let moved = slapd.move_below(&user_dn("steve"), &format!("ou=elsewhere,{BASE}"));
    let mixed = slapd.tools().value(&group_dn("mixed"), "member");
    assert_eq!(mixed.as_deref(), Some(&*moved), "the group follows");
}
