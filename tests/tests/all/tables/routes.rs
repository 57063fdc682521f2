//! Other ways into a table source: foreign tables, and schedules of the database itself.

use std::fs;

use roster_tests::{Cluster, Db, wait_until};

use super::{add_source, long_config, stated, sync, with_source};

#[test]
fn a_table_of_another_database_by_postgres_fdw() {
    let (db, far) = (with_source(""), Db::empty());
    far.run("CREATE TABLE people (login text, region text[], at timestamptz); INSERT INTO people VALUES ('ann', '{Ohio,Iowa}', now()), ('bob', NULL, now())");
    db.run(&format!(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{}', dbname '{}');
         CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'postgres'); IMPORT FOREIGN SCHEMA public LIMIT TO (people) FROM SERVER far INTO hr",
        db.cluster.port, far.name
    ));
    add_source(
        &db,
        "far",
        r#"{"relation": "hr.people", "format": "wide", "user_column": "login", "updated_at_column": "at"}"#,
    );
    assert_eq!(sync(&db, "far"), "succeeded|2|0");
    far.run("UPDATE people SET region = '{Utah}', at = clock_timestamp() WHERE login = 'bob'");
    assert_eq!(sync(&db, "far"), "succeeded|1|0");
    assert_eq!(stated(&db, "far"), ["ann|region|Iowa", "ann|region|Ohio", "bob|region|Utah"]);
    assert!(
        db.error("SELECT roster.watch_table('far')")
            .contains("hr.people is a foreign table and cannot be watched")
    );
    // A server that is gone is an error, not an empty table.
    db.run("ALTER SERVER far OPTIONS (SET port '1')");
    db.session().error("SELECT roster.sync_table_now('far')");
    assert_eq!(stated(&db, "far").len(), 3);
}

#[test]
fn a_csv_file_by_file_fdw() {
    let db = with_source("");
    let file = std::env::temp_dir().join(format!("roster-{}-{}.csv", std::process::id(), db.name));
    fs::write(&file, "login,cost_centre,region\nann,7,\"Ohio;Iowa\"\nbob,,Utah\n").expect("a file");
    db.run(&format!(
        "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
         CREATE FOREIGN TABLE hr.export (login text, cost_centre text, region text) SERVER files OPTIONS (filename '{}', format 'csv', header 'true')",
        file.display()
    ));
    add_source(
        &db,
        "export",
        r#"{"relation": "hr.export", "format": "wide", "user_column": "login", "split": ";"}"#,
    );
    assert_eq!(sync(&db, "export"), "succeeded|4|0");
    assert_eq!(
        stated(&db, "export"),
        ["ann|cost_centre|7", "ann|region|Iowa", "ann|region|Ohio", "bob|region|Utah"]
    );
    fs::remove_file(&file).expect("it is there");
    assert!(db.error("SELECT roster.sync_table_now('export')").contains("could not open file"));
    assert_eq!(stated(&db, "export").len(), 4);
}

#[test]
#[ignore = "a minute, and postgresql-15-cron: make test-all"]
fn pg_cron_synchronises_without_a_daemon() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start_with(
        "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'cron_jobs'\n",
    )));
    let db = Db::fresh_in(cluster);
    db.run(&super::LONG.replace("CREATE SCHEMA", "CREATE SCHEMA IF NOT EXISTS"));
    db.run("SELECT roster.create_user('ann'); INSERT INTO hr.attributes VALUES ('ann', 'a', '1')");
    add_source(&db, "hr", &long_config(""));
    db.run("CREATE ROLE scheduler LOGIN; GRANT roster_admin TO scheduler; GRANT USAGE ON SCHEMA hr TO scheduler; GRANT SELECT ON hr.attributes TO scheduler");
    db.run("CREATE DATABASE cron_jobs");
    let jobs = db.session_in("cron_jobs");
    jobs.run(&format!(
        "CREATE EXTENSION pg_cron; SELECT cron.schedule_in_database('hr', '* * * * *', $$SELECT roster.sync_table_now('hr')$$, '{}', 'scheduler')",
        db.name
    ));
    // pg_cron of Debian 12 fires at full minutes.
    let minute = db.line("SELECT date_trunc('minute', clock_timestamp())");
    wait_until("a minute begins", || db.line("SELECT date_trunc('minute', clock_timestamp())") != minute);
    wait_until("pg_cron has synchronised", || !stated(&db, "hr").is_empty());
    assert_eq!(db.line("SELECT DISTINCT state, trigger FROM roster.sync_runs"), "succeeded|manual");
    assert_eq!(
        db.line("SELECT DISTINCT actor FROM roster.changes WHERE kind = 'user_attribute'"),
        "scheduler"
    );
}
