//! Several databases of one cluster have nothing in common but the roles.

use roster_tests::Db;

use crate::reference::{REFERENCE, effective, state_the_reference};

#[test]
fn two_databases_of_a_cluster_do_not_see_or_block_each_other() {
    let (one, other) = (Db::fresh(), Db::fresh());
    state_the_reference(&one);
    assert_eq!(effective(&other), [""; 0]);
    // Nesting takes the strongest lock there is; a neighbour must not wait for it.
    one.run(
        "BEGIN; SELECT roster.create_group('company'); SELECT roster.add_subgroup('company', 'developers')",
    );
    other.run("SET lock_timeout = '2s'");
    state_the_reference(&other);
    other.run("SELECT roster.create_group('company'); SELECT roster.add_subgroup('company', 'developers')");
    one.run("ROLLBACK");
    assert_eq!(effective(&one), REFERENCE);
    assert_eq!(effective(&other), REFERENCE);
}

#[test]
fn dropping_the_extension_in_one_database_leaves_the_other_alone() {
    let (one, other) = (Db::fresh(), Db::fresh());
    state_the_reference(&other);
    one.run("DROP EXTENSION pg_roster");
    assert_eq!(one.lines("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'roster%'"), [""; 0]);
    assert_eq!(effective(&other), REFERENCE);
    one.run("CREATE EXTENSION pg_roster");
    state_the_reference(&one);
    assert_eq!(effective(&one), REFERENCE);
}

#[test]
fn a_database_that_is_not_utf8_is_refused_with_a_remedy() {
    let db = Db::empty();
    let name = format!("{}_latin1", db.name);
    db.run(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    let told = db.session_in(&name).error("CREATE EXTENSION pg_roster");
    assert!(told.contains("UTF8"), "{told}");
}
