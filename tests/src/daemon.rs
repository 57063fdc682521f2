use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::binaries::{run, signal, syncd};
use crate::wait::PATIENCE;
use crate::watchdog;

/// How `syncd` is called: its database and its environment.
#[derive(Debug, Clone)]
pub struct Daemon {
    url: String,
    /// The PostgreSQL role it works as.
    pub role: String,
    variables: Vec<(String, String)>,
}

impl Daemon {
    pub(crate) fn new(url: String, role: String) -> Daemon {
        // Tests run side by side: no daemon takes the usual port from another.
        Daemon { url, role, variables: vec![("SYNCD_LISTEN".into(), "127.0.0.1:0".into())] }
    }

    /// The same, reaching PostgreSQL through that port.
    pub fn by_way_of(mut self, port: u16) -> Daemon {
        let (start, rest) = self.url.rsplit_once(':').expect("a URL with a port");
        let (_, database) = rest.split_once('/').expect("a URL with a database");
        self.url = format!("{start}:{port}/{database}");
        self
    }

    pub fn without(mut self, name: &str) -> Daemon {
        self.variables.retain(|(given, _)| given != name);
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Daemon {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.spawn(arguments).finished()
    }

    /// A sync that must succeed.
    #[track_caller]
    pub fn sync(&self, source: &str) -> Finished {
        let done = self.run(&["sync", source]);
        assert_eq!(done.code, Some(0), "syncd sync {source}\n{done:?}");
        done
    }

    #[track_caller]
    pub fn spawn(&self, arguments: &[&str]) -> Running {
        let mut child = Command::new(syncd())
            .env_clear()
            .env("DATABASE_URL", &self.url)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("syncd starts");
        watchdog::remember(child.id());
        let out = collect(child.stdout.take().expect("a pipe"));
        let err = collect(child.stderr.take().expect("a pipe"));
        let pid = child.id();
        Running { pid, out, err, ended: ended(child), status: None }
    }
}

/// A `syncd` at work; killed on drop.
#[derive(Debug)]
pub struct Running {
    pid: u32,
    out: Collected,
    err: Collected,
    ended: Receiver<ExitStatus>,
    status: Option<ExitStatus>,
}

impl Running {
    /// Waits for its end.
    #[track_caller]
    pub fn finished(mut self) -> Finished {
        assert!(self.ends_within(PATIENCE), "syncd did not end\n{}\n{}", self.out.text(), self.err.text());
        Finished {
            code: self.status.and_then(|status| status.code()),
            out: self.out.all_text(),
            err: self.err.all_text(),
        }
    }

    /// Whether it ends in that time.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        if self.status.is_none() {
            match self.ended.recv_timeout(time) {
                Ok(status) => self.status = Some(status),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => {
                    unreachable!("the waiting thread sends before it ends")
                }
            }
            watchdog::forget(self.pid);
        }
        true
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        run(&mut signal(self.pid, "-TERM"));
    }

    /// SIGSTOP: it stands still, its connections stay open.
    pub fn stop(&self) {
        run(&mut signal(self.pid, "-STOP"));
    }

    /// SIGCONT: it goes on as if nothing had been.
    pub fn cont(&self) {
        run(&mut signal(self.pid, "-CONT"));
    }

    /// SIGKILL, and its end awaited.
    pub fn kill(&mut self) {
        if self.status.is_none() {
            let _ = signal(self.pid, "-KILL").stderr(Stdio::null()).status();
            self.ends_within(PATIENCE);
        }
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        self.out.text() + &self.err.text()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a run of `syncd` came to.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Finished {
    /// All that it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

#[derive(Debug)]
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Collected {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic while held")).into_owned()
    }

    fn all_text(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading does not panic");
        }
        self.text()
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Collected {
    let bytes = Arc::<Mutex<Vec<u8>>>::default();
    let into = Arc::clone(&bytes);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            into.lock().expect("no panic while held").extend_from_slice(&buffer[..count]);
        }
    });
    Collected { bytes, reader: Some(reader) }
}

fn ended(mut child: Child) -> Receiver<ExitStatus> {
    let (tell, ended) = channel();
    thread::spawn(move || tell.send(child.wait().expect("it is our child")));
    ended
}
