//! The fake server plays its tricks as ldapsearch sees them.

use roster_tests::fake_ldap::{
    AD_BASE, AD_WRONG_PASSWORD, Bind, Entry, FakeLdap, Kind, Script, Trick, ad_user_dn, uuid,
};
use roster_tests::{BASE, Directory, readable, user_dn};

const USERS: &str = "(objectClass=inetOrgPerson)";

fn openldap() -> FakeLdap {
    FakeLdap::start(Script::openldap(&Directory::generated(10, 0)))
}

/// Exit code and number of entries of a search in pages of three.
fn paged(fake: &FakeLdap) -> (i32, usize) {
    let (code, out, _) = fake.tools().try_search(&["-E", "pr=3/noprompt"], USERS, &["uid"]);
    (code, out.matches("dn: ").count())
}

#[test]
fn an_honest_script_is_a_directory() {
    let fake = openldap();
    assert_eq!(paged(&fake), (0, 10));
    assert_eq!(fake.searches().len(), 4, "ten in pages of three: {:?}", fake.searches());
    assert_eq!(fake.tools().value(&user_dn("u0004"), "entryUUID"), Some(uuid(7)));
    let found = fake.tools().search("(&(labCountry=usa)(!(uid=u0000))(cn=*))", &["1.1"]);
    assert_eq!(found.matches("dn: ").count(), 3, "{found}");
    let (code, _, _) = fake.tools().try_search(&["-b", "dc=nowhere"], USERS, &[]);
    assert_eq!(code, 32);
    fake.change(|script| script.entry(&user_dn("u0004")).set("uid", vec![b"renamed".to_vec()]));
    assert!(fake.tools().search("(uid=renamed)", &["uid"]).contains("u0004"));
}

#[test]
fn each_kind_says_what_it_is() {
    for (kind, attribute, value) in [
        (Kind::OpenLdap, "structuralObjectClass", "OpenLDAProotDSE"),
        (Kind::ActiveDirectory, "supportedCapabilities", "1.2.840.113556.1.4.800"),
        (Kind::Ds389, "vendorName", "389 Project"),
        (Kind::Other, "namingContexts", BASE),
    ] {
        let fake = FakeLdap::start(Script::of(kind, BASE));
        assert_eq!(fake.tools().value("", attribute).as_deref(), Some(value));
    }
}

#[test]
fn binds_are_refused_and_counted() {
    let fake = openldap();
    for (code, text, said) in [
        (49, AD_WRONG_PASSWORD, "data 52e"),
        (51, "", "busy"),
        (52, "", "unavailable"),
        (49, "", "credentials"),
    ] {
        fake.change(|script| script.bind = Bind::Refuse(code, text));
        let (got, _, error) = fake.tools().try_search(&[], USERS, &[]);
        assert_eq!(got, i32::from(code), "{error}");
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(fake.binds().len(), 4);
    assert!(fake.searches().is_empty());
}

#[test]
fn pages_end_badly() {
    let fake = openldap();
    for (trick, code, entries) in [
        (Trick::Cut { page: 1 }, 255, 4),
        (Trick::HalfMessage { page: 1 }, 255, 4),
        (Trick::End { page: 2, code: 4 }, 4, 7),
        (Trick::Empty, 0, 0),
        (Trick::Referral, 10, 0),
        (Trick::References, 0, 10),
    ] {
        fake.now(Some(trick.clone()));
        assert_eq!(paged(&fake), (code, entries), "{trick:?}");
    }
    fake.change(|script| script.tricks = vec![("(uid=*)".into(), Trick::Empty)]);
    assert_eq!(paged(&fake), (0, 10), "a trick for other searches");
}

#[test]
fn silence_is_not_an_end() {
    let fake = openldap();
    fake.now(Some(Trick::Silence { page: 1 }));
    let tools = fake.tools();
    let asking = std::thread::spawn(move || tools.try_search(&["-E", "pr=3/noprompt"], USERS, &["uid"]));
    roster_tests::wait_until("the second page is asked for", || fake.searches().len() == 2);
    assert!(!asking.is_finished());
    fake.disconnect();
    let (code, out, _) = asking.join().expect("it ends");
    assert!(code != 0 && out.matches("dn: ").count() == 4, "silence: {code} {out}");
}

/// A client that is not careful would go on for ever: this one is ended by `disconnect`.
#[test]
fn cookies_never_end() {
    for trick in [Trick::SameCookie, Trick::FreshCookies, Trick::EmptyPages] {
        let fake = openldap();
        fake.now(Some(trick));
        let tools = fake.tools();
        let asking =
            std::thread::spawn(move || tools.try_search(&["-E", "pr=3/noprompt"], USERS, &["uid"]).0);
        roster_tests::wait_until("many pages are asked for", || fake.searches().len() > 20);
        fake.disconnect();
        assert_ne!(asking.join().expect("it ends"), 0);
    }
}

#[test]
fn active_directory_gives_ranges_and_ids() {
    let users = ["ann", "bob", "cid", "dan", "eve"];
    let script = Script::active_directory(&users, &[("all", &users), ("few", &["ann"])]);
    let fake = FakeLdap::start(script.trick(Trick::Ranges { step: 2, name: "MEMBER;Range=" }));
    let all = format!("CN=all,OU=Groups,{AD_BASE}");
    let ask = |attribute: &str| {
        let options = ["-b", &all, "-s", "base", "-E", "!1.2.840.113556.1.4.529=::MAMCAQE="];
        let (code, out, error) = fake.tools().try_search(&options, "(objectClass=group)", &[attribute]);
        (code, readable(&out), error)
    };
    let (code, first, error) = ask("member");
    assert_eq!(code, 0, "{error}");
    assert!(
        first.contains("MEMBER;Range=0-1: <GUID=00000000-0000-4000-8000-000000000000>;CN=ann,"),
        "{first}"
    );
    assert!(ask("member;range=4-*").1.contains(&format!("Range=4-*: <GUID={}>;", uuid(4))));
    let name = format!("<GUID={}>", uuid(10001));
    let few = fake.tools().search_with(&["-b", &name, "-s", "base"], "(objectClass=*)", &["member"]);
    assert!(few.contains(&format!("member: {}", ad_user_dn("ann"))), "{few}");

    fake.change(|script| script.tricks.push((String::new(), Trick::CloseAtRange(1))));
    assert_ne!(ask("member;range=2-*").0, 0, "it closes the connection");
    assert_eq!(ask("member;range=4-*").0, 0, "at the range that was said");
    fake.change(|script| script.tricks[1].1 = Trick::FirstRangeOnly);
    assert!(ask("member;range=4-*").1.contains("Range=0-1:"));
    fake.change(|script| script.tricks[1].1 = Trick::RangeGap);
    assert!(ask("member;range=2-*").1.contains("Range=3-*:"));
}

#[test]
fn syncrepl_refuses_cookies_and_says_that_nobody_is_left() {
    let fake = openldap();
    let told = |cookie: &str| {
        let all = fake.tools();
        all.try_search(&["-LL", "-E", &format!("!sync=ro{cookie}")], USERS, &["1.1"])
    };
    let (code, first, error) = told("");
    assert!(code == 0 && first.matches("dn: ").count() == 10, "{error}{first}");
    let (_, nothing, _) = told("/rid=000,csn=1");
    assert_eq!(nothing.matches("dn: ").count(), 0);
    for code in [53, 4096] {
        fake.now(Some(Trick::RefuseCookie(code)));
        assert_eq!(told("").0, 0);
        let (_, _, error) = told("/rid=000,csn=1");
        assert!(error.contains(&format!("({code})")), "{error}");
    }
    fake.now(Some(Trick::EmptyPresentPhase));
    let (code, nothing, _) = told("/rid=000,csn=1");
    assert_eq!((code, nothing.matches("dn: ").count()), (0, 0));
}

#[test]
fn values_may_be_any_bytes() {
    let fake = openldap();
    let odd = Entry::new(&user_dn("odd")).with("objectClass", &["inetOrgPerson"]).with("uid", &["odd"]);
    fake.change(|script| {
        script.entries.push(odd.bytes("cn", vec![vec![0, 0xff], Vec::new(), vec![b'x'; 65536]]))
    });
    let found = fake.tools().search("(uid=odd)", &["cn"]);
    assert!(found.contains("cn:: AP8=") && found.contains(&"x".repeat(65536)), "{}", found.len());
}
