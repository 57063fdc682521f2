//! Whom an entry means: by name, id or address; users who are renamed, deleted, made again, or made by the source.

use roster_tests::Db;

use super::{
    INCREMENTAL, add_source, long_config, quarantined, rename, stated, sync, sync_anyway, with_source,
};

#[test]
fn a_renamed_user_keeps_nothing_that_was_said_of_the_old_name() {
    for more in ["", INCREMENTAL] {
        let db = with_source(more);
        db.run("INSERT INTO hr.attributes VALUES ('ann', 'clearance', 'high', '2020-01-01'), ('bob', 'a', '1', '2020-01-01'), ('cem', 'a', '1', '2020-01-01')");
        sync(&db, "hr");
        rename(&db, "ann", "anna");
        assert_eq!(sync(&db, "hr"), "succeeded|0|1");
        assert_eq!(stated(&db, "hr"), ["bob|a|1", "cem|a|1"]);
        assert_eq!(quarantined(&db, "hr"), ["user|ann|no user \"ann\" in identity manager \"builtin\""]);
        // Somebody else takes the name, then the first one gets it back under the new one.
        db.run("SELECT roster.create_user('ann')");
        assert_eq!(sync(&db, "hr"), "succeeded|1|0");
        db.run("UPDATE hr.attributes SET username = 'anna', updated_at = clock_timestamp() WHERE username = 'ann'");
        if !more.is_empty() {
            db.run("INSERT INTO hr.attributes VALUES ('ann', 'x', 'x', clock_timestamp(), true)");
        }
        assert_eq!(sync(&db, "hr"), "succeeded|1|1");
        assert_eq!(stated(&db, "hr"), ["anna|clearance|high", "bob|a|1", "cem|a|1"]);
    }
}

#[test]
fn names_that_are_swapped_take_their_facts_along() {
    for more in ["", INCREMENTAL] {
        let db = with_source(more);
        db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', 'of ann', '2020-01-01'), ('bob', 'a', 'of bob', '2020-01-01'), ('cem', 'a', '1', '2020-01-01')");
        sync(&db, "hr");
        rename(&db, "ann", "x");
        rename(&db, "bob", "ann");
        rename(&db, "x", "bob");
        assert_eq!(sync(&db, "hr"), "succeeded|2|2");
        assert_eq!(stated(&db, "hr"), ["ann|a|of ann", "bob|a|of bob", "cem|a|1"]);
    }
}

#[test]
fn a_user_deleted_and_made_again_is_somebody_else_and_gets_what_is_stated_now() {
    for more in ["", INCREMENTAL] {
        let db = with_source(more);
        db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', '1', '2020-01-01'), ('bob', 'a', '1', '2020-01-01')");
        sync(&db, "hr");
        db.run("SELECT roster.delete_user('ann')");
        db.run("SELECT roster.create_user('ann')");
        assert_eq!(sync(&db, "hr"), "succeeded|1|0", "unnoticed in between");
        db.run("SELECT roster.delete_user('ann')");
        assert_eq!(sync(&db, "hr"), "succeeded|0|0");
        assert_eq!(quarantined(&db, "hr").len(), 1);
        db.run("SELECT roster.create_user('ann')");
        assert_eq!(sync(&db, "hr"), "succeeded|1|0");
        assert_eq!(stated(&db, "hr"), ["ann|a|1", "bob|a|1"]);
    }
}

#[test]
fn entries_are_matched_by_external_id_or_address() {
    let db = with_source("");
    db.run(
        "UPDATE roster_private.app_user SET external_id = 'ID-' || username, email = username || '@Example.org';
         INSERT INTO hr.attributes VALUES ('ID-ann', 'by', 'id'), ('id-bob', 'by', 'id'), ('ANN@example.ORG', 'by', 'address'), ('cem@example.org', 'by', 'address')",
    );
    add_source(&db, "ids", &long_config(r#", "match_by": "external_id""#));
    add_source(&db, "mail", &long_config(r#", "match_by": "email""#));
    sync(&db, "ids");
    sync(&db, "mail");
    assert_eq!(stated(&db, "ids"), ["ann|by|id"], "ids are exact");
    assert_eq!(stated(&db, "mail"), ["ann|by|address", "cem|by|address"]);
    // An address that two have is nobody's.
    db.run("UPDATE roster_private.app_user SET email = 'ann@example.org' WHERE username = 'bob'");
    assert_eq!(sync(&db, "mail"), "succeeded|0|1");
    assert_eq!(stated(&db, "mail"), ["cem|by|address"]);
    let bad = quarantined(&db, "mail");
    assert!(
        bad.iter().any(|it| it.contains("or several, with e-mail address \"ANN@example.ORG\"")),
        "{bad:?}"
    );
    // Renaming changes nothing for ids.
    rename(&db, "ann", "anna");
    assert_eq!(sync(&db, "ids"), "succeeded|0|0");
}

#[test]
fn another_way_of_matching_moves_nothing_that_stays_the_same() {
    let db = with_source("");
    db.run("UPDATE roster_private.app_user SET external_id = username; INSERT INTO hr.attributes VALUES ('ann', 'a', '1'), ('bob', 'a', '2')");
    assert_eq!(sync(&db, "hr"), "succeeded|2|0");
    db.run(&format!(
        "SELECT roster.alter_source('hr', config => '{}')",
        long_config(r#", "match_by": "external_id""#)
    ));
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    db.run("UPDATE hr.attributes SET username = 'cem' WHERE username = 'bob'");
    assert_eq!(sync(&db, "hr"), "succeeded|1|1");
}

fn creating() -> Db {
    let db = with_source(r#", "create_users": true"#);
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'a', '1'), ('new', 'a', '2'), ('New', 'a', '3'), ('other', 'a', NULL)");
    assert_eq!(sync(&db, "hr"), "succeeded|6|0");
    db
}

const ACTIVE: &str = r#"SELECT username FROM roster.users WHERE active ORDER BY username COLLATE "C""#;

#[test]
fn a_source_may_create_users_and_disables_them_when_their_entries_are_gone() {
    let db = creating();
    assert_eq!(db.lines(ACTIVE), ["New", "ann", "bob", "cem", "new", "other"]);
    assert_eq!(stated(&db, "hr"), ["New|a|3", "ann|a|1", "new|a|2"]);
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    let id = db.line("SELECT user_id FROM roster.users WHERE username = 'new'");
    db.run("DELETE FROM hr.attributes WHERE username = 'new'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|2");
    assert_eq!(db.lines(ACTIVE), ["New", "ann", "bob", "cem", "other"]);
    // The entry is what the source knows the user by: it comes back to the same user.
    db.run("INSERT INTO hr.attributes VALUES ('new', 'a', '4')");
    assert_eq!(sync(&db, "hr"), "succeeded|2|0");
    assert_eq!(db.line("SELECT user_id, active FROM roster.users WHERE username = 'new'"), format!("{id}|t"));
    // Users of others are never disabled.
    db.run("DELETE FROM hr.attributes WHERE username = 'ann'");
    assert_eq!(sync(&db, "hr"), "succeeded|0|1");
    assert!(db.lines(ACTIVE).contains(&"ann".to_owned()));
    db.run("SELECT roster.disable_user('new')");
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    assert!(!db.lines(ACTIVE).contains(&"new".to_owned()), "an administrator's word outlives every sync");
}

#[test]
fn a_created_user_who_is_renamed_by_another_lets_go_of_the_entry() {
    let db = creating();
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_source('dir', iam => 'builtin', kind => 'ldap')");
    // As a directory would adopt and rename.
    db.run("INSERT INTO roster_private.user_claim (source_id, key, user_id, active) SELECT s.source_id, gen_random_uuid(), u.user_id, true
            FROM roster_private.app_user u, roster_private.source s WHERE u.username = 'new' AND s.source = 'dir';
            UPDATE roster_private.app_user u SET source_id = s.source_id, external_id = 'E1' FROM roster_private.source s WHERE u.username = 'new' AND s.source = 'dir'");
    rename(&db, "new", "renamed");
    sync_anyway(&db, "hr");
    assert_eq!(stated(&db, "hr"), ["New|a|3", "ann|a|1"]);
    assert_eq!(
        db.line("SELECT active FROM roster.users WHERE username = 'renamed'"),
        "t",
        "the directory still has the user"
    );
    sync_anyway(&db, "hr");
    assert_eq!(stated(&db, "hr"), ["New|a|3", "ann|a|1", "new|a|2"], "the name is somebody new");
    assert_eq!(db.line("SELECT count(*) FROM roster.user_attributes WHERE owner = 'renamed'"), "0");
}

#[test]
fn created_users_have_the_id_or_address_they_are_matched_by() {
    let db = with_source("");
    db.run("INSERT INTO hr.attributes VALUES ('E-1', 'a', '1'), ('new@example.org', 'a', '1')");
    for (source, match_by) in [("ids", "external_id"), ("mail", "email")] {
        db.run(&format!("SELECT roster.create_identity_manager('{source}')"));
        db.run(&format!(
            "SELECT roster.create_source('{source}', iam => '{source}', kind => 'table', config => '{}')",
            long_config(&format!(r#", "create_users": true, "match_by": "{match_by}""#))
        ));
        assert_eq!(sync(&db, source), "succeeded|4|0");
        assert_eq!(sync(&db, source), "succeeded|0|0");
    }
    assert_eq!(db.line("SELECT external_id FROM roster.users WHERE iam = 'ids' AND username = 'E-1'"), "E-1");
    assert_eq!(
        db.line("SELECT email FROM roster.users WHERE iam = 'mail' AND username = 'new@example.org'"),
        "new@example.org"
    );
}
