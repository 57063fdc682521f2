use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository")
}

/// Runs a command to its end and returns its standard output; panics with its errors otherwise.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = output(command);
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"))
}

/// A program of the PostgreSQL under test, which `ROSTER_PG_CONFIG` names (default: the one on the PATH).
pub fn pg_binary(name: &str) -> PathBuf {
    static BINDIR: OnceLock<PathBuf> = OnceLock::new();
    BINDIR.get_or_init(bindir).join(name)
}

fn bindir() -> PathBuf {
    let pg_config = std::env::var("ROSTER_PG_CONFIG").unwrap_or_else(|_| "pg_config".into());
    match Command::new(&pg_config).arg("--bindir").output() {
        Ok(out) if out.status.success() => PathBuf::from(String::from_utf8_lossy(&out.stdout).trim()),
        _ => PathBuf::from("/usr/lib/postgresql/15/bin"),
    }
}

pub(crate) fn syncd() -> PathBuf {
    let syncd = match std::env::var_os("SYNCD") {
        Some(path) => PathBuf::from(path),
        None => target().join("release/syncd"),
    };
    assert!(
        syncd.exists(),
        "there is no {}: build it with `cargo build --release -p syncd`",
        syncd.display()
    );
    syncd
}

pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}

/// A signal to a process, by the shell's own `kill`: the program of that name is in a package that a small system lacks.
pub(crate) fn signal(pid: u32, signal: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"kill "$1" "$2""#, "sh", signal, &pid.to_string()]);
    command
}
