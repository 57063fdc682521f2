//! Rules of the mapping, from a real directory to what applications see.

use roster_tests::{Directory, group_dn, user_dn};
use serde_json::json;

use super::Lab;

/// Alex, who has everything, and Kim, who has what everybody has.
fn people() -> Directory {
    let mut directory = Directory::default();
    directory.entry(&user_dn("Alex"), &[("objectClass", "inetOrgPerson"), ("objectClass", "labPerson")]);
    directory.more(&[
        ("uid", "Alex"),
        ("cn", "Alex"),
        ("givenName", "Alex"),
        ("mail", "Alex@example.org"),
        ("mail", "A@Example.org"),
    ]);
    // "Müller", with the dots after the letter; and bytes that happen to be text.
    directory.more(&[("sn", ": TXXMiGxsZXI="), ("labBytes", ": MDEyMzQ1Njc4OWFiY2RlZg==")]);
    directory.more(&[
        ("labRole", "Admin; reader;;"),
        ("cn;lang-de", "Alexandra"),
        ("cn;lang-fr", "Alexandrine"),
    ]);
    // Loaded like this, the server sends the attribute in two pieces.
    directory.more(&[("labRole", "WRITER")]);
    directory.user("kim", &[]);
    directory.group("all", &[&user_dn("Alex"), &user_dn("kim")], &[("labOrganization", "lab")]);
    directory
}

fn profile(lab: &Lab, username: &str) -> Vec<String> {
    lab.db.lines(&format!(
        r#"SELECT p.key, p.value FROM roster.users u, jsonb_each_text(u.profile) p WHERE u.username = '{username}' ORDER BY p.key COLLATE "C""#
    ))
}

fn attributes(lab: &Lab, username: &str) -> Vec<String> {
    lab.db.lines(&format!(
        r#"SELECT name, value FROM roster.user_attributes WHERE owner = '{username}' ORDER BY name COLLATE "C", value COLLATE "C""#
    ))
}

#[test]
fn fields_are_made_by_rules() {
    let lab = Lab::with(&people());
    lab.configure(json!({
        "username_attribute": {"attribute": "uid", "case": "lower"},
        "profile": {
            "display_name": "{givenName|} {sn}",
            "email": {"attribute": ["labSalesRegion", "mail"], "case": "lower"},
            "german": "cn;lang-de",
            "title": {"attribute": "title", "default": "none"},
            "greeting": "Dear {givenName}"
        },
        "attributes": {
            "role": {"attribute": "labRole", "split": ";", "case": "lower"},
            "domain": {"attribute": "mail", "regex": "@(.+)$"},
            "either": {"attribute": ["cn", "mail"]},
            "uuid": {"attribute": "labBytes", "binary": "guid"},
            "hex": {"attribute": "labBytes", "binary": "hex"},
            "base64": {"attribute": "labBytes", "binary": "base64"}
        },
        "group_name_attribute": "{labOrganization}-{cn}",
        "group_attributes": {}
    }));
    lab.sync();
    assert_eq!(
        lab.db
            .lines(r#"SELECT username, display_name, email FROM roster.users ORDER BY username COLLATE "C""#),
        ["alex|Alex Müller|a@example.org", "kim|kim|kim@example.org"]
    );
    assert_eq!(profile(&lab, "alex"), ["german|Alexandra", "greeting|Dear Alex", "title|none"]);
    assert_eq!(profile(&lab, "kim"), ["title|none"]);
    assert_eq!(
        attributes(&lab, "alex"),
        [
            "base64|MDEyMzQ1Njc4OWFiY2RlZg==",
            "domain|Example.org",
            "domain|example.org",
            "either|A@Example.org",
            "either|Alex",
            "either|Alex@example.org",
            "hex|30313233343536373839616263646566",
            "role|admin",
            "role|reader",
            "role|writer",
            "uuid|33323130-3534-3736-3839-616263646566",
        ]
    );
    assert_eq!(attributes(&lab, "kim"), ["domain|example.org", "either|kim", "either|kim@example.org"]);
    assert_eq!(lab.members(), ["alex|lab-all", "kim|lab-all"]);

    let before = lab.facts();
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed, quarantined"), "0|0|0|0");
    assert_eq!(lab.facts(), before, "the same rules make the same of the same");
    lab.slapd.set(&user_dn("Alex"), "cn;lang-de", &[]);
    lab.sync();
    assert_eq!(profile(&lab, "alex"), ["greeting|Dear Alex", "title|none"]);
}

#[test]
fn one_entry_that_a_rule_cannot_take_waits_alone() {
    let lab = Lab::with(&people());
    lab.configure(json!({"attributes": {"uuid": {"attribute": "labBytes", "binary": "uuid"}}}));
    let set_bytes = |user: &str, base64: &str| {
        let dn = user_dn(user);
        lab.slapd
            .modify(&format!("dn: {dn}\nchangetype: modify\nreplace: labBytes\nlabBytes:: {base64}\n-\n"));
    };
    set_bytes("kim", "AAEC");
    lab.sync();
    assert_eq!(lab.active_users(), ["Alex"]);
    let quarantined = lab.db.lines("SELECT kind, key, reason FROM roster.quarantine");
    let expected = format!("user|{}|labBytes has 3 bytes where a UUID has 16", user_dn("kim"));
    assert_eq!(quarantined, [expected]);

    set_bytes("kim", "AAECAwQFBgcICQoLDA0ODw==");
    lab.sync();
    assert_eq!(lab.db.lines("SELECT * FROM roster.quarantine"), [""; 0]);
    assert_eq!(attributes(&lab, "kim"), ["uuid|00010203-0405-0607-0809-0a0b0c0d0e0f"]);
    assert_eq!(lab.members(), ["Alex|all", "kim|all"]);

    set_bytes("kim", "AAEC");
    lab.sync();
    let id = lab.db.line("SELECT external_id FROM roster.users WHERE username = 'kim'");
    assert_eq!(lab.db.line("SELECT entry ->> 'external_id' FROM roster.quarantine"), id);
    assert_eq!(
        attributes(&lab, "kim"),
        ["uuid|00010203-0405-0607-0809-0a0b0c0d0e0f"],
        "what was known stays"
    );
}

#[test]
fn an_attribute_says_who_is_active() {
    let lab = Lab::with(&people());
    lab.configure(json!({"active": {"attribute": "employeeType", "is_not": ["Disabled", "left"]}}));
    lab.sync();
    assert_eq!(lab.active_users(), ["Alex", "kim"], "without the attribute a user is active");
    let kim = lab.user_id("kim");
    lab.slapd.set(&user_dn("kim"), "employeeType", &["guest", "DISABLED"]);
    lab.sync();
    assert_eq!(lab.active_users(), ["Alex"]);
    assert_eq!(lab.last_run("added, removed, quarantined"), "0|1|0");
    lab.slapd.set(&user_dn("kim"), "employeeType", &["guest"]);
    lab.sync();
    assert_eq!(lab.active_users(), ["Alex", "kim"]);
    assert_eq!(lab.user_id("kim"), kim, "the same user as before");
    assert_eq!(lab.members(), ["Alex|all", "kim|all"]);

    lab.configure(json!({"active": {"attribute": "employeeType", "is": ["guest"]}}));
    lab.sync();
    assert_eq!(lab.active_users(), ["kim"], "without the attribute a user is none of them");
    lab.configure(json!({"active": false}));
    lab.sync();
    assert_eq!(lab.active_users(), ["Alex", "kim"]);
}

#[test]
fn platforms_have_names_of_their_own() {
    let lab = Lab::with(&people());
    lab.configure(json!({"platforms": {
        "git": {"attribute": "mail", "regex": "^([^@]+)@", "case": "lower"}, "chat": "givenName"
    }}));
    lab.sync();
    let names = || {
        lab.db.lines(
            r#"SELECT platform, platform_username, username FROM roster.platform_users WHERE platform IN ('git', 'chat')
               AND username <> platform_username ORDER BY platform COLLATE "C", platform_username COLLATE "C""#,
        )
    };
    assert_eq!(names(), ["git|a|Alex"], "the first in byte order");
    let of_alex = || {
        lab.db.lines(
            r#"SELECT platform, platform_username FROM roster.platform_users WHERE username = 'Alex' AND platform IN ('git', 'chat')
               ORDER BY platform COLLATE "C""#,
        )
    };
    assert_eq!(of_alex(), ["chat|Alex", "git|a"]);
    lab.sync();
    assert_eq!(lab.last_run("added, changed, removed"), "0|0|0");

    lab.slapd.set(&user_dn("Alex"), "mail", &["z@example.org"]);
    lab.slapd.set(&user_dn("Alex"), "givenName", &["Lex"]);
    lab.sync();
    assert_eq!(names(), ["chat|Lex|Alex", "git|z|Alex"]);
    lab.slapd.set(&user_dn("Alex"), "givenName", &[]);
    lab.sync();
    assert_eq!(of_alex(), ["git|z"], "nobody has a name there any more");
    lab.configure(json!({"platforms": null}));
    lab.sync();
    assert_eq!(names(), [""; 0]);
}

#[test]
fn secrets_are_refused_before_anything_is_read() {
    let lab = Lab::with(&people());
    lab.sync();
    lab.slapd.set(&user_dn("kim"), "userPassword", &["of-kim-only"]);
    for config in [
        json!({"attributes": {"hash": "userPassword"}}),
        json!({"attributes": {}, "profile": {"hash": "{cn}{userpassword;x}"}}),
    ] {
        lab.configure(config);
        let said = lab.sync_fails();
        assert!(said.contains("holds a secret") && !said.contains("of-kim-only"), "{said}");
    }
}

#[test]
fn a_group_keeps_its_id_when_the_rule_of_its_name_changes() {
    let lab = Lab::with(&people());
    lab.sync();
    let group = || lab.db.lines("SELECT group_id, group_name FROM roster.groups");
    let before = group();
    lab.configure(json!({"group_name_attribute": "dn"}));
    lab.sync();
    assert_eq!(group(), [before[0].replace("all", &group_dn("all"))]);
    assert_eq!(lab.last_run("added, removed"), "0|0");
}
