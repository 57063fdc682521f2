//! The reference examples to the letter, stated by SQL calls.

use roster_tests::{Db, Session};

/// Steve, Sara, Stephanie, Sam and Fiona, a member of Field_Sales.
pub fn state_the_reference(db: &Session) {
    db.run(
        "SELECT roster.create_user('steve'); SELECT roster.set_user_attribute('steve', 'country', 'USA');
         SELECT roster.create_user('sara'); SELECT roster.set_user_attribute('sara', 'role', 'administrator');
         SELECT roster.create_user('stephanie');
         SELECT roster.set_user_attribute('stephanie', 'sales_region', ARRAY['Ohio', 'Michigan', 'Indiana']);
         SELECT roster.create_group('developers');
         SELECT roster.set_group_attribute('developers', 'organization', 'engineering');
         SELECT roster.create_user('sam'); SELECT roster.add_member('developers', 'sam');
         SELECT roster.create_group('Field_Sales');
         SELECT roster.set_group_attribute('Field_Sales', 'territories', ARRAY['OH', 'MD']);
         SELECT roster.create_user('fiona'); SELECT roster.add_member('Field_Sales', 'fiona');",
    );
}

pub const REFERENCE: [&str; 8] = [
    "fiona|territories|MD",
    "fiona|territories|OH",
    "sam|organization|engineering",
    "sara|role|administrator",
    "stephanie|sales_region|Indiana",
    "stephanie|sales_region|Michigan",
    "stephanie|sales_region|Ohio",
    "steve|country|USA",
];

pub fn effective(db: &Session) -> Vec<String> {
    db.lines(
        r#"SELECT username, name, value FROM roster.effective_attributes
           ORDER BY username COLLATE "C", name COLLATE "C", value COLLATE "C""#,
    )
}

#[test]
fn the_reference_people_have_exactly_what_the_reference_says() {
    let db = Db::fresh();
    state_the_reference(&db);
    assert_eq!(effective(&db), REFERENCE);
}

#[test]
fn every_member_of_a_group_inherits_and_loses_with_it() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run("SELECT roster.add_member('Field_Sales', 'steve')");
    let territories =
        "SELECT username, value FROM roster.effective_attributes WHERE name = 'territories' ORDER BY 1, 2";
    assert_eq!(db.lines(territories), ["fiona|MD", "fiona|OH", "steve|MD", "steve|OH"]);
    db.run("SELECT roster.remove_group_attribute('Field_Sales', 'territories', 'OH')");
    assert_eq!(db.lines(territories), ["fiona|MD", "steve|MD"]);
    db.run("SELECT roster.remove_member('Field_Sales', 'steve')");
    assert_eq!(db.lines(territories), ["fiona|MD"]);
    db.run("SELECT roster.delete_group('Field_Sales')");
    assert_eq!(db.lines(territories), [""; 0]);
}

#[test]
fn a_profile_field_is_never_an_attribute() {
    let db = Db::fresh();
    db.run(
        r#"SELECT roster.create_user('ann', display_name => 'Ann', email => 'ann@example.org',
                                        profile => '{"location": "Berlin"}')"#,
    );
    assert_eq!(effective(&db), [""; 0]);
    assert_eq!(
        db.lines("SELECT username, display_name, email, active, profile FROM roster.users"),
        [r#"ann|Ann|ann@example.org|t|{"location": "Berlin"}"#]
    );
}

#[test]
fn user_profiles_show_a_person_in_one_row_all_sorted() {
    let db = Db::fresh();
    state_the_reference(&db);
    db.run("SELECT roster.add_member('developers', 'stephanie'); SELECT roster.add_member('Field_Sales', 'stephanie')");
    assert_eq!(
        db.line("SELECT active, groups, attributes, permissions FROM roster.user_profiles WHERE username = 'stephanie'"),
        concat!(
            r#"t|{Field_Sales,developers}|{"territories": ["MD", "OH"], "organization": ["engineering"], "#,
            r#""sales_region": ["Indiana", "Michigan", "Ohio"]}|{}"#
        )
    );
}
