//! What an operator sees and declares: metrics, status, logs, the service manager, configuration as a file.

mod declare;
mod logs;
mod metrics;
mod parser;
mod service;
mod status;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use roster_tests::{Daemon, Db, PATIENCE};

/// `syncd` with the rights of somebody else.
fn syncd_as(db: &Db, roles: &[&str]) -> Daemon {
    let role = db.new_role(roles);
    db.daemon().with("DATABASE_URL", &db.url(&role))
}

/// A name for a file of this test; whoever makes it removes it.
fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let home = std::env::temp_dir();
    home.join(format!("roster-{}-{}-{name}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Status and body of a plain GET.
fn get(port: u16, path: &str) -> (u16, String) {
    let (head, body) = exchange(port, "GET", path);
    (head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), body)
}

/// Head and body of an answer.
fn exchange(port: u16, method: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}
