//! Tables of the roster's own database, read by a run of the daemon with the rights of its role.

use roster_tests::wait_until;

use super::{LONG, Lab, long};

fn lab() -> Lab {
    let lab = Lab::with("", long());
    lab.db.run(&format!("CREATE SCHEMA hr; {LONG}"));
    let mut keys = long();
    keys["connection"] = serde_json::Value::Null;
    lab.configure(keys);
    lab
}

#[test]
fn the_daemon_needs_rights_of_its_own() {
    let lab = lab();
    let message = lab.sync_fails();
    assert!(message.contains("permission denied"), "{message}");
    lab.db.run(&format!("GRANT USAGE ON SCHEMA hr TO {0}; GRANT SELECT ON hr.facts TO {0}", lab.daemon.role));
    lab.sync();
    assert_eq!(lab.attributes(), ["sam|country|France", "sam|country|USA", "sara|role|admin"]);
    lab.db.run("DELETE FROM hr.facts WHERE value = 'France'");
    lab.sync();
    assert_eq!(lab.attributes().len(), 2);
}

#[test]
fn a_running_daemon_picks_it_up() {
    let lab = lab();
    lab.db.run(&format!("GRANT USAGE ON SCHEMA hr TO {0}; GRANT SELECT ON hr.facts TO {0}", lab.daemon.role));
    let _running = lab.daemon.spawn(&["run"]);
    lab.db.run("SELECT roster.sync_now('hr')");
    wait_until("the facts are there", || lab.attributes().len() == 3);
    wait_until("it is over", || lab.last_run("state") == "succeeded");
}

#[test]
fn a_table_that_does_not_fit_fails_the_run() {
    let lab = lab();
    lab.db.run(&format!("GRANT USAGE ON SCHEMA hr TO {0}; GRANT SELECT ON hr.facts TO {0}", lab.daemon.role));
    lab.sync();
    lab.db.run("ALTER TABLE hr.facts RENAME COLUMN value TO val");
    let message = lab.sync_fails();
    assert!(message.contains("column \"value\" (config key value_column) does not exist"), "{message}");
    assert_eq!(lab.attributes().len(), 3);
}
