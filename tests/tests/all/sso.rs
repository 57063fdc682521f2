//! Query-engine sign-on: who logs in to PostgreSQL with a directory password is that directory's user.

use roster_tests::{BASE, Db, Directory, Session, Slapd, wait_until};

use crate::ldap::Lab;

/// A login that PostgreSQL asks the directory about, and a synchronised directory that has it.
fn lab_with_login() -> (Lab, String) {
    let db = Db::fresh();
    let role = db.new_role(&[]);
    let mut directory = Directory::default();
    directory.user(&role, &[("labCountry", "USA"), ("userPassword", "right")]);
    directory.user("someone", &[("labCountry", "France")]);
    let slapd = Slapd::start(&directory);
    ask_the_directory(&db, &role, slapd.port);
    let url = slapd.url();
    let lab = Lab::of(db, slapd, &url);
    lab.sync();
    (lab, role)
}

/// The first matching line of pg_hba.conf decides.
fn ask_the_directory(db: &Db, role: &str, port: u16) {
    let file = db.line("SHOW hba_file");
    let rules = std::fs::read_to_string(&file).expect("a readable pg_hba.conf");
    let rule = format!(
        r#"host all {role} 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={port} ldapprefix="uid=" ldapsuffix=",ou=people,{BASE}""#
    );
    std::fs::write(&file, format!("{rule}\n{rules}")).expect("a writable pg_hba.conf");
    db.run("SELECT pg_reload_conf()");
    let name = role.to_owned();
    wait_until("PostgreSQL asks the directory", || db.try_login(&name, "wrong").is_none());
}

fn login(lab: &Lab, role: &str) -> Session {
    lab.db.try_login(role, "right").expect("the directory's password opens")
}

#[test]
fn a_directory_login_sees_itself_and_its_own_rows() {
    let (lab, role) = lab_with_login();
    lab.db.run(
        "CREATE TABLE sales AS SELECT * FROM (VALUES ('USA', 1), ('France', 2)) s(country, amount);
         ALTER TABLE sales ENABLE ROW LEVEL SECURITY; GRANT SELECT ON sales TO PUBLIC;
         CREATE POLICY by_country ON sales USING (roster.has_attribute('country', country))",
    );
    let person = login(&lab, &role);
    assert_eq!(
        person.lines("SELECT amount FROM sales"),
        [""; 0],
        "a role is nobody of another identity manager unless a rule says so"
    );
    lab.db.run("SELECT roster.set_platform_rule('postgres', fallback_iams => ARRAY['corp'])");
    assert_eq!(person.line("SELECT roster.iam(), roster.username()"), format!("corp|{role}"));
    assert_eq!(
        person.lines("SELECT name, value FROM roster.my_attributes WHERE name = 'country'"),
        ["country|USA"]
    );
    assert_eq!(person.lines("SELECT amount FROM sales"), ["1"]);
}

#[test]
fn who_leaves_the_directory_has_nothing_left_even_in_an_open_session() {
    let (lab, role) = lab_with_login();
    lab.db.run(
        "SELECT roster.set_platform_rule('postgres', fallback_iams => ARRAY['corp']);
         SELECT roster.disable_user('someone', iam => 'corp')",
    );
    let person = login(&lab, &role);
    assert_eq!(person.line("SELECT roster.has_attribute('country', 'USA')"), "t");
    lab.db.run(&format!("SELECT roster.disable_user('{role}', iam => 'corp')"));
    assert_eq!(person.line("SELECT roster.has_attribute('country', 'USA') IS NULL"), "t");
    assert_eq!(person.lines("SELECT * FROM roster.my_attributes"), [""; 0]);
}
