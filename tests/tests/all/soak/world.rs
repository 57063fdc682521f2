//! The servers of the soak, and what its writers were told is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use roster_tests::{Cluster, Daemon, Db, Reaction, Receiver, Rng, Served, Session, Slapd, Web, wait_until};
use serde_json::json;

use super::directory::DirectoryModel;
use super::http::Http;
use super::provider::ProviderModel;
use super::services::ServiceModel;
use super::tables::TableModel;
use super::{Signal, USERS, directory, endpoint, username};
use crate::{ldap, push, scim};

pub const PULLED: [&str; 4] = ["corp-ldap", "corp-hr", "corp-badges", "corp-crm"];
/// A receiver that refused is told again after a pause.
const LONGEST: Duration = Duration::from_secs(180);
const KINDS: [&str; 6] = ["user", "group", "membership", "nesting", "user_attribute", "group_attribute"];

#[derive(Debug)]
pub struct World {
    pub cluster: &'static Cluster,
    /// Of the administrator, here and where the badges are.
    pub url: String,
    pub badges_url: String,
    pub slapd: Slapd,
    pub web: Web,
    /// What a webhook of corp is told.
    pub receiver: Receiver,
    pub daemon: Daemon,
    /// Two daemons at ports that stay; None while one is down.
    pub daemons: [Mutex<Option<Served>>; 2],
    pub ports: [u16; 2],
    pub push_key: String,
    pub scim_key: String,
    pub feed_key: String,
}

/// What the writers were told is done.
#[derive(Debug)]
pub struct Stated {
    pub directory: DirectoryModel,
    pub tables: Vec<TableModel>,
    pub remote: TableModel,
    pub endpoint: TableModel,
    pub services: Vec<ServiceModel>,
    pub provider: ProviderModel,
}

/// Values by owner and name.
pub type Values = BTreeMap<(String, String), BTreeSet<String>>;

impl World {
    pub fn new() -> World {
        let cluster = Cluster::on_disk();
        let (db, badges) = (Db::fresh_in(cluster), Db::fresh_in(cluster));
        let slapd = Slapd::start(&directory::first());
        badges.run(BADGES);
        db.run(HR);
        let reader = badges.new_role(&[]);
        badges.run(&format!(
            "GRANT USAGE ON SCHEMA badges TO {reader}; GRANT SELECT ON badges.people TO {reader}"
        ));
        let daemon = daemon_of(&db, &badges.url(&reader));
        let web = Web::start();
        (0..USERS).for_each(|n| web.answer(&username(n), endpoint::nothing()));
        let receiver = moody_receiver();
        db.run(&format!("SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_webhook('audit', 'corp', '{}')", receiver.url()));
        let (push_key, scim_key) = create_sources(&db, &slapd.url(), &web, &daemon.role);
        let feed_key = db.line("SELECT roster.create_api_key('warehouse', 'corp', '{changes}')");
        db.run("SELECT roster.watch_table('corp-hr')");
        let ports = [free_port(), free_port()];
        let daemons = ports.map(|port| Mutex::new(Some(daemon.serve_at(port))));
        let (url, badges_url) = (db.url("postgres"), badges.url("postgres"));
        let world = World {
            cluster,
            url,
            badges_url,
            slapd,
            web,
            receiver,
            daemon,
            daemons,
            ports,
            push_key,
            scim_key,
            feed_key,
        };
        // Facts about users are for users who are there.
        world.synchronise("corp-ldap");
        world
    }

    /// A session, if PostgreSQL is there.
    pub fn try_session(&self) -> Option<Session> {
        Session::try_connect(&self.url)
    }

    #[track_caller]
    pub fn session(&self) -> Session {
        Session::connect(&self.url)
    }

    pub fn push(&self) -> Http {
        Http::new(self.ports, &self.push_key)
    }

    pub fn scim(&self) -> Http {
        Http::new(self.ports, &self.scim_key)
    }

    pub fn feed(&self) -> Http {
        Http::new(self.ports, &self.feed_key)
    }

    /// Somebody asks for runs now and then, and cancels one.
    pub fn operate(&self, mut rng: Rng, signal: &Signal) {
        while !signal.is_over() {
            signal.pause(&mut rng, 8000);
            let source = rng.pick(&PULLED);
            let Some(session) = self.try_session() else { continue };
            // It may be busy, or the server gone before it answers: then somebody asks again later.
            let _ = session.try_lines(&format!("SELECT roster.sync_now('{source}')"));
            if rng.one_in(5) {
                let _ = session.try_lines(
                    "SELECT roster.cancel_run(run_id) FROM roster.sync_runs WHERE state = 'running' LIMIT 1",
                );
            }
        }
    }

    /// Both daemons work again, and so does PostgreSQL.
    pub fn quiet(&mut self) {
        for (daemon, port) in self.daemons.iter().zip(self.ports) {
            let mut daemon = daemon.lock().expect("no panic while held");
            if daemon.is_none() {
                *daemon = Some(self.daemon.serve_at(port));
            }
        }
        wait_until("PostgreSQL is back", || self.try_session().is_some());
        for port in self.ports {
            wait_until("a daemon is ready", || crate::faults::get(port, "/readyz").0 == 200);
        }
    }

    /// Nobody states anything new any more: waits until all that was stated has been taken.
    pub fn settle(&self) {
        for source in PULLED {
            self.synchronise(source);
        }
        // What arrived before its user did waits for housekeeping, or for the run that looks at it again.
        let session = self.session();
        wait_until("nobody waits for a user who is there", || {
            session.number(
                "SELECT count(*) FROM roster.dead_letters d WHERE d.state = 'waiting'
                   AND EXISTS (SELECT FROM roster.users u WHERE u.username = d.subject AND u.active)",
            ) == 0
        });
        wait_until("no change of the table waits", || {
            session.number("SELECT count(*) FROM roster_private.watch_queue") == 0
        });
        for source in PULLED {
            self.synchronise(source);
            let health =
                session.line(&format!("SELECT health FROM roster.sources WHERE source = '{source}'"));
            assert_eq!(health, "ok", "{source}");
        }
        let begun = Instant::now();
        while !everything_is_told(&session) {
            assert!(
                begun.elapsed() < LONGEST,
                "the webhook is not told of everything: {:?}",
                session.lines("SELECT * FROM roster.webhooks")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        wait_until("no run is under way", || {
            session.number("SELECT count(*) FROM roster.sync_runs WHERE state IN ('queued', 'running')") == 0
        });
    }

    #[track_caller]
    fn synchronise(&self, source: &str) {
        let session = self.session();
        let run = session.line(&format!("SELECT roster.sync_now('{source}')"));
        wait_until(&format!("{source} is synchronised"), || {
            let run = session.line(&format!(
                "SELECT state, coalesce(message, '') FROM roster.sync_runs WHERE run_id = {run}"
            ));
            assert!(!run.starts_with("blocked") && !run.starts_with("failed"), "{source}: {run}");
            run.starts_with("succeeded")
        });
    }
}

fn everything_is_told(session: &Session) -> bool {
    let last = "SELECT coalesce(max(first_change_id + changes - 1), 0) FROM roster_private.run";
    session.number("SELECT unnumbered_runs FROM roster_private.feed_lag()") == 0
        && session.number(&format!(
            "SELECT count(*) FROM roster.webhooks WHERE position >= ({last}) AND pending = 0"
        )) == 1
}

/// It takes most of what it is told at the first attempt.
fn moody_receiver() -> Receiver {
    let receiver = Receiver::start();
    let count = AtomicUsize::new(0);
    receiver.answer(move |_| match count.fetch_add(1, Ordering::Relaxed) % 53 {
        7 => Reaction::Status(500),
        _ => Reaction::Status(204),
    });
    receiver
}

/// The long table here, watched; the wide one elsewhere, read by the time of its changes.
pub const HR: &str =
    "CREATE SCHEMA hr; CREATE TABLE hr.attributes (username text, attribute text, value text);
    CREATE INDEX ON hr.attributes (username)";
const BADGES: &str =
    "CREATE SCHEMA badges; CREATE TABLE badges.people (login text PRIMARY KEY, badge text, floor text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(), gone boolean NOT NULL DEFAULT false)";

/// Identity managers and sources; the keys of the services and of the provider.
pub fn create_sources(db: &Db, ldap_url: &str, web: &Web, role: &str) -> (String, String) {
    db.run(&format!("GRANT USAGE ON SCHEMA hr TO {role}; GRANT SELECT ON hr.attributes TO {role}"));
    let mut config = ldap::config(ldap_url);
    config["user_filter"] = json!("(&(objectClass=inetOrgPerson)(!(employeeType=gone)))");
    config["page_size"] = json!(50);
    db.call(
        "SELECT roster.create_source('corp-ldap', iam => 'corp', kind => 'ldap', schedule => '* * * * *', config => $1)",
        &[&config],
    );
    let hr = json!({"relation": "hr.attributes", "format": "long", "user_column": "username",
                    "name_column": "attribute", "value_column": "value"});
    db.call("SELECT roster.create_source('corp-hr', iam => 'corp', kind => 'table', schedule => '* * * * *', config => $1)", &[&hr]);
    let badges = json!({"connection": {"env": "BADGES_URL"}, "relation": "badges.people", "format": "wide", "user_column": "login",
                        "updated_at_column": "changed_at", "deleted_column": "gone", "prefix": "badges"});
    db.call("SELECT roster.create_source('corp-badges', iam => 'corp', kind => 'table', schedule => '* * * * *', config => $1)", &[&badges]);
    let crm = json!({"url": web.url("/facts"), "prefix": "crm", "timeout_seconds": 2});
    db.call(
        "SELECT roster.create_source('corp-crm', iam => 'corp', kind => 'endpoint', schedule => '* * * * *', config => $1)",
        &[&crm],
    );
    let push_key = push::new_source(db, "corp", "corp-apps", push::LABEL, &json!({}));
    let scim_key = scim::new_source(
        db,
        scim::IAM,
        scim::SOURCE,
        scim::LABEL,
        &json!({"attribute_mapping": {"scimuser": scim::ENTERPRISE}}),
    );
    for source in PULLED {
        for kind in KINDS {
            db.run(&format!("SELECT roster.set_guard('{source}', '{kind}', 1000000, 100)"));
        }
        db.run(&format!("SELECT roster.alter_source('{source}', retry_after => '1 second')"));
    }
    (push_key, scim_key)
}

/// With all that the configurations refer to.
pub fn daemon_of(db: &Db, badges_url: &str) -> Daemon {
    ldap::daemon_of(db).with("BADGES_URL", badges_url)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: usize = self.tables.iter().map(|table| table.done).sum();
        let events: usize = self.services.iter().map(|service| service.done).sum();
        let sent: usize = self.services.iter().map(|service| service.sent).sum();
        write!(
            f,
            "acknowledged: {} changes of the directory, {tables} of the watched table, {} of the table elsewhere, \
             {} of the endpoint, {events} events ({sent} requests), {} SCIM requests ({} sent)",
            self.directory.done, self.remote.done, self.endpoint.done, self.provider.done, self.provider.sent
        )
    }
}
