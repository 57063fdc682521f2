//! What a service manager is told, and whether it understands the unit.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use roster_tests::{Db, PATIENCE, repository};

use super::scratch;

/// What systemd is for a service: a socket that hears what is said.
struct Manager {
    path: PathBuf,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Manager {
        let path = scratch("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time");
        Manager { path, socket }
    }

    /// Waits for a message with that line; what was said on the way.
    #[track_caller]
    fn hears(&self, line: &str) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let count =
                self.socket.recv(&mut buffer).unwrap_or_else(|e| panic!("{line} in vain: {e}; {heard:?}"));
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            heard.push(text.clone());
            if text.lines().any(|said| said == line) {
                return heard;
            }
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[test]
fn the_service_manager_hears_when_it_is_ready_and_when_it_stops() {
    let (db, manager) = (Db::fresh(), Manager::new());
    let daemon = db.daemon().with("NOTIFY_SOCKET", manager.path.to_str().expect("UTF-8"));
    let mut served = daemon.serve(&[]);
    let heard = manager.hears("READY=1");
    assert!(!heard.concat().contains("STOPPING"), "{heard:?}");
    assert_eq!(super::get(served.port, "/healthz").0, 200, "it is ready when it says so");
    served.running.terminate();
    manager.hears("STOPPING=1");
    assert!(served.running.ends_within(Duration::from_secs(5)), "{}", served.running.said());
}

#[test]
fn a_database_that_is_away_is_no_reason_to_be_started_again() {
    let (db, manager) = (Db::fresh(), Manager::new());
    let daemon = db
        .daemon()
        .with("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
        .with("NOTIFY_SOCKET", manager.path.to_str().expect("UTF-8"));
    let served = daemon.serve(&[]);
    manager.hears("READY=1");
    assert_eq!(super::get(served.port, "/healthz").0, 200);
    assert_eq!(super::get(served.port, "/readyz").0, 503);
}

#[test]
fn systemd_understands_the_unit() {
    let unit = fs::read_to_string(repository().join("packaging/syncd.service")).expect("the unit");
    for setting in [
        "Type=notify",
        "Restart=on-failure",
        "NoNewPrivileges=true",
        "ProtectSystem=strict",
        "LoadCredential=",
        "EnvironmentFile=",
        "WatchdogSec=",
    ] {
        assert!(unit.contains(setting), "{setting}");
    }
    // What is not on this machine is not what is tested.
    let home = scratch("unit");
    fs::create_dir_all(&home).expect("a folder");
    let file = home.join("syncd.service");
    fs::write(&file, unit.replace("/usr/local/bin/syncd", "/bin/true")).expect("a file");
    let verified = Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&file).output();
    let _ = fs::remove_dir_all(&home);
    let Ok(verified) = verified else {
        eprintln!("systemd-analyze is not installed: only the settings were looked at");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("syncd.service")).collect();
    assert_eq!(ours, [""; 0], "{said}");
}
