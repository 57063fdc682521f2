//! All the ways in which directories keep who is in a group.

use roster_tests::fake_ldap::{Entry, Kind, Script};
use roster_tests::{BASE, Db, Directory, Dirsrv, group_dn, user_dn};
use serde_json::json;

use super::Lab;

/// Groups of every class, as a directory has them that grew over the years.
fn grown() -> Directory {
    let mut directory = Directory::reference();
    directory.posix_group("posix", &["sam", "nobody", "SARA"]);
    directory.unique_group("unique", &[&format!("{}#'0101'B", user_dn("sam")), &user_dn("steve")]);
    names_group(&mut directory, "names", &[&user_dn("sam")]);
    directory
}

fn names_group(directory: &mut Directory, cn: &str, members: &[&str]) {
    directory.entry(&group_dn(cn), &[("objectClass", "groupOfNames"), ("cn", cn)]);
    members.iter().for_each(|member| directory.more(&[("member", member)]));
}

#[test]
fn a_user_is_in_groups_of_every_kind_once_each() {
    let lab = Lab::with(&grown());
    // Without a filter of one's own the classes follow from the memberships.
    lab.configure(json!({"group_filter": null, "membership": ["member", "uniqueMember", "memberUid"]}));
    lab.sync();
    assert_eq!(
        lab.members(),
        ["sam|names", "sam|posix", "sam|unique", "sara|posix", "steve|unique"],
        "user names are compared without regard to case"
    );
    let message = lab.last_run("message");
    assert!(message.contains("1 memberUid of a group is nobody's user name"), "{message}");
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");

    lab.slapd.add(|more| more.user("nobody", &[]));
    lab.sync();
    assert!(lab.members().contains(&"nobody|posix".to_owned()), "who arrives is in the group at once");
    assert_eq!(lab.last_run("coalesce(message, '')"), "");
}

#[test]
fn several_lists_of_one_group_are_one_membership() {
    let mut directory = Directory::reference();
    directory.group(
        "mixed",
        &[&user_dn("sam"), &user_dn("steve"), &group_dn("developers")],
        &[("memberUid", "sam"), ("memberUid", "sara"), ("uniqueMember", &user_dn("sam"))],
    );
    let lab = Lab::with(&directory);
    lab.configure(json!({"membership": ["memberUid", "uniqueMember", "member"]}));
    lab.sync();
    let mixed: Vec<_> = lab.members().into_iter().filter(|line| line.ends_with("|mixed")).collect();
    assert_eq!(mixed, ["sam|mixed", "sara|mixed", "steve|mixed"]);
    assert_eq!(lab.nestings(), ["developers|mixed"]);
    lab.slapd.tools().remove_value(&group_dn("mixed"), "member", &user_dn("sam"));
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0", "two lists still name sam");
    lab.slapd.tools().remove_value(&group_dn("mixed"), "memberUid", "sam");
    lab.slapd.tools().remove_value(&group_dn("mixed"), "uniqueMember", &user_dn("sam"));
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|1");
}

#[test]
fn a_user_renamed_on_the_way_keeps_what_a_user_name_means() {
    let mut directory = Directory::reference();
    directory.group("posix", &[], &[("memberUid", "sam")]);
    let (lab, proxy) = Lab::behind_proxy(&directory);
    lab.configure(json!({"membership": "memberUid"}));
    lab.sync();
    assert_eq!(lab.members(), ["sam|posix"]);
    let since = lab.db.line("SELECT since FROM roster.memberships");
    let done_before = proxy.searches().len();
    // When it comes back to the groups it has read the users.
    let hold = proxy.hold_back(move |searches| {
        let bases: Vec<_> = searches[done_before..].iter().map(|search| &search.base).collect();
        let people = bases.iter().position(|base| base.starts_with("ou=people"));
        people.is_some_and(|people| bases[people..].iter().any(|base| base.starts_with("ou=groups")))
    });
    let running = lab.daemon.spawn(&["sync", "corp-ldap"]);
    hold.reached();
    lab.slapd.rename(&user_dn("sam"), "uid=samuel");
    lab.slapd.set(&group_dn("posix"), "memberUid", &["samuel"]);
    hold.release();
    assert_eq!(running.finished().code, Some(0));
    assert_eq!(lab.db.line("SELECT since FROM roster.memberships"), since, "looked up by the new name");
}

#[test]
fn what_users_say_themselves_gives_the_same_memberships() {
    let mut directory = Directory::default();
    ["ann", "bob", "cyd"].iter().for_each(|user| directory.user(user, &[]));
    let lab = Lab::with(&directory);
    // The overlay of memberOf sees what is added while the server runs.
    lab.slapd.add(|more| {
        names_group(more, "inner", &[&user_dn("bob"), &user_dn("cyd")]);
        names_group(more, "outer", &[&user_dn("ann"), &group_dn("inner")]);
        names_group(more, "dangling", &["cn=nobody"]);
    });
    lab.configure(json!({"group_filter": "(objectClass=groupOfNames)"}));
    lab.sync();
    let (members, nestings, hash) = (lab.members(), lab.nestings(), lab.hash());
    assert_eq!((members.len(), nestings.len()), (3, 1), "{members:?} {nestings:?}");
    lab.configure(json!({"membership": "memberOf"}));
    lab.sync();
    assert_eq!((lab.members(), lab.nestings(), lab.hash()), (members, nestings, hash));
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");

    lab.slapd.tools().add_value(&group_dn("outer"), "member", &user_dn("bob"));
    lab.slapd.tools().remove_value(&group_dn("inner"), "member", &user_dn("cyd"));
    lab.sync();
    assert_eq!(lab.members(), ["ann|outer", "bob|inner", "bob|outer"]);
    assert_eq!(lab.last_run("added, changed, removed"), "1|0|1");
    lab.slapd.rename(&group_dn("outer"), "cn=out");
    lab.sync();
    assert_eq!(lab.members(), ["ann|out", "bob|inner", "bob|out"]);
    assert_eq!(lab.nestings(), ["inner|out"]);
}

#[test]
fn groups_of_urls_are_who_their_searches_find() {
    let people = format!("ou=people,{BASE}");
    let of_usa = format!("ldap:///{people}??one?(labCountry=USA)");
    let mut directory = Directory::reference();
    directory.url_group("usa", &[&of_usa]);
    directory.url_group("some", &[&of_usa, &format!("ldap:///{}", user_dn("sam"))]);
    directory.url_group("none", &[&format!("ldap:///{people}??base?(uid=*)")]);
    directory.url_group("groups", &[&format!("ldap:///ou=groups,{BASE}??sub?(cn=usa)")]);
    let lab = Lab::with(&directory);
    lab.configure(json!({"group_filter": null, "membership": "memberURL"}));
    lab.sync();
    assert_eq!(lab.members(), ["sam|some", "steve|some", "steve|usa"]);
    assert_eq!(lab.nestings(), ["usa|groups"]);
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.groups"), 4, "an empty one is a group");
    lab.slapd.set(&user_dn("sara"), "labCountry", &["USA"]);
    lab.sync();
    assert_eq!(lab.last_run("added, removed"), "3|0", "two memberships and an attribute");
    for (url, said) in [
        ("ldap://elsewhere.example.org/dc=org??sub", "another server"),
        ("ldap:///ou=misspelt,dc=example,dc=org??sub", "noSuchObject"),
        ("ldap:///dc=example,dc=org??sub?(uid=", "filter"),
    ] {
        let before = lab.members();
        lab.slapd.set(&group_dn("usa"), "memberURL", &[url]);
        lab.sync();
        let quarantined = lab.quarantined();
        assert!(quarantined.len() == 1 && quarantined[0].contains(said), "{url}: {quarantined:?}");
        assert_eq!(lab.members(), before, "{url}: what was known stays");
    }
    lab.slapd.set(&group_dn("usa"), "memberURL", &[&format!("ldap:///{people}??one?(uid=fiona)")]);
    lab.sync();
    assert_eq!(lab.members(), ["fiona|usa", "sam|some", "sara|some", "steve|some"]);
    assert_eq!(lab.quarantined(), [""; 0]);
}

#[test]
fn members_who_cannot_be_taken_are_waited_for() {
    let mut directory = Directory::reference();
    directory.group("mixed", &[&user_dn("sam"), "cn=nobody"], &[]);
    let lab = Lab::with(&directory);
    lab.configure(json!({"username_attribute": "mail"}));
    let waiting = || lab.db.line("SELECT count(*) FROM roster_private.member_pending WHERE NOT former");
    lab.sync();
    assert_eq!(waiting(), "1", "nobody");
    lab.slapd.set(&user_dn("sam"), "mail", &[]);
    lab.sync();
    assert_eq!(lab.quarantined().len(), 1);
    assert_eq!(waiting(), "3", "sam in both groups");
    assert!(lab.members().iter().any(|line| line.ends_with("|mixed")), "and still is in it");
    lab.slapd.set(&user_dn("sam"), "mail", &["sam@example.org"]);
    lab.sync();
    assert_eq!(waiting(), "1");
    assert_eq!(lab.quarantined(), [""; 0]);
}

const NONE_OF_ONES_OWN: [&str; 4] = ["username_attribute", "user_filter", "group_filter", "membership"];

fn defaults() -> serde_json::Value {
    let none = NONE_OF_ONES_OWN.iter().map(|key| ((*key).to_owned(), json!(null)));
    none.chain([("incremental".to_owned(), json!("off"))]).collect::<serde_json::Map<_, _>>().into()
}

#[test]
#[ignore = "long: needs 389-DS, which setup installs for make test-all only"]
fn a_389_that_is_real_works_by_its_defaults() {
    let mut directory = Directory::reference();
    directory.unique_group("unique", &[&user_dn("steve"), &user_dn("sam")]);
    names_group(&mut directory, "names", &[&user_dn("sam"), &group_dn("unique")]);
    let dirsrv = Dirsrv::start(&directory);
    let url = dirsrv.url();
    let lab = Lab::of(Db::fresh(), dirsrv, &url);
    lab.configure(defaults());
    lab.sync();
    assert_eq!(lab.members(), ["sam|names", "sam|unique", "steve|unique"]);
    assert_eq!(lab.nestings(), ["unique|names"]);
    let id = lab.db.line("SELECT external_id FROM roster.users WHERE username = 'sam'");
    assert_eq!(lab.slapd.tools().value(&user_dn("sam"), "nsUniqueId"), Some(id));
    let sam = lab.user_id("sam");
    lab.slapd.tools().rename(&user_dn("sam"), "uid=samuel");
    lab.slapd.lock(&user_dn("sara"), true);
    lab.sync();
    assert_eq!(lab.user_id("samuel"), sam);
    assert_eq!(lab.members(), ["samuel|names", "samuel|unique", "steve|unique"]);
    assert!(!lab.active_users().contains(&"sara".to_owned()));
}

/// The same with a fake, which is always there.
#[test]
fn a_389_directory_works_by_its_defaults() {
    let mut directory = Directory::reference();
    directory.unique_group("unique", &[&user_dn("steve"), &user_dn("sam")]);
    names_group(&mut directory, "names", &[&user_dn("sam"), &group_dn("unique")]);
    let mut script = Script::of(Kind::Ds389, BASE);
    script.entries = Script::openldap(&directory).entries;
    for (n, entry) in script.entries.iter_mut().enumerate() {
        entry.attributes.retain(|(name, _)| name != "entryUUID");
        entry.set("nsUniqueId", vec![format!("5f8e{n:04x}-1dd211b2-8d9eaf05-4c9e0000").into_bytes()]);
    }
    let lock = |entry: &mut Entry, value: &str| entry.set("nsAccountLock", vec![value.as_bytes().to_vec()]);
    lock(script.entry(&user_dn("sara")), "TRUE");
    let lab = Lab::faked(script);
    lab.configure(defaults());
    lab.sync();
    assert_eq!(lab.members(), ["sam|names", "sam|unique", "steve|unique"]);
    assert_eq!(lab.nestings(), ["unique|names"]);
    assert_eq!(lab.active_users(), ["fiona", "sam", "stephanie", "steve"], "sara is locked");
    lab.fake().change(|script| lock(script.entry(&user_dn("sara")), "false"));
    lab.sync();
    assert_eq!(lab.active_users().len(), 5);
}
