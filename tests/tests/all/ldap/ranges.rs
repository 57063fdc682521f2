//! Values that a server sends in parts, as Active Directory does with 1,500 members and more.

use roster_tests::fake_ldap::{AD_BASE, Entry, FakeLdap, Script, Trick, ad_user_dn};
use roster_tests::{Directory, group_dn, user_dn};
use serde_json::{Value, json};

use super::Lab;

const NAMES: [&str; 10] = ["ann", "bob", "cid", "dan", "eve", "fay", "gus", "hal", "ida", "joe"];

/// All in one group, and one in another.
fn domain() -> Lab<FakeLdap> {
    let lab = Lab::faked(Script::active_directory(&NAMES, &[("all", &NAMES), ("few", &["ann"])]));
    lab.configure(settings());
    lab
}

fn settings() -> Value {
    json!({
        "user_base": AD_BASE, "user_filter": null, "username_attribute": null,
        "group_base": AD_BASE, "group_filter": null, "group_name_attribute": null,
        "profile": {}, "attributes": {"phone": "otherTelephone"}, "group_attributes": {"note": "description"}
    })
}

fn group(name: &str) -> String {
    format!("CN={name},OU=Groups,{AD_BASE}")
}

fn everybody() -> Vec<String> {
    let mut all: Vec<_> = NAMES.iter().map(|name| format!("{name}|all")).collect();
    all.insert(1, "ann|few".into());
    all
}

fn bytes(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("value {n}").into_bytes()).collect()
}

#[test]
fn members_come_together_whatever_the_step_and_the_spelling() {
    let lab = domain();
    let mut asked = 0;
    for (step, name, searches) in
        [(1, "member;range=", 9), (3, "MEMBER;Range=", 3), (4, "Member;RANGE=", 2), (10, "member;range=", 0)]
    {
        lab.fake().now(Some(Trick::Ranges { step, name }));
        lab.sync();
        assert_eq!(lab.members(), everybody(), "{step} at a time");
        let all = lab.fake().searches();
        let parts = all[asked..].iter().filter(|search| search.contains("<GUID=")).count();
        assert_eq!(parts, searches, "{step} at a time: {:?}", &all[asked..]);
        asked = all.len();
    }
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");
    assert_eq!(lab.last_run("coalesce(message, '')"), "");
}

#[test]
fn a_connection_lost_between_two_parts_shortens_no_group() {
    let lab = domain();
    lab.fake().now(Some(Trick::Ranges { step: 3, name: "member;range=" }));
    lab.sync();
    let dan = ad_user_dn("dan");
    lab.fake().change(|script| {
        script.entry(&group("few")).set("member", vec![dan.clone().into_bytes()]);
        for range in [1, 3] {
            script.tricks.push((String::new(), Trick::CloseAtRange(range)));
        }
    });
    for _ in 0..2 {
        lab.sync_fails();
        lab.fake().change(|script| drop(script.tricks.remove(1)));
    }
    lab.sync();
    let mut after = everybody();
    after.retain(|line| line != "ann|few");
    after.insert(4, "dan|few".into());
    assert_eq!(lab.members(), after);
}

#[test]
fn parts_that_are_not_those_that_were_asked_for_leave_the_group_as_it_was() {
    let lab = domain();
    lab.fake().now(Some(Trick::Ranges { step: 3, name: "member;range=" }));
    lab.sync();
    for trick in [Trick::FirstRangeOnly, Trick::RangeGap] {
        lab.fake().change(|script| {
            script.tricks.truncate(1);
            script.tricks.push((String::new(), trick.clone()));
        });
        lab.sync();
        let quarantined = lab.quarantined();
        assert!(!quarantined.is_empty() && quarantined[0].contains("CN=all"), "{trick:?}: {quarantined:?}");
        assert_eq!(lab.members(), everybody(), "{trick:?}");
    }
}

#[test]
fn a_group_that_changes_while_it_is_read_is_read_again_and_then_left_as_it_was() {
    let lab = domain();
    lab.fake().now(Some(Trick::Ranges { step: 3, name: "member;range=" }));
    lab.sync();
    lab.fake().change(|script| script.tricks.push((String::new(), Trick::Restless { times: 1 })));
    lab.sync();
    assert_eq!(lab.quarantined(), [""; 0], "once is no problem");
    lab.fake().change(|script| {
        let members = NAMES[..7].iter().map(|name| ad_user_dn(name).into_bytes()).collect();
        script.entry(&group("all")).set("member", members);
        script.tricks.push((String::new(), Trick::Restless { times: 1000 }));
    });
    lab.sync();
    let quarantined = lab.quarantined();
    assert!(quarantined.len() == 1 && quarantined[0].contains("changed again and again"), "{quarantined:?}");
    assert_eq!(lab.members(), everybody());
}

#[test]
fn mapped_attributes_come_together_too() {
    let lab = domain();
    lab.fake().change(|script| {
        script.entry(&group("all")).set("description", bytes(7));
        script.entry(&ad_user_dn("bob")).set("otherTelephone", bytes(9));
        script.tricks.push((String::new(), Trick::Ranges { step: 2, name: "otherTelephone;range=" }));
    });
    lab.sync();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.user_attributes WHERE name = 'phone'"), 9);
    lab.fake().now(Some(Trick::Ranges { step: 3, name: "DESCRIPTION;range=" }));
    lab.sync();
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.group_attributes WHERE name = 'note'"), 7);
    assert_eq!(lab.last_run("removed"), "0");
    assert_eq!(lab.members(), everybody());
}

/// Other servers are not asked for parts, and may send them all the same.
#[test]
fn a_server_that_was_not_asked_for_parts_may_send_them() {
    let mut directory = Directory::default();
    NAMES.iter().for_each(|name| directory.user(name, &[]));
    let members: Vec<_> = NAMES.iter().map(|name| user_dn(name)).collect();
    directory.group("all", &members.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let lab = Lab::faked(Script::openldap(&directory));
    lab.fake().now(Some(Trick::Ranges { step: 4, name: "member;range=" }));
    lab.sync();
    assert_eq!(lab.members(), [""; 0]);
    let quarantined = lab.quarantined();
    assert!(quarantined.len() == 1 && quarantined[0].contains("entryCSN"), "{quarantined:?}");
    lab.fake().change(|script| {
        let all: &mut Entry = script.entry(&group_dn("all"));
        all.set("entryCSN", vec![b"20300101000000.000000Z#000000#000#000000".to_vec()]);
    });
    lab.sync();
    assert_eq!(lab.members().len(), 10);
    assert_eq!(lab.quarantined(), [""; 0]);
}
