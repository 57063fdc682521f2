//! long, wide and json; what is in them that cannot be taken; what their configuration must say.

use roster_tests::Db;

use super::{
    INCREMENTAL, LONG, add_source, long_config, quarantined, stated, sync, sync_anyway, with_source,
};

#[test]
fn long_rows_become_values_and_duplicates_are_harmless() {
    let db = with_source("");
    db.run("INSERT INTO hr.attributes VALUES ('ann', 'country', 'USA'), ('ann', 'region', 'Ohio'), ('ann', 'region', 'Iowa'),
            ('ann', 'region', 'Iowa'), ('bob', 'country', NULL), ('bob', 'note', '')");
    assert_eq!(sync(&db, "hr"), "succeeded|4|0");
    assert_eq!(stated(&db, "hr"), ["ann|country|USA", "ann|region|Iowa", "ann|region|Ohio", "bob|note|"]);
    assert_eq!(sync(&db, "hr"), "succeeded|0|0");
    db.run(
        "DELETE FROM hr.attributes WHERE ctid = (SELECT min(ctid) FROM hr.attributes WHERE value = 'Iowa')",
    );
    assert_eq!(sync(&db, "hr"), "succeeded|0|0", "one of two equal rows went: nothing changed");
}

#[test]
fn bad_rows_of_a_long_table_are_quarantined_and_the_others_hold() {
    let db = with_source("");
    let long = "n".repeat(1001);
    db.run(&format!(
        "INSERT INTO hr.attributes VALUES ('ann', 'country', 'USA'), (NULL, 'a', 'b'), ('', 'a', 'b'), ('ann', NULL, 'x'), ('ann', ' ', 'x'),
         ('bob', '{long}', 'x'), ('bob', 'country', 'UK'), ('nobody', 'a', 'b')"
    ));
    assert_eq!(sync(&db, "hr"), "succeeded|2|0");
    assert_eq!(stated(&db, "hr"), ["ann|country|USA", "bob|country|UK"]);
    let bad = quarantined(&db, "hr");
    assert!(
        bad.contains(&"user|nobody|no user \"nobody\" in identity manager \"builtin\"".to_owned()),
        "{bad:?}"
    );
    assert!(bad.iter().any(|it| it.starts_with("user||the user is ")), "{bad:?}");
    assert!(bad.iter().any(|it| it.starts_with("user_attribute|ann") && it.contains("is NULL")), "{bad:?}");
    assert!(
        bad.iter().any(|it| it.starts_with("user_attribute|bob n") && it.contains("longer than 1000 bytes")),
        "{bad:?}"
    );
    db.run("DELETE FROM hr.attributes WHERE username IS NULL OR username = '' OR attribute IS NULL OR attribute = ' ' OR length(attribute) > 99 OR username = 'nobody'");
    sync(&db, "hr");
    assert_eq!(quarantined(&db, "hr"), [""; 0]);
}

#[test]
fn wide_columns_become_attributes_and_arrays_several_values() {
    let db = with_source("");
    db.run(
        "CREATE TABLE hr.people (login varchar(20), \"Cost Centre\" integer, regions text[], remote boolean, note text);
         INSERT INTO hr.people VALUES ('ann', 7, '{Ohio,Iowa,NULL,Ohio}', true, NULL), ('bob', NULL, NULL, NULL, NULL), ('cem', 8, '{}', false, 'x')",
    );
    add_source(&db, "people", r#"{"relation": "hr.people", "format": "wide", "user_column": "login"}"#);
    assert_eq!(sync(&db, "people"), "succeeded|7|0");
    assert_eq!(
        stated(&db, "people"),
        [
            "ann|Cost Centre|7",
            "ann|regions|Iowa",
            "ann|regions|Ohio",
            "ann|remote|true",
            "cem|Cost Centre|8",
            "cem|note|x",
            "cem|remote|false"
        ]
    );
    db.run("UPDATE hr.people SET regions = '{Utah}', note = 'y' WHERE login = 'ann'");
    assert_eq!(sync(&db, "people"), "succeeded|2|2");
    // Stated twice, nobody knows which is right: what was known stays.
    db.run("INSERT INTO hr.people VALUES ('ann', 9), ('cem', 10)");
    assert_eq!(sync(&db, "people"), "succeeded|0|0");
    assert_eq!(quarantined(&db, "people").len(), 2);
    assert!(stated(&db, "people").contains(&"ann|Cost Centre|7".to_owned()));
    db.run("DELETE FROM hr.people WHERE \"Cost Centre\" IN (7, 8)");
    sync_anyway(&db, "people");
    assert_eq!(stated(&db, "people"), ["ann|Cost Centre|9", "cem|Cost Centre|10"]);
}

#[test]
fn json_objects_become_attributes() {
    let db = with_source("");
    db.run(
        r#"CREATE TABLE hr.documents (login text, attributes jsonb);
         INSERT INTO hr.documents VALUES
           ('ann', '{"country": "USA", "level": 3, "rate": 1.50, "remote": true, "none": null, "empty": [], "regions": ["Ohio", 5, null, false]}'),
           ('bob', '{"country": "UK"}'), ('cem', NULL)"#,
    );
    add_source(
        &db,
        "documents",
        r#"{"relation": "hr.documents", "format": "json", "user_column": "login", "attributes_column": "attributes"}"#,
    );
    assert_eq!(sync(&db, "documents"), "succeeded|8|0");
    assert_eq!(
        stated(&db, "documents"),
        [
            "ann|country|USA",
            "ann|level|3",
            "ann|rate|1.50",
            "ann|regions|5",
            "ann|regions|Ohio",
            "ann|regions|false",
            "ann|remote|true",
            "bob|country|UK"
        ]
    );
    // What cannot be read counts as present.
    db.run(r#"UPDATE hr.documents SET attributes = '["a"]' WHERE login = 'bob'; UPDATE hr.documents SET attributes = '{"country": {"x": 1}, "level": 9}' WHERE login = 'ann'"#);
    assert_eq!(sync(&db, "documents"), "succeeded|0|0");
    let bad = quarantined(&db, "documents");
    assert!(bad[0].starts_with("user|ann|") && bad[0].contains("\"country\" is nested"), "{bad:?}");
    assert!(bad[1].starts_with("user|bob|") && bad[1].contains("array"), "{bad:?}");
    db.run(r#"UPDATE hr.documents SET attributes = '{"country": "FR", "": "x"}' WHERE login = 'bob'"#);
    assert_eq!(sync(&db, "documents"), "succeeded|1|1");
    assert_eq!(quarantined(&db, "documents").len(), 2, "the name that is empty, and ann");
}

#[test]
fn lists_are_split_and_trimmed() {
    let db = with_source(r#", "split": ",""#);
    db.run(
        "INSERT INTO hr.attributes VALUES ('ann', 'region', 'Ohio, Iowa,,Ohio '), ('bob', 'region', ' , ')",
    );
    sync(&db, "hr");
    assert_eq!(stated(&db, "hr"), ["ann|region|Iowa", "ann|region|Ohio"]);
    db.run(r#"CREATE TABLE hr.w (u text, a text, b text[]); INSERT INTO hr.w VALUES ('ann', 'x;y', '{"p;q",r}');
              CREATE TABLE hr.j (u text, a jsonb); INSERT INTO hr.j VALUES ('ann', '{"a": "x;y", "b": ["p;q", "r"]}')"#);
    for (source, format, relation) in
        [("w", "wide", "hr.w"), ("j", r#"json", "attributes_column": "a"#, "hr.j")]
    {
        add_source(
            &db,
            source,
            &format!(
                r#"{{"relation": "{relation}", "format": "{format}", "user_column": "u", "split": ";"}}"#
            ),
        );
        sync(&db, source);
        assert_eq!(stated(&db, source), ["ann|a|x", "ann|a|y", "ann|b|p", "ann|b|q", "ann|b|r"], "{format}");
    }
}

#[test]
fn a_query_and_a_view_are_read_like_a_table() {
    let db = with_source("");
    db.run(
        "CREATE TABLE hr.staff (id integer, login text); CREATE TABLE hr.posts (id integer, region text);
         INSERT INTO hr.staff VALUES (1, 'ann'), (2, 'bob'); INSERT INTO hr.posts VALUES (1, 'Ohio'), (1, 'Iowa'), (2, 'Utah');
         CREATE VIEW hr.\"Wide View\" AS SELECT login, array_agg(region) AS regions FROM hr.staff JOIN hr.posts USING (id) GROUP BY 1",
    );
    add_source(
        &db,
        "query",
        r#"{"query": "SELECT s.login AS u, 'region' AS n, p.region AS v FROM hr.staff s JOIN hr.posts p USING (id) -- all of them", "format": "long",
            "user_column": "u", "name_column": "n", "value_column": "v"}"#,
    );
    add_source(
        &db,
        "view",
        r#"{"relation": "hr.\"Wide View\"", "format": "wide", "user_column": "login", "prefix": "hr"}"#,
    );
    sync(&db, "query");
    sync(&db, "view");
    assert_eq!(stated(&db, "query"), ["ann|region|Iowa", "ann|region|Ohio", "bob|region|Utah"]);
    assert_eq!(stated(&db, "view"), ["ann|hr.regions|Iowa", "ann|hr.regions|Ohio", "bob|hr.regions|Utah"]);
}

#[test]
fn names_and_values_are_kept_in_nfc_and_compared_in_it() {
    let db = with_source("");
    db.run("SELECT roster.create_user(U&'zo\\00EB')");
    db.run("INSERT INTO hr.attributes VALUES (U&'zoe\\0308', U&'cafe\\0301', U&'e\\0301t\\00E9'), (U&'zo\\00EB', U&'caf\\00E9', U&'\\00E9t\\00E9')");
    assert_eq!(sync(&db, "hr"), "succeeded|1|0", "two spellings of one");
    assert_eq!(stated(&db, "hr"), ["zoë|café|été"]);
}

#[test]
fn columns_that_do_not_fit_are_reported_together_before_anything_is_read() {
    let db = Db::fresh();
    db.run(LONG);
    db.run("CREATE DOMAIN hr.moment AS timestamptz; ALTER TABLE hr.attributes ADD changed text, ADD gone integer, ADD at hr.moment, ADD list text[]");
    add_source(
        &db,
        "hr",
        r#"{"relation": "hr.attributes", "format": "long", "user_column": "login", "name_column": "list", "value_column": "value",
            "updated_at_column": "changed", "deleted_column": "gone"}"#,
    );
    let told = db.error("SELECT roster.sync_table_now('hr')");
    for part in [
        "column \"login\" (config key user_column) does not exist; there are: at, attribute, changed",
        "column \"list\" (config key name_column) must hold one name, it is text[]",
        "column \"changed\" (config key updated_at_column) must be a timestamp or a date, it is text",
        "column \"gone\" (config key deleted_column) must be boolean, it is integer",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert_eq!(db.lines("SELECT * FROM roster.sync_runs"), [""; 0], "an error leaves nothing");
    db.run(&format!(
        "SELECT roster.alter_source('hr', config => '{}')",
        long_config(r#", "updated_at_column": "at""#)
    ));
    assert_eq!(sync(&db, "hr"), "succeeded|0|0", "a domain is what it is made of");
    for (config, part) in [
        (
            r#"{"relation": "hr.attributes", "format": "json", "user_column": "username", "attributes_column": "value"}"#,
            "must be jsonb, it is text",
        ),
        (
            r#"{"query": "SELECT username FROM hr.attributes", "format": "wide", "user_column": "username"}"#,
            "no column is left",
        ),
        (
            r#"{"query": "SELECT username, value, value FROM hr.attributes", "format": "wide", "user_column": "username"}"#,
            "several columns of the name \"value\"",
        ),
        (
            r#"{"relation": "hr.nothing", "format": "wide", "user_column": "username"}"#,
            "\"hr.nothing\" does not exist",
        ),
        (
            r#"{"query": "SELECT * FROM hr.attributes WHERE", "format": "wide", "user_column": "username"}"#,
            "syntax error",
        ),
    ] {
        db.run(&format!("SELECT roster.alter_source('hr', config => '{config}')"));
        let told = db.error("SELECT roster.sync_table_now('hr')");
        assert!(told.contains(part), "{part}\n{told}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused_by_key() {
    let db = Db::fresh();
    for (config, key) in [
        ("{}", "\"relation\" or \"query\""),
        (
            r#"{"relation": "a.b", "query": "SELECT 1", "format": "wide", "user_column": "u"}"#,
            "\"relation\" or \"query\"",
        ),
        (r#"{"relation": "people", "format": "wide", "user_column": "u"}"#, "schema and name"),
        (r#"{"relation": "a.b; DROP TABLE c", "format": "wide", "user_column": "u"}"#, "schema and name"),
        (r#"{"relation": "a.b", "format": "tall", "user_column": "u"}"#, "\"format\""),
        (r#"{"relation": "a.b", "user_column": "u"}"#, "\"format\""),
        (r#"{"relation": "a.b", "format": "wide"}"#, "\"user_column\""),
        (
            r#"{"relation": "a.b", "format": "long", "user_column": "u", "name_column": "n"}"#,
            "\"value_column\"",
        ),
        (r#"{"relation": "a.b", "format": "json", "user_column": "u"}"#, "\"attributes_column\""),
        (r#"{"relation": "a.b", "format": "wide", "user_column": "u", "match_by": "name"}"#, "\"match_by\""),
        (
            r#"{"relation": "a.b", "format": "wide", "user_column": "u", "create_users": "yes"}"#,
            "\"create_users\"",
        ),
        (r#"{"relation": "a.b", "format": "wide", "user_column": "u", "overlap": "some"}"#, "\"overlap\""),
        (
            r#"{"relation": "a.b", "format": "wide", "user_column": "u", "full_every": "-1 day"}"#,
            "\"full_every\"",
        ),
        (r#"{"relation": "a.b", "format": "wide", "user_column": "u", "split": ""}"#, "\"split\""),
        (
            r#"{"relation": "a.b", "format": "wide", "user_column": "u", "connection": "postgres://hunter2"}"#,
            "\"connection\"",
        ),
    ] {
        let told = db.error(&format!(
            "SELECT roster.create_source('s', iam => 'builtin', kind => 'table', config => '{config}')"
        ));
        assert!(told.contains(key) && told.contains("[22023]"), "{config}\n{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn what_an_incremental_source_needs_is_found_in_every_format() {
    let db = with_source(INCREMENTAL);
    db.run("CREATE TABLE hr.w (u text, a text, at timestamp, gone boolean); CREATE TABLE hr.j (u text, a jsonb, at date, gone boolean);
            INSERT INTO hr.w VALUES ('ann', 'x', now(), NULL), ('bob', 'y', now(), true); INSERT INTO hr.j VALUES ('ann', '{\"a\": \"x\"}', now(), NULL), ('bob', '{\"a\": 1}', now(), true)");
    for (source, format) in [("w", "wide"), ("j", r#"json", "attributes_column": "a"#)] {
        add_source(
            &db,
            source,
            &format!(
                r#"{{"relation": "hr.{source}", "format": "{format}", "user_column": "u", "updated_at_column": "at", "deleted_column": "gone"}}"#
            ),
        );
        assert_eq!(sync(&db, source), "succeeded|1|0", "{source}");
        db.run(&format!("UPDATE hr.{source} SET gone = false, at = now() WHERE u = 'bob'"));
        assert_eq!(sync(&db, source), "succeeded|1|0", "{source}");
        assert_eq!(db.line("SELECT complete FROM roster_private.sync_run ORDER BY run_id DESC LIMIT 1"), "f");
        assert_eq!(stated(&db, source).len(), 2);
        db.run(&format!("UPDATE hr.{source} SET gone = true, at = now() WHERE u = 'bob'"));
        assert_eq!(sync(&db, source), "succeeded|0|1", "{source}");
    }
}
