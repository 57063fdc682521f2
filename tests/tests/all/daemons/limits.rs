//! How many runs a daemon has at once.

use roster_tests::{Directory, wait_until};

use crate::ldap::Lab;

fn lab_with_three_sources() -> (Lab, roster_tests::Proxy) {
    let (lab, proxy) = Lab::behind_proxy(&Directory::reference());
    for name in ["second", "third"] {
        lab.db.run(&format!("SELECT roster.create_identity_manager('{name}', kind => 'ldap')"));
        let config = crate::ldap::config(&proxy.url());
        lab.db.call(
            &format!("SELECT roster.create_source('{name}', iam => '{name}', kind => 'ldap', config => $1)"),
            &[&config],
        );
    }
    (lab, proxy)
}

#[test]
fn no_more_runs_at_once_than_allowed_and_all_in_the_end() {
    for limit in [1, 2] {
        let (lab, proxy) = lab_with_three_sources();
        let states = |state: &str| {
            lab.db.number(&format!("SELECT count(*) FROM roster.sync_runs WHERE state = '{state}'"))
        };
        lab.db.run("SELECT roster.sync_now(source) FROM roster.sources WHERE kind = 'ldap'");
        // The first run that comes by waits for the test.
        let hold = proxy.hold(|search| search.base.starts_with("ou=groups"));
        let _daemon = lab.daemon.spawn(&["run", "--parallel-runs", &limit.to_string()]);
        hold.reached();
        if limit == 1 {
            assert_eq!((states("running"), states("queued")), (1, 2));
        } else {
            wait_until("the second place was used twice", || states("succeeded") == 2);
            assert_eq!(states("running"), 1);
        }
        hold.release();
        wait_until("all are done", || states("succeeded") == 3);
        let most = lab.db.number(
            "SELECT max((SELECT count(*) FROM roster.sync_runs b
                         WHERE b.started_at <= a.started_at AND b.finished_at > a.started_at)) FROM roster.sync_runs a",
        );
        assert!(most <= limit, "{most} runs at once");
    }
}

#[test]
fn a_limit_of_nothing_is_refused() {
    let db = roster_tests::Db::fresh();
    let done = db.daemon().run(&["run", "--parallel-runs", "0"]);
    assert_eq!(done.code, Some(2), "{done:?}");
}
