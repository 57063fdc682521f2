//! A real pgbouncer in transaction mode: many people over one connection.

use roster_tests::{Bouncer, Db};

use super::{answers, may_see, person, person_with, sales};

#[test]
fn nobody_leaks_through_a_pool_of_one_connection() {
    let db = Db::fresh();
    let (pool, anna, bert) = (person_with(&db, &["roster_impersonator"]), person(&db), person(&db));
    sales(&db);
    may_see(&db, &anna, &["t1"]);
    may_see(&db, &bert, &["t2", "t3"]);
    db.run(
        "ALTER TABLE sales ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON sales USING (roster.has_attribute('territory', territory))",
    );
    let bouncer = Bouncer::start(&db, &pool.name);
    let (one, two) = (bouncer.session(), bouncer.session());
    assert_eq!(
        one.line("SELECT pg_backend_pid()"),
        two.line("SELECT pg_backend_pid()"),
        "both have the one connection"
    );
    let count = "SELECT count(*) FROM sales";
    for end in ["COMMIT", "ROLLBACK", "SELECT 1 / 0"] {
        one.run(&format!("BEGIN; SELECT roster.assume_user('{}')", anna.name));
        assert_eq!(one.number(count), 10);
        let _ = one.try_lines(end);
        let _ = one.try_lines("ROLLBACK");
        assert_eq!(two.number(count), 0, "after {end}");
        assert_eq!(answers(&two, "roster.username()"), pool.name, "after {end}");
        two.run(&format!("BEGIN; SELECT roster.assume_user('{}')", bert.name));
        assert_eq!(two.number(count), 20);
        two.run("COMMIT");
        assert_eq!(one.number(count), 0);
    }
    // A client that goes away in mid-transaction.
    let lost = bouncer.session();
    lost.run(&format!("BEGIN; SELECT roster.assume_user('{}')", anna.name));
    drop(lost);
    assert_eq!(answers(&one, "roster.username()"), pool.name);
    // One statement, sent without BEGIN.
    one.run(&format!("SELECT roster.assume_user('{}')", anna.name));
    assert_eq!(answers(&one, "roster.username()"), pool.name);
}
