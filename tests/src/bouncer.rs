use std::fs;
use std::process::{Child, Command, Stdio};

use crate::cluster::{free_port, is_root, reachable_directory};
use crate::database::{Db, Session};
use crate::wait::wait_until;
use crate::watchdog;

/// A pgbouncer in transaction mode with a single connection to one database, as one role.
#[derive(Debug)]
pub struct Bouncer {
    port: u16,
    database: String,
    role: String,
    child: Child,
}

impl Bouncer {
    pub fn start(db: &Db, role: &str) -> Bouncer {
        let home = reachable_directory(&format!("bouncer-{}-{}", std::process::id(), db.name));
        watchdog::finally(&format!("rm -rf '{}'", home.display()));
        let (port, users, ini) = (free_port(), home.join("users.txt"), home.join("pgbouncer.ini"));
        fs::write(&users, format!("\"{role}\" \"\"\n")).expect("a file of ours");
        let server = format!("host=127.0.0.1 port={} dbname={}", db.cluster.port, db.name);
        let text = format!(
            "[databases]\n{} = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = trust\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 1\n",
            db.name,
            users.display()
        );
        fs::write(&ini, text).expect("a file of ours");
        let mut command = Command::new("pgbouncer");
        command.env("PATH", "/usr/sbin:/usr/bin:/bin").arg("-q");
        // It refuses to run as root.
        if is_root() {
            command.args(["-u", "postgres"]);
        }
        let log = fs::File::create(home.join("log")).expect("a log file");
        let child = command.arg(&ini).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = child.expect("pgbouncer is installed (package pgbouncer)");
        watchdog::remember(child.id());
        let bouncer = Bouncer { port, database: db.name.clone(), role: role.to_owned(), child };
        wait_until("pgbouncer answers", || Session::try_connect(&bouncer.address()).is_some());
        bouncer
    }

    pub fn session(&self) -> Session {
        Session::try_connect(&self.address()).expect("pgbouncer answers")
    }

    fn address(&self) -> String {
        format!("host=127.0.0.1 port={} user={} dbname={}", self.port, self.role, self.database)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::forget(self.child.id());
    }
}
