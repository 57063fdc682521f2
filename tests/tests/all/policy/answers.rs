//! What each helper answers.

use roster_tests::Db;

use super::{Person, answers, may_see, person};

fn somebody() -> (Db, Person) {
    let db = Db::fresh();
    let eve = person(&db);
    let name = &eve.name;
    db.run(&format!(
        "SELECT roster.create_group('developers'); SELECT roster.create_group('company'); SELECT roster.create_group('others');
         SELECT roster.add_subgroup('company', 'developers'); SELECT roster.add_member('developers', '{name}');
         SELECT roster.set_group_attribute('company', 'badge', 'blue');
         SELECT roster.set_user_attribute('{name}', 'territory', ARRAY['south', 'north', 'north-east']);
         SELECT roster.grant_permission('report', username => '{name}');
         SELECT roster.grant_permission('deploy', group_name => 'company')"
    ));
    (db, eve)
}

#[test]
fn about_oneself() {
    let (db, eve) = somebody();
    let id = db.line(&format!("SELECT user_id FROM roster.users WHERE username = '{}'", eve.name));
    assert_eq!(
        answers(&eve, "roster.current_user_id(); roster.username(); roster.iam()"),
        format!("{id}|{}|builtin", eve.name)
    );
}

#[test]
fn attributes_own_and_inherited() {
    let (_db, eve) = somebody();
    assert_eq!(
        answers(
            &eve,
            "roster.has_attribute('territory', 'north'); roster.has_attribute('territory', 'nort'); \
             roster.has_attribute('territory', 'North'); roster.has_attribute('territory', ''); \
             roster.has_attribute('badge', 'blue'); roster.has_attribute('other', 'blue'); roster.has_attribute('', '')"
        ),
        "true|false|false|false|true|false|false"
    );
    assert_eq!(
        answers(&eve, "roster.attribute_values('territory'); roster.attribute_values('none')"),
        "{north,north-east,south}|{}"
    );
}

#[test]
fn groups_through_nesting_and_permissions_through_groups() {
    let (_db, eve) = somebody();
    assert_eq!(
        answers(
            &eve,
            "roster.in_group('developers'); roster.in_group('company'); roster.in_group('others'); roster.in_group('none'); \
             roster.in_all_groups('developers', 'company'); roster.in_all_groups('developers', 'others'); \
             roster.in_all_groups(VARIADIC ARRAY['company']); roster.in_all_groups(VARIADIC '{}'); \
             roster.in_all_groups(VARIADIC '[5:6]={developers,company}'); \
             roster.in_all_groups(VARIADIC ARRAY[['developers'], ['others']])"
        ),
        "true|true|false|false|true|false|true|true|true|false"
    );
    assert_eq!(
        answers(
            &eve,
            "roster.has_permission('report'); roster.has_permission('deploy'); roster.has_permission('drop')"
        ),
        "true|true|false"
    );
}

#[test]
fn null_gives_null() {
    let (_db, eve) = somebody();
    assert_eq!(
        answers(
            &eve,
            "roster.has_attribute(NULL, 'north'); roster.has_attribute('territory', NULL); roster.has_attribute_under('territory', NULL); \
             roster.in_group(NULL); roster.in_all_groups('developers', NULL); roster.in_all_groups(VARIADIC NULL); \
             roster.has_permission(NULL); roster.attribute_values(NULL)"
        ),
        ["NULL"; 8].join("|")
    );
}

#[test]
fn an_unknown_user_gets_null_and_sees_nothing_whichever_way_one_asks() {
    let (db, _eve) = somebody();
    let stranger = db.login(&[]);
    assert_eq!(
        answers(
            &stranger,
            "roster.current_user_id(); roster.username(); roster.iam(); roster.has_attribute('territory', 'north'); \
             roster.has_attribute_under('territory', 'north'); roster.in_group('others'); roster.in_all_groups('others'); \
             roster.in_all_groups(VARIADIC '{}'); roster.has_permission('report'); roster.attribute_values('territory')"
        ),
        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|{}"
    );
    for predicate in
        ["has_attribute('territory', 'x')", "in_group('x')", "has_permission('x')", "in_all_groups('x')"]
    {
        for not in ["", "NOT "] {
            let rows =
                stranger.lines(&format!("SELECT 1 FROM generate_series(1, 3) WHERE {not}roster.{predicate}"));
            assert_eq!(rows, [""; 0], "{not}{predicate}");
        }
    }
}

#[test]
fn hierarchy_goes_by_whole_levels() {
    let db = Db::fresh();
    let eve = person(&db);
    may_see(&db, &eve, &["US.OH", "CA", "DE.*.Mitte", "*.south", "FR.*"]);
    let covered =
        |path: &str| eve.line(&format!("SELECT roster.has_attribute_under('territory', '{path}')")) == "t";
    for path in [
        "US.OH",
        "US.OH.Columbus",
        "US.OH.Columbus.Downtown",
        "CA",
        "CA.ON",
        "DE.Berlin.Mitte",
        "DE.x.Mitte.Nord",
        "ZZ.south",
        "FR.Paris",
        "FR.Paris.5e",
    ] {
        assert!(covered(path), "{path} is covered");
    }
    for path in [
        "US",
        "US.OHX",
        "US.O",
        "USX.OH",
        "us.oh",
        "",
        ".",
        "DE",
        "DE.Mitte",
        "DE.Berlin",
        "DE.Berlin.Nord.Mitte",
        "DE..Mitte",
        "south",
        ".south",
        "FR",
        "FR.",
        "*",
        "US.*",
        "X.OH",
    ] {
        assert!(!covered(path), "{path} is not covered");
    }
    assert!(covered("FR.*") && covered("DE.*.Mitte"), "in a path, * is a level like any other");
    assert!(!covered("*.OH"), "and stands for nothing");
}

#[test]
fn values_of_any_length_and_names_from_columns() {
    let db = Db::fresh();
    let eve = person(&db);
    db.run(&format!(
        "SELECT roster.set_user_attribute('{0}', 'long', repeat('x', 100000)); SELECT roster.set_user_attribute('{0}', 'a', '1');
         SELECT roster.set_user_attribute('{0}', 'b', '2');
         CREATE TABLE facts (name varchar(20), value text, plain text); ALTER TABLE facts ALTER plain SET STORAGE EXTERNAL; GRANT SELECT ON facts TO PUBLIC;
         INSERT INTO facts SELECT 'n' || i, 'v' || i, NULL FROM generate_series(1, 3000) i;
         INSERT INTO facts VALUES ('a', '1', NULL), ('a', '2', NULL), ('b', '1', NULL), ('b', '2', NULL), ('long', repeat('x', 100000), repeat('x', 100000)),
                                  ('long', repeat('x', 99999), repeat('y', 100000))",
        eve.name
    ));
    assert_eq!(
        eve.lines("SELECT name, length(value) FROM facts WHERE roster.has_attribute(name, value) ORDER BY 1"),
        ["a|1", "b|1", "long|100000"]
    );
    assert_eq!(eve.lines("SELECT name FROM facts WHERE roster.has_attribute('long', plain)"), ["long"]);
}

#[test]
fn names_are_one_name_in_every_normal_form() {
    let db = Db::fresh();
    let eve = person(&db);
    db.run(&format!(
        "SELECT roster.create_group(U&'M\\00FCnchen'); SELECT roster.add_member(U&'M\\00FCnchen', '{0}');
         SELECT roster.set_user_attribute('{0}', U&'stra\\00DFe\\00FC', 'x'); SELECT roster.grant_permission(U&'\\00FC', username => '{0}')",
        eve.name
    ));
    assert_eq!(
        answers(
            &eve,
            "roster.in_group(U&'M\\00FCnchen'); roster.in_group(U&'Mu\\0308nchen'); roster.in_group(U&'Mu\\0308nche'); \
             roster.in_all_groups(U&'Mu\\0308nchen'); roster.has_attribute(U&'stra\\00DFeu\\0308', 'x'); roster.has_permission(U&'u\\0308')"
        ),
        "true|true|false|true|true|true"
    );
}

#[test]
fn merge_rules_count() {
    let (db, eve) = somebody();
    db.run(&format!("SELECT roster.set_user_attribute('{}', 'badge', 'gold')", eve.name));
    assert_eq!(answers(&eve, "roster.attribute_values('badge')"), "{blue,gold}");
    db.run("SELECT roster.set_merge_rule('badge', 'nearest')");
    assert_eq!(
        answers(&eve, "roster.attribute_values('badge'); roster.has_attribute('badge', 'blue')"),
        "{gold}|false"
    );
}
