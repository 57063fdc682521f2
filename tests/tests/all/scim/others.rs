//! OneLogin, Ping, JumpCloud, authentik, Oracle, SailPoint: what each does that no other does.

use roster_tests::encoded;
use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, LABEL, Lab, USER, group, shown_members, user, values};

#[test]
fn onelogin_puts_with_old_urns_and_stray_separators() {
    let lab = Lab::of_profile("onelogin");
    let old = json!(["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"]);
    let body = |title: &str| {
        json!({
            "schemas": old, "userName": "alice@onelogin.example", "externalId": "81", "title": title, "active": true,
            "name": {"givenName": "Alice", "familyName": "A", "formatted": "Alice A"},
            "emails": [{"value": "alice@onelogin.example", "type": "work", "primary": true}],
            "urn:scim:schemas:extension:enterprise:2.0": {"department": "Ledger"}
        })
    };
    let filter = encoded("userName eq \"alice@onelogin.example\"");
    for path in [
        "/Users?".to_owned(),
        "/Users?&".to_owned(),
        format!("/Users?filter={filter}&"),
        "/Users?&count=1&&x=y".to_owned(),
    ] {
        assert_eq!(lab.scim.get(&path).expect(200).total(), 0, "{path}");
    }
    let created = lab.scim.request("POST", "/Users?", &[], Some(&body("Clerk").to_string())).expect(201);
    let path = format!("/Users/{}?&", created.id());
    let put = lab.scim.request("PUT", &path, &[], Some(&body("Chief").to_string())).expect(200);
    assert_eq!(put.json["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(put.json[ENTERPRISE], json!({"department": "Ledger"}));
    assert_eq!(lab.user("alice@onelogin.example", "profile ->> 'title'"), "Chief");
    let mut off = body("Chief");
    off["active"] = json!(false);
    lab.scim.request("PUT", &path, &[], Some(&off.to_string())).expect(200);
    assert_eq!(lab.user("alice@onelogin.example", "active"), "f");
    lab.scim.request("DELETE", &path, &[], None).expect(204);
}

#[test]
fn ping_puts_users_and_lists_all_groups() {
    let lab = Lab::new();
    let id = lab.new_user("alice");
    for n in 0..5 {
        let members: &[&str] = if n % 2 == 0 { &[&id] } else { &[] };
        lab.new_group(&format!("g{n}"), members);
    }
    let groups = lab.scim.get("/Groups").expect(200);
    assert_eq!(groups.each("displayName"), ["g0", "g1", "g2", "g3", "g4"]);
    assert_eq!(values(&groups.resources()[2]["members"]), [id.as_str()]);
    let put = user(
        "alice",
        json!({"id": id, "name": {"familyName": "A"}, "emails": [{"value": "a@ping.example"}]}),
    );
    lab.scim.put(&format!("/Users/{id}"), &put).expect(200);
    let shown = lab.scim.get(&format!("/Users/{id}")).json;
    let names: Vec<_> = shown["groups"].as_array().expect("a list").iter().map(|g| &g["display"]).collect();
    assert_eq!(names, [&json!("g0"), &json!("g2"), &json!("g4")]);
}

#[test]
fn jumpcloud_tries_user_and_group_on_activation() {
    let lab = Lab::new();
    for _ in 0..2 {
        let name = "jumpcloud-test-user@example.org";
        assert_eq!(lab.scim.find("/Users", &format!("userName eq \"{name}\"")).total(), 0);
        let id = lab.new_user(name);
        let staff = lab.new_group("JumpCloud Test Group", &[]);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        lab.scim.patch(&format!("/Groups/{staff}"), &add).expect(200);
        lab.scim.put(&format!("/Users/{id}"), &user(name, json!({"active": false}))).expect(200);
        lab.scim.delete(&format!("/Groups/{staff}")).expect(204);
        lab.scim.delete(&format!("/Users/{id}")).expect(204);
    }
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.users WHERE active"), 0);
    assert_eq!(lab.scim.get("/Users").total(), 0);
}

#[test]
fn authentik_sends_one_operation_per_member_and_reads_all_back() {
    let lab = Lab::new();
    let ids: Vec<_> = (0..12).map(|n| lab.new_user(&format!("u{n:02}"))).collect();
    let id = lab.new_group("Staff", &[]);
    let path = format!("/Groups/{id}");
    let operations: Vec<Value> =
        ids.iter().map(|id| json!({"op": "add", "path": "members", "value": [{"value": id}]})).collect();
    lab.scim.patch(&path, &json!(operations)).expect(200);
    let mut all = ids.clone();
    all.sort();
    assert_eq!(shown_members(&lab.scim, &id), all);
    let operations: Vec<Value> = ids[..6]
        .iter()
        .map(|id| json!({"op": "remove", "path": "members", "value": [{"value": id}]}))
        .collect();
    lab.scim.patch(&path, &json!(operations)).expect(200);
    assert_eq!(lab.members("Staff"), ["u06", "u07", "u08", "u09", "u10", "u11"]);
    // And what it never added, it does not remove: the same again changes nothing.
    let before = lab.scim.get(&path).etag();
    lab.scim.patch(&path, &json!(operations)).expect(200);
    assert_eq!(lab.scim.get(&path).etag(), before);
}

#[test]
fn oracle_authenticates_by_basic() {
    let lab = Lab::new();
    let key = lab.scim.authorization.trim_start_matches("Bearer ").to_owned();
    let basic = |user: &str, password: &str| {
        let text = format!("{user}:{password}");
        lab.scim.authorized(&format!("Basic {}", base64(text.as_bytes())))
    };
    basic(LABEL, &key).create("/Users", &user("alice", json!({})));
    assert_eq!(lab.user("alice", "active"), "t");
    basic("another label", &key).get("/Users").expect(401);
    basic(LABEL, "wrong").get("/Users").expect(401);
}

/// RFC 4648, padded.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let all =
            chunk.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let six = (all >> (18 - 6 * digit)) & 63;
            text.push(if digit > chunk.len() { '=' } else { DIGITS[six as usize].into() });
        }
    }
    text
}

#[test]
fn sailpoint_replaces_sub_attributes_and_means_to_merge() {
    let lab = Lab::new();
    let more = json!({"name": {"givenName": "Alice", "familyName": "A"}, ENTERPRISE: {"department": "Ledger", "costCenter": "7"}});
    let path = format!("/Users/{}", lab.scim.create("/Users", &user("alice", more)));
    lab.scim
        .patch(
            &path,
            &json!([
                {"op": "replace", "path": "name", "value": {"familyName": "Ames"}},
                {"op": "replace", "path": ENTERPRISE, "value": {"department": "Audit"}}
            ]),
        )
        .expect(200);
    let shown = lab.scim.get(&path).json;
    assert_eq!(shown["name"], json!({"givenName": "Alice", "familyName": "Ames"}));
    assert_eq!(shown[ENTERPRISE], json!({"department": "Audit", "costCenter": "7"}));
}

#[test]
fn validators_send_what_no_validation_would_let_pass() {
    let lab = Lab::new();
    let body = user(
        "alice",
        json!({
            "locale": "not a locale", "preferredLanguage": "klingon", "timezone": "Middle/Earth", "profileUrl": "not a url",
            "addresses": [{"type": "work", "country": "Malaysia", "primary": "true"}],
            "x509Certificates": [{"value": "!!! no base64 !!!"}],
            "photos": [{"value": "photo", "type": "hologram"}],
            "ims": [{"value": "someone", "type": "telepathy"}],
            "phoneNumbers": [{"value": "call me", "type": "carrier pigeon"}],
            "emails": [{"value": "no at sign"}]
        }),
    );
    let id = lab.scim.create("/Users", &body);
    let shown = lab.scim.get(&format!("/Users/{id}")).json;
    for key in ["locale", "timezone", "photos", "ims", "phoneNumbers", "x509Certificates"] {
        assert_eq!(shown[key], body[key], "{key}");
    }
    assert_eq!(shown["addresses"][0]["primary"], json!(true));
    lab.scim.put(&format!("/Users/{id}"), &shown).expect(200);
}

#[test]
fn keycloak_style_clients_nest_groups() {
    let lab = Lab::new();
    let alice = lab.new_user("alice");
    let child = lab.new_group("Developers", &[&alice]);
    let body =
        json!({"schemas": [GROUP], "displayName": "Company", "members": [{"value": child, "type": "Group"}]});
    let parent = lab.scim.create("/Groups", &body);
    assert_eq!(lab.members("Company"), ["Developers"]);
    let shown = lab.scim.get(&format!("/Groups/{parent}")).json;
    assert_eq!(shown["members"][0]["type"], json!("Group"));
    let effective = lab
        .db
        .lines("SELECT group_name, direct FROM roster.effective_groups WHERE username = 'alice' ORDER BY 1");
    assert_eq!(effective, ["Company|f", "Developers|t"]);
    let groups = lab.scim.get(&format!("/Users/{alice}")).json["groups"].clone();
    let kinds: Vec<_> = groups
        .as_array()
        .expect("a list")
        .iter()
        .map(|g| (g["display"].clone(), g["type"].clone()))
        .collect();
    assert!(
        kinds.contains(&(json!("Developers"), json!("direct")))
            && kinds.contains(&(json!("Company"), json!("indirect"))),
        "{kinds:?}"
    );
    assert_eq!(lab.scim.create("/Groups", &group("Empty", &[])).len(), 36);
}
