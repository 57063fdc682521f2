//! What happens around the product goes wrong: nothing is lost, nothing is half there, health tells, and when
//! the world is in order again so are the data, without anybody's help.

mod conflicts;
mod limits;
mod outages;
mod phases;
mod requests;

use roster_tests::{
    Cluster, Daemon, Db, Directory, Proxy, Served, Session, Slapd, group_dn, user_dn, wait_until,
};
use serde_json::{Value, json};

use crate::ldap::{config, daemon_of};
use crate::model::Model;

const SOURCE: &str = "corp-ldap";

/// A directory, a daemon that keeps it synchronised, and a PostgreSQL of their own that may be ended at any moment.
#[derive(Debug)]
pub struct Lab {
    pub cluster: &'static Cluster,
    pub db: Db,
    pub slapd: Slapd,
    pub proxy: Proxy,
    pub daemon: Daemon,
    pub served: Served,
}

impl Lab {
    /// Everything is synchronised once; the schedule fires when a test says so.
    pub fn new() -> Lab {
        let slapd = Slapd::start(&Directory::generated(120, 12));
        let proxy = Proxy::before(slapd.port);
        let cluster = Cluster::durable();
        let db = Db::fresh_in(cluster);
        new_source(&db, &proxy.url());
        let daemon = daemon_of(&db);
        let served = daemon.serve(&[]);
        let lab = Lab { cluster, db, slapd, proxy, daemon, served };
        lab.due();
        lab.waits_for_success();
        lab
    }

    /// Sessions end with the server: each question has one of its own.
    pub fn ask(&self, sql: &str) -> String {
        self.db.session().line(sql)
    }

    pub fn hash(&self) -> String {
        hash(&self.db.session())
    }

    /// What a second database holds after one full synchronisation.
    pub fn expected(&self) -> String {
        let db = Db::fresh();
        new_source(&db, &self.slapd.url());
        daemon_of(&db).sync(SOURCE);
        hash(&db)
    }

    /// Users, values, memberships, nestings and attributes of groups change; somebody comes, somebody leaves.
    pub fn change(&self, round: usize) {
        let mut ldif = String::new();
        for i in 0..10 {
            let dn = user_dn(&format!("u{:04}", (round * 10 + i) % 60));
            ldif += &format!("dn: {dn}\nchangetype: modify\nreplace: labCountry\nlabCountry: {round}\n-\n\n");
        }
        let (group, child) = (
            group_dn(&format!("g{:02}", round % 6)),
            group_dn(&format!("g{:02}", 6 + (round + round / 6) % 6)),
        );
        let newcomer = user_dn(&format!("n{round:04}"));
        for (attribute, value) in [
            ("labTerritories", format!("territory {round}")),
            ("member", child),
            ("member", newcomer.clone()),
        ] {
            ldif +=
                &format!("dn: {group}\nchangetype: modify\nadd: {attribute}\n{attribute}: {value}\n-\n\n");
        }
        self.slapd.add(|more| more.user(&format!("n{round:04}"), &[("labRole", "new")]));
        self.slapd.modify(&ldif);
        self.slapd.delete(&user_dn(&format!("u{:04}", 60 + round)));
    }

    /// The schedule of the source fires now: nobody waits for the next year.
    pub fn due(&self) {
        self.db.session().run(
            "UPDATE roster_private.source SET next_run_at = clock_timestamp() WHERE source = 'corp-ldap';
             NOTIFY roster_sync",
        );
    }

    pub fn newest_run(&self) -> i64 {
        self.db.session().number("SELECT coalesce(max(run_id), 0) FROM roster.sync_runs")
    }

    /// The state of the run that began after that one, if there is one.
    pub fn run_after(&self, run: i64) -> Option<(i64, String)> {
        let runs = self.db.session().lines(&format!(
            "SELECT run_id, state FROM roster.sync_runs WHERE run_id > {run} AND state <> 'queued' ORDER BY run_id LIMIT 1"
        ));
        let (id, state) = runs.first()?.split_once('|').expect("two columns");
        Some((id.parse().expect("a number"), state.to_owned()))
    }

    #[track_caller]
    pub fn waits_for_success(&self) {
        wait_until("the source is fine", || self.health() == "ok");
    }

    pub fn health(&self) -> String {
        self.ask("SELECT health FROM roster.sources WHERE source = 'corp-ldap'")
    }

    /// Nothing of what went wrong is left, and the data are those of a first synchronisation.
    #[track_caller]
    pub fn assert_recovered(&self, what: &str) {
        let session = self.db.session();
        wait_until("no run is left over", || {
            session.number("SELECT count(*) FROM roster.sync_runs WHERE state IN ('running', 'queued')") == 0
        });
        assert_eq!(hash(&session), self.expected(), "{what}: other data than a full synchronisation brings");
        Model::stated_in(&session).assert_derived_in(&session);
        assert_eq!(self.health(), "ok", "{what}");
        assert_eq!(self.get("/readyz").0, 200, "{what}");
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        get(self.served.port, path)
    }

    /// Load balancers are told, within a time in which they ask again.
    #[track_caller]
    pub fn waits_for_readiness(&self, status: u16) {
        wait_until(&format!("/readyz says {status}"), || self.get("/readyz").0 == status);
        assert_eq!(self.get("/healthz").0, 200, "the process lives, whatever becomes of the database");
    }

    /// Waits until complete_run of the daemon stands still: at a lock, or for a standby at its commit.
    #[track_caller]
    pub fn waits_for_standstill(&self, at: &str) {
        let session = self.db.session();
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity
             WHERE usename = '{}' AND query LIKE '%complete_run%' AND state = 'active'
               AND (wait_event_type = '{at}' OR wait_event = '{at}')",
            self.daemon.role
        );
        wait_until(&format!("the run waits for {at}"), || session.number(&sql) > 0);
    }
}

pub fn new_source(db: &Session, url: &str) {
    db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
    let mut config = config(url);
    config["page_size"] = json!(100);
    db.call(
        "SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', schedule => '0 4 1 1 *', config => $1)",
        &[&config],
    );
}

pub fn hash(session: &Session) -> String {
    session.line("SELECT roster.snapshot_hash('corp')")
}

/// Status and body of what a load balancer asks; 0 when there is no answer within five seconds.
pub fn get(port: u16, path: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(std::time::Duration::from_secs(5)))
        .build()
        .into();
    match agent.get(format!("http://127.0.0.1:{port}{path}")).call() {
        Ok(mut answer) => {
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
        }
        Err(_) => (0, Value::Null),
    }
}
