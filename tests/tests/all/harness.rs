//! The harness does what the other tests rely on.

use roster_tests::{Directory, Proxy, Slapd, user_dn};

#[test]
fn slapd_follows_renames_and_survives_a_restart() {
    let mut slapd = Slapd::start(&Directory::reference());
    slapd.rename(&user_dn("sam"), "uid=samuel");
    assert!(slapd.search("(cn=developers)", &["member"]).contains("member: uid=samuel,"));
    slapd.set(&user_dn("steve"), "labCountry", &["France"]);
    slapd.kill();
    slapd.restart();
    assert!(slapd.search("(uid=steve)", &["labCountry"]).contains("labCountry: France"));
}

#[test]
fn the_proxy_counts_and_holds_back_searches() {
    let slapd = Slapd::start(&Directory::reference());
    let proxy = Proxy::before(slapd.port);
    let hold = proxy.hold(|search| search.base == roster_tests::BASE);
    let through = slapd.through(proxy.port);
    let asking = std::thread::spawn(move || through("(uid=steve)"));
    hold.reached();
    slapd.set(&user_dn("steve"), "labCountry", &["Japan"]);
    hold.release();
    assert!(asking.join().expect("the search ends").contains("labCountry: Japan"));
    assert_eq!(proxy.searches().len(), 1);
}
