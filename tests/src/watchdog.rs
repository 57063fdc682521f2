//! Ends what the tests started, however they end.
//!
//! A small shell waits on a pipe that only this process holds. When the process is gone (finished,
//! panicked, killed), the pipe closes and the shell cleans up.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// `+ PID` remembers a process, `- PID` forgets it, `! COMMAND` is run at the end (last one first).
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=' '
while IFS= read -r line; do
  case $line in
    '+ '*) pids="$pids${line#+ } " ;;
    '- '*) pid=${line#- }; pids="${pids%% "$pid" *} ${pids#* "$pid" }" ;;
    '! '*) last="${line#! }; $last" ;;
  esac
done
for pid in $pids; do kill -KILL "$pid"; done
eval "$last"
"#;

/// It outlives this process: nobody waits for it.
fn watchdog() -> &'static Mutex<Child> {
    static WATCHDOG: OnceLock<Mutex<Child>> = OnceLock::new();
    WATCHDOG.get_or_init(|| {
        let child = Command::new("sh")
            .args(["-c", SCRIPT])
            // Its own process group: Ctrl-C on the tests must not end it before them.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        Mutex::new(child)
    })
}

fn tell(verb: &str, what: &str) {
    let mut watchdog = watchdog().lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let pipe = watchdog.stdin.as_mut().expect("stdin is a pipe");
    writeln!(pipe, "{verb} {what}").expect("the watchdog listens");
}

pub(crate) fn remember(pid: u32) {
    tell("+", &pid.to_string());
}

pub(crate) fn forget(pid: u32) {
    tell("-", &pid.to_string());
}

/// Runs a shell command when the tests are over.
pub(crate) fn finally(command: &str) {
    tell("!", command);
}
