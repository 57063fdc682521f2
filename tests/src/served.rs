use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::binaries::target;
use crate::daemon::{Daemon, Running};
use crate::wait::wait_until;
use crate::watchdog;

/// A `syncd run` that answers HTTP on a port of its own; killed on drop.
#[derive(Debug)]
pub struct Served {
    pub port: u16,
    pub running: Running,
}

impl Daemon {
    /// Starts it, and returns when it listens.
    #[track_caller]
    pub fn serve(&self, arguments: &[&str]) -> Served {
        self.listen("127.0.0.1:0", arguments)
    }

    /// At a port that clients know already.
    #[track_caller]
    pub fn serve_at(&self, port: u16) -> Served {
        self.listen(&format!("127.0.0.1:{port}"), &[])
    }

    #[track_caller]
    fn listen(&self, address: &str, arguments: &[&str]) -> Served {
        let file = port_file();
        let mut all = vec!["run", "--listen", address, "--port-file"];
        all.push(file.to_str().expect("a path in UTF-8"));
        all.extend(arguments);
        let mut running = self.spawn(&all);
        let mut port = None;
        wait_until("syncd listens", || {
            let ended = running.ends_within(Duration::ZERO);
            assert!(!ended, "syncd ended instead of listening\n{}", running.said());
            port = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
            port.is_some()
        });
        fs::remove_file(&file).expect("the file is ours");
        Served { port: port.expect("it was waited for"), running }
    }
}

impl Served {
    /// The most that the process has kept in memory so far, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it has a size");
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number");
        kilobytes * 1024
    }
}

fn port_file() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let home = target().join("tests");
    fs::create_dir_all(&home).expect("target/ is ours");
    let name = format!("port-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let file = home.join(name);
    watchdog::finally(&format!("rm -f '{}'", file.display()));
    file
}
