//! Random operations on table and users; after every run the facts are what a naive look at both says.

use roster_tests::{Db, Rng};

use crate::dump::assert_same;

use super::{INCREMENTAL, add_source, long_config, rename, stated, sync, sync_anyway, with_source};

const NAMES: [&str; 8] = ["ann", "bob", "cem", "dora", "eve", "Ann", "fay", "gus"];
const ATTRIBUTES: [&str; 4] = ["a", "b", "", "c"];

struct Case {
    more: &'static str,
    watched: bool,
    creates: bool,
}

#[test]
fn full_readings_agree_with_the_naive_recomputation() {
    play(1, 120, &Case { more: "", watched: false, creates: false });
}

#[test]
fn incremental_readings_agree_with_the_naive_recomputation() {
    play(2, 120, &Case { more: INCREMENTAL, watched: false, creates: false });
}

#[test]
fn watched_readings_agree_with_the_naive_recomputation() {
    play(3, 120, &Case { more: "", watched: true, creates: false });
}

#[test]
fn readings_that_create_users_agree_with_the_naive_recomputation() {
    play(4, 120, &Case { more: r#", "create_users": true"#, watched: false, creates: true });
}

#[test]
#[ignore = "long: make test-all"]
fn many_readings_agree_with_the_naive_recomputation() {
    for seed in 10..30 {
        for case in [
            Case { more: "", watched: false, creates: false },
            Case { more: INCREMENTAL, watched: false, creates: false },
            Case { more: "", watched: true, creates: false },
            Case { more: INCREMENTAL, watched: true, creates: false },
            Case { more: r#", "create_users": true"#, watched: false, creates: true },
        ] {
            play(seed, 400, &case);
        }
    }
}

fn play(seed: u64, steps: usize, case: &Case) {
    let (db, mut rng) = (with_source(case.more), Rng::seeded(seed));
    add_source(&db, "full", &long_config(r#", "prefix": "full", "deleted_column": "deleted""#));
    if case.watched {
        db.run("SELECT roster.watch_table('hr')");
    }
    for step in 0..steps {
        for _ in 0..=rng.below(4) {
            change(&db, &mut rng, case);
        }
        // Who is renamed or deleted shows in the facts at the next run.
        sync_anyway(&db, "hr");
        assert_same(&stated(&db, "hr"), &naive(&db));
        if step % 10 == 0 {
            assert_eq!(sync(&db, "hr"), "succeeded|0|0", "seed {seed}, step {step}: nothing changed");
        }
    }
    sync_anyway(&db, "full");
    let full: Vec<_> = stated(&db, "full").iter().map(|it| it.replace("|full.", "|")).collect();
    assert_same(&stated(&db, "hr"), &full);
    let facts = db.line("SELECT count(*) FROM roster_private.user_attribute a LEFT JOIN roster_private.app_user u USING (user_id) WHERE u.user_id IS NULL");
    assert_eq!(facts, "0", "no orphans");
}

fn change(db: &Db, rng: &mut Rng, case: &Case) {
    let (name, other, attribute) = (rng.pick(&NAMES), rng.pick(&NAMES), rng.pick(&ATTRIBUTES));
    let value = ["NULL", "'1'", "'2'", "'3'"][rng.below(4)];
    let somewhere = format!(
        "ctid = ANY (ARRAY(SELECT ctid FROM hr.attributes ORDER BY md5(ctid::text || '{}') LIMIT 2))",
        rng.number()
    );
    let stamp = "updated_at = clock_timestamp()";
    match rng.below(12) {
        0..=3 => db.run(&format!("INSERT INTO hr.attributes VALUES ('{name}', '{attribute}', {value})")),
        4 => db.run(&format!("UPDATE hr.attributes SET value = {value}, {stamp} WHERE {somewhere}")),
        // A row that moves away from a user shows the new one only: tombstones are for that.
        5 if case.more != INCREMENTAL => {
            db.run(&format!("UPDATE hr.attributes SET username = '{name}' WHERE {somewhere}"))
        }
        6 if case.more != INCREMENTAL => db.run(&format!("DELETE FROM hr.attributes WHERE {somewhere}")),
        5 | 6 => db.run(&format!(
            "UPDATE hr.attributes SET deleted = NOT coalesce(deleted, false), {stamp} WHERE {somewhere}"
        )),
        7 => drop(db.try_lines(&format!("SELECT roster.create_user('{name}')"))),
        // A created user comes back at once, which is right and nothing to compare with.
        8 if !case.creates => drop(db.try_lines(&format!("SELECT roster.delete_user('{name}')"))),
        9 if !case.creates && exists(db, name) && !exists(db, other) => rename(db, name, other),
        10 => drop(db.try_lines(&format!("SELECT roster.disable_user('{name}')"))),
        _ => db.run(
            "INSERT INTO hr.attributes VALUES ('nobody', NULL, '1', clock_timestamp() - interval '1 year')",
        ),
    }
}

fn exists(db: &Db, name: &str) -> bool {
    db.line(&format!("SELECT count(*) FROM roster.users WHERE username = '{name}'")) == "1"
}

fn naive(db: &Db) -> Vec<String> {
    db.lines(
        "SELECT DISTINCT u.username, t.attribute, t.value FROM hr.attributes t JOIN roster.users u USING (username)
         WHERE t.attribute <> '' AND t.value IS NOT NULL AND t.deleted IS NOT TRUE",
    )
}
