use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};

use crate::binaries::{pg_binary, run, signal, target};
use crate::watchdog;

/// Durability costs time and a test cluster has nothing to lose.
const SETTINGS: &str = "
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
max_prepared_transactions = 10
listen_addresses = '127.0.0.1'
client_min_messages = warning
timezone = 'UTC'
";

pub(crate) const TEMPLATE: &str = "roster_template";

/// A private PostgreSQL, gone when the tests are over.
#[derive(Debug)]
pub struct Cluster {
    pub port: u16,
    pub log: PathBuf,
    data: PathBuf,
}

impl Cluster {
    /// The cluster that the tests of this process share; every test has its own database in it.
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Cluster::start)
    }

    /// A cluster of one's own, for a test that measures what is counted per cluster (WAL).
    pub fn start() -> Cluster {
        Cluster::start_with("")
    }

    /// One that keeps what it has confirmed when its processes die, for tests that crash it.
    pub fn durable() -> &'static Cluster {
        Box::leak(Box::new(Cluster::start_with("synchronous_commit = on\nfull_page_writes = on\n")))
    }

    /// The same, and what it has confirmed is on the disk: as slow as in production.
    pub fn on_disk() -> &'static Cluster {
        let settings = "synchronous_commit = on\nfull_page_writes = on\nfsync = on\n";
        Box::leak(Box::new(Cluster::start_with(settings)))
    }

    /// The same with more lines in postgresql.conf.
    pub fn start_with(settings: &str) -> Cluster {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("pg-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let home = reachable_directory(&name);
        let data = home.join("data");
        run(as_postgres(&pg_binary("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
            .arg(&data));
        let conf = data.join("postgresql.conf");
        let defaults = fs::read_to_string(&conf).expect("initdb wrote postgresql.conf");
        let sockets = format!("unix_socket_directories = '{}'\n", home.display());
        fs::write(&conf, defaults + SETTINGS + &sockets + settings).expect("postgresql.conf is ours");
        let cluster = Cluster { port: start_server(&home, &data), log: home.join("log"), data };
        cluster.make_template();
        cluster
    }

    /// Ends it as an administrator would, sessions and all.
    pub fn stop(&self) {
        self.stop_by("fast");
    }

    /// Ends it as a power failure would, without a checkpoint: unlogged tables are empty afterwards.
    pub fn crash(&self) {
        self.stop_by("immediate");
    }

    fn stop_by(&self, mode: &str) {
        run(as_postgres(&pg_binary("pg_ctl"))
            .args(["-w", "-s", "-m", mode, "-D"])
            .arg(&self.data)
            .arg("stop"));
    }

    /// All its processes stand still, connections open: a machine that hangs.
    pub fn freeze(&self) {
        for pid in self.processes() {
            let _ = signal(pid, "-STOP").stderr(Stdio::null()).status();
        }
    }

    pub fn thaw(&self) {
        for pid in self.processes() {
            let _ = signal(pid, "-CONT").stderr(Stdio::null()).status();
        }
    }

    /// The postmaster and its children, in this order.
    fn processes(&self) -> Vec<u32> {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).expect("the server runs");
        let first: u32 = file.lines().next().and_then(|line| line.trim().parse().ok()).expect("a pid");
        let mut all = vec![first];
        for entry in fs::read_dir("/proc").expect("/proc is there").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
            if parent.and_then(|parent| parent.trim().parse::<u32>().ok()) == Some(first) {
                all.push(pid);
            }
        }
        all
    }

    /// The same server again, on the same port.
    pub fn start_again(&self) {
        let started = launch(&self.log, &self.data, self.port);
        assert!(
            started,
            "PostgreSQL does not start again:\n{}",
            fs::read_to_string(&self.log).unwrap_or_default()
        );
    }

    pub(crate) fn connect(&self, database: &str, role: &str) -> Client {
        let config = format!("host=127.0.0.1 port={} user={role} dbname={database}", self.port);
        Client::connect(&config, NoTls).unwrap_or_else(|e| panic!("cannot connect with {config}: {e}"))
    }

    pub(crate) fn url(&self, database: &str, role: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    fn make_template(&self) {
        let mut postgres = self.connect("postgres", "postgres");
        postgres.batch_execute("CREATE DATABASE roster_template TEMPLATE template0").expect("a new database");
        self.connect(TEMPLATE, "postgres").batch_execute("CREATE EXTENSION pg_roster").unwrap_or_else(|e| {
            panic!("CREATE EXTENSION pg_roster: {e:?} (is it installed? `make install`)")
        });
        postgres
            .batch_execute("ALTER DATABASE roster_template ALLOW_CONNECTIONS false")
            .expect("the template is closed");
    }
}

fn start_server(home: &Path, data: &Path) -> u16 {
    let stop = format!("{:?} -D '{}' -m immediate stop", as_postgres(&pg_binary("pg_ctl")), data.display());
    watchdog::finally(&format!("{stop}; rm -rf '{}'", home.display()));
    // Somebody may take a free port before the server does: then try another.
    for attempt in 0.. {
        let port = free_port();
        if launch(&home.join("log"), data, port) {
            return port;
        }
        let log = fs::read_to_string(home.join("log")).unwrap_or_default();
        assert!(attempt < 3, "PostgreSQL does not start:\n{log}");
    }
    unreachable!("the loop above returns or panics")
}

fn launch(log: &Path, data: &Path, port: u16) -> bool {
    as_postgres(&pg_binary("pg_ctl"))
        .args(["-w", "-s", "-l"])
        .arg(log)
        .arg("-D")
        .arg(data)
        .args(["-o", &format!("-p {port}"), "start"])
        // A daemon that inherits the pipes of its parent keeps a reader waiting for ever.
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("pg_ctl runs")
        .success()
}

/// PostgreSQL refuses to run as root: then it runs as `postgres`.
fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

pub(crate) fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| run(Command::new("id").arg("-u")).trim() == "0")
}

/// A directory that belongs to the server's user: under `target/`, or where that user cannot go
/// (a clone in /root), in the system's temporary directory.
pub(crate) fn reachable_directory(name: &str) -> PathBuf {
    for parent in [target().join("tests"), std::env::temp_dir()] {
        let home = parent.join(format!("roster-{name}"));
        fs::create_dir_all(&home).expect("a directory for the cluster");
        if !is_root() {
            return home;
        }
        run(Command::new("chown").arg("postgres").arg(&home));
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).expect("it is ours");
        if as_postgres(Path::new("test")).arg("-x").arg(&home).status().is_ok_and(|s| s.success()) {
            return home;
        }
        fs::remove_dir(&home).expect("it is empty");
    }
    panic!("the user postgres can reach neither target/tests nor the temporary directory");
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
