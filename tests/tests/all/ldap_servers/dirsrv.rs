//! 389-DS as the long tests rely on it.

use roster_tests::{Directory, Dirsrv, group_dn, user_dn};

const PAGED: [&str; 2] = ["-E", "pr=2/noprompt"];

#[test]
#[ignore = "long: needs 389-DS, which setup installs for make test-all only"]
fn a_389_answers_and_keeps_its_groups() {
    let mut dirsrv = Dirsrv::start(&Directory::reference());
    assert!(dirsrv.tools().value("", "vendorVersion").is_some_and(|version| version.contains("389")));
    for url in [dirsrv.url(), dirsrv.tls_url()] {
        let found =
            dirsrv.tools().at(&url).search_with(&PAGED, "(objectClass=inetOrgPerson)", &["nsUniqueId"]);
        assert_eq!(found.matches("nsUniqueId: ").count(), 5, "{url}: {found}");
    }
    let id = dirsrv.tools().value(&user_dn("sam"), "nsUniqueId");
    dirsrv.tools().rename(&user_dn("sam"), "uid=samuel");
    assert_eq!(dirsrv.tools().value(&user_dn("samuel"), "nsUniqueId"), id);
    assert_eq!(dirsrv.tools().value(&group_dn("developers"), "member"), Some(user_dn("samuel")));
    assert_eq!(dirsrv.tools().value(&user_dn("samuel"), "memberOf"), Some(group_dn("developers")));
    dirsrv.lock(&user_dn("steve"), true);
    dirsrv.kill();
    dirsrv.restart();
    assert_eq!(dirsrv.tools().value(&user_dn("steve"), "nsAccountLock").as_deref(), Some("true"));
    dirsrv.lock(&user_dn("steve"), false);
    assert_eq!(dirsrv.tools().value(&user_dn("steve"), "nsAccountLock"), None);
}

#[test]
#[ignore = "long: needs 389-DS, which setup installs for make test-all only"]
fn a_389_answers_syncrepl_when_it_is_set_up_so() {
    let dirsrv = Dirsrv::with_content_sync(&Directory::reference());
    let (code, found, error) =
        dirsrv.tools().try_search(&["-E", "!sync=ro"], "(objectClass=inetOrgPerson)", &["1.1"]);
    assert!(code == 0 && found.matches("dn: ").count() == 5, "{error}{found}");
    let plain = Dirsrv::start(&Directory::reference());
    assert_eq!(plain.tools().try_search(&["-E", "!sync=ro"], "(uid=sam)", &["1.1"]).0, 12);
}
