//! What `syncd check` finds out about a directory.

use roster_tests::{Directory, Slapd};
use serde_json::{Value, json};

use super::Lab;

#[test]
fn check_tells_what_it_is_and_what_is_left_out() {
    let slapd = Slapd::options().syncprov().start(&Directory::reference());
    slapd.set(&roster_tests::user_dn("sara"), "telephoneNumber", &["+39 06 1234", "+39 06 5678"]);
    slapd.set(&roster_tests::user_dn("sara"), "userPassword", &["n0body-shall-see-this"]);
    let url = slapd.url();
    let lab = Lab::of(roster_tests::Db::fresh(), slapd, &url);
    lab.configure(json!({"user_filter": "(uid=sara)"}));
    let done = lab.daemon.run(&["check", "corp-ldap", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(!done.out.contains("n0body-shall-see-this"), "{done:?}");
    let report: Value = serde_json::from_str(&done.out).expect("JSON");
    let steps = report["sources"][0]["steps"].as_array().expect("steps");
    let step = |name: &str| {
        steps.iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("{name}: {done:?}"))
    };
    let said = |name: &str| step(name)["message"].as_str().expect("text");
    assert!(said("server").starts_with("openldap: id entryUUID"), "{}", said("server"));
    assert!(said("user filter").contains("matches 1 entry"), "{}", said("user filter"));
    assert!(said("incremental").starts_with("auto takes syncrepl"), "{}", said("incremental"));
    assert_eq!(said("memberships"), "read from member");
    let unmapped = &step("user attributes")["sample"];
    assert_eq!(unmapped["telephoneNumber"], "2 values: +39 06 1234, +39 06 5678");
    assert_eq!(unmapped["userPassword"], "not shown");
    assert!(unmapped.get("mail").is_none() && unmapped.get("labCountry").is_none(), "{unmapped}");
}

#[test]
fn check_warns_of_members_that_are_not_read_and_of_limits() {
    let slapd = Slapd::options().database("limits users size=3").start(&Directory::reference());
    slapd.modify(&format!(
        "dn: cn=posix,ou=groups,{0}\nchangetype: add\nobjectClass: labGroup\ncn: posix\nmemberUid: sara\n\n\
         dn: cn=urls,ou=groups,{0}\nchangetype: add\nobjectClass: groupOfURLs\ncn: urls\n\
         memberURL: ldap:///ou=people,{0}??sub?(uid=s*)\n",
        roster_tests::BASE
    ));
    slapd.set(&roster_tests::user_dn("sara"), "userPassword", &["of-sara"]);
    let url = slapd.url();
    let lab = Lab::of(roster_tests::Db::fresh(), slapd, &url);
    let said = lab.daemon.run(&["check", "corp-ldap"]).said();
    assert!(said.contains("list members in memberUid, which is not read"), "{said}");
    assert!(
        said.contains("cn=urls") && said.contains("their members are not read")
            || said.contains("its members are not read"),
        "{said}"
    );
    assert!(said.contains("not syncrepl: "), "why not the best: {said}");

    lab.configure(json!({"incremental": "syncrepl"}));
    let refused = lab.daemon.run(&["check", "corp-ldap"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.said().contains("incremental syncrepl cannot work here"), "{refused:?}");

    lab.configure(json!({"incremental": null, "bind_dn": roster_tests::user_dn("sara")}));
    let limited = lab.daemon.clone().with("LDAP_PASSWORD", "of-sara").run(&["check", "corp-ldap"]);
    assert_eq!(limited.code, Some(1), "{limited:?}");
    assert!(limited.said().contains("was cut off after 3 entries"), "{limited:?}");
}
