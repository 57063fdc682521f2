use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::error::DbError;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Error, NoTls, SimpleQueryMessage};

use crate::cluster::{Cluster, TEMPLATE};
use crate::daemon::Daemon;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A test's own database with the extension, and a superuser's session in it.
#[derive(Debug)]
pub struct Db {
    pub name: String,
    pub cluster: &'static Cluster,
    session: Session,
}

impl Db {
    /// A fresh copy of the template.
    pub fn fresh() -> Db {
        Db::create(Cluster::shared(), TEMPLATE)
    }

    pub fn fresh_in(cluster: &'static Cluster) -> Db {
        Db::create(cluster, TEMPLATE)
    }

    /// A database without the extension, to restore into.
    pub fn empty() -> Db {
        Db::create(Cluster::shared(), "template0")
    }

    fn create(cluster: &'static Cluster, template: &str) -> Db {
        let name = format!("t_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut postgres = cluster.connect("postgres", "postgres");
        postgres
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .unwrap_or_else(|e| panic!("cannot create {name}: {e:?}"));
        let session = Session::new(cluster.connect(&name, "postgres"));
        Db { name, cluster, session }
    }

    /// After the server was away.
    pub fn reconnect(&mut self) {
        self.session = self.session();
    }

    /// One more superuser's session.
    pub fn session(&self) -> Session {
        Session::new(self.cluster.connect(&self.name, "postgres"))
    }

    /// A superuser's session in another database of the cluster.
    pub fn session_in(&self, database: &str) -> Session {
        Session::new(self.cluster.connect(database, "postgres"))
    }

    /// A session of a new login role that has the given roles (none: an ordinary person).
    pub fn login(&self, roles: &[&str]) -> Session {
        Session::new(self.cluster.connect(&self.name, &self.new_role(roles)))
    }

    /// A session with a password, if the server lets it in.
    pub fn try_login(&self, role: &str, password: &str) -> Option<Session> {
        let url = self.url(role).replace(&format!("{role}@"), &format!("{role}:{password}@"));
        Session::try_connect(&url)
    }

    /// A new login role; roles are shared by all databases of the cluster, so its name is unique.
    pub fn new_role(&self, roles: &[&str]) -> String {
        let role = format!("p_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.run(&format!("CREATE ROLE {role} LOGIN"));
        for granted in roles {
            self.run(&format!("GRANT {granted} TO {role}"));
        }
        role
    }

    /// Listens on a channel: each call answers how many notifications came since the last one.
    pub fn listener(&self, channel: &str) -> impl FnMut() -> usize + use<> {
        let mut client = self.cluster.connect(&self.name, "postgres");
        client.batch_execute(&format!("LISTEN {channel}")).expect("a channel");
        move || {
            // What was sent before comes with the answer.
            client.batch_execute("SELECT").expect("the session is alive");
            let mut told = client.notifications();
            let mut waiting = told.iter();
            std::iter::from_fn(|| waiting.next().expect("the session is alive")).count()
        }
    }

    pub fn url(&self, role: &str) -> String {
        self.cluster.url(&self.name, role)
    }

    /// The daemon, with the rights of `roster_syncd` and no more.
    pub fn daemon(&self) -> Daemon {
        let role = self.new_role(&["roster_syncd"]);
        Daemon::new(self.url(&role), role)
    }
}

impl Deref for Db {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

/// A connection. Rows come back as text, `|` between the columns, as a person would read them in psql -At.
pub struct Session {
    client: RefCell<Client>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    fn new(client: Client) -> Session {
        Session { client: RefCell::new(client) }
    }

    /// A session by URL.
    #[track_caller]
    pub fn connect(url: &str) -> Session {
        Session::try_connect(url).unwrap_or_else(|| panic!("cannot connect with {url}"))
    }

    /// A session by URL, if the server lets it in.
    pub fn try_connect(config: &str) -> Option<Session> {
        Client::connect(config, NoTls).ok().map(Session::new)
    }

    /// Runs any number of statements.
    #[track_caller]
    pub fn run(&self, sql: &str) {
        if let Err(e) = self.client.borrow_mut().batch_execute(sql) {
            panic!("{sql}\n{}", told(&e));
        }
    }

    /// The rows of all statements, as text.
    #[track_caller]
    pub fn lines(&self, sql: &str) -> Vec<String> {
        self.try_lines(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"))
    }

    /// The rows, or the error as told to the user.
    pub fn try_lines(&self, sql: &str) -> Result<Vec<String>, String> {
        let messages = self.client.borrow_mut().simple_query(sql).map_err(|e| told(&e))?;
        Ok(messages.iter().filter_map(line).collect())
    }

    /// The only row.
    #[track_caller]
    pub fn line(&self, sql: &str) -> String {
        let mut lines = self.lines(sql);
        assert_eq!(lines.len(), 1, "one row expected of: {sql}\n{lines:?}");
        lines.remove(0)
    }

    /// The only value, a number.
    #[track_caller]
    pub fn number(&self, sql: &str) -> i64 {
        let line = self.line(sql);
        line.parse().unwrap_or_else(|_| panic!("a number expected of: {sql}\n{line}"))
    }

    /// A statement with parameters; the number of rows.
    #[track_caller]
    pub fn call(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> u64 {
        self.client.borrow_mut().execute(sql, arguments).unwrap_or_else(|e| panic!("{sql}\n{}", told(&e)))
    }

    /// The error that a statement must end with: message, detail, hint and SQLSTATE.
    #[track_caller]
    pub fn error(&self, sql: &str) -> String {
        match self.try_lines(sql) {
            Ok(lines) => panic!("an error expected of: {sql}\ngot {lines:?}"),
            Err(told) => told,
        }
    }
}

fn line(message: &SimpleQueryMessage) -> Option<String> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    let values: Vec<_> = (0..row.len()).map(|i| row.get(i).unwrap_or_default()).collect();
    Some(values.join("|"))
}

fn told(error: &Error) -> String {
    let Some(db) = error.as_db_error() else { return format!("{error:?}") };
    let told =
        |part: fn(&DbError) -> Option<&str>| part(db).map(|text| format!("\n{text}")).unwrap_or_default();
    format!("{}{}{} [{}]", db.message(), told(DbError::detail), told(DbError::hint), db.code().code())
}
