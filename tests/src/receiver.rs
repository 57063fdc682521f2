use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::Value;

/// A real HTTP server that webhooks are delivered to: it remembers what it was sent, and answers as a test says.
#[derive(Debug)]
pub struct Receiver {
    pub port: u16,
    state: Arc<State>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    is_closing: Arc<AtomicBool>,
    accepting: thread::JoinHandle<()>,
}

#[derive(Debug, Clone)]
pub struct Received {
    pub path: String,
    /// Names in lower case.
    pub headers: HashMap<String, String>,
    pub raw: Vec<u8>,
    pub body: Value,
    pub reply: Reaction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    Status(u16),
    /// Never answers.
    Stall,
}

type Judge = dyn Fn(&Received) -> Reaction + Send + Sync;

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    judge: Mutex<Option<Arc<Judge>>>,
    stalled: Mutex<Vec<TcpStream>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Receiver {
    /// On a free port; takes everything.
    pub fn start() -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let mut receiver = Receiver { port, state: Arc::default(), open: None };
        receiver.accept(listener);
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// From now on.
    pub fn answer(&self, judge: impl Fn(&Received) -> Reaction + Send + Sync + 'static) {
        *self.state.judge.lock().expect("no panic while held") = Some(Arc::new(judge));
    }

    /// Everything that arrived, refused or not.
    pub fn received(&self) -> Vec<Received> {
        self.list().clone()
    }

    /// What it took, each once: the first time.
    pub fn taken(&self) -> Vec<Received> {
        let mut known = std::collections::HashSet::new();
        let is_taken = |one: &Received| matches!(one.reply, Reaction::Status(200..=299));
        let all = self.received().into_iter().filter(is_taken);
        all.filter(|one| known.insert(one.text("/id").to_owned())).collect()
    }

    pub fn forget(&self) {
        self.list().clear();
    }

    /// Nobody is there any more: connections are refused.
    pub fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        open.is_closing.store(true, Ordering::SeqCst);
        // It wakes when somebody connects.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        open.accepting.join().expect("accepting does not panic");
        self.state.stalled.lock().expect("no panic while held").clear();
    }

    /// On the same port again.
    pub fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the port is still ours");
        self.accept(listener);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Received>> {
        self.state.received.lock().expect("no panic while held")
    }

    fn accept(&mut self, listener: TcpListener) {
        let is_closing = Arc::<AtomicBool>::default();
        let (state, closing) = (Arc::clone(&self.state), Arc::clone(&is_closing));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&state);
                thread::spawn(move || serve(&state, stream));
            }
        });
        self.open = Some(Open { is_closing, accepting });
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.close();
    }
}

/// One request per connection.
fn serve(state: &State, mut stream: TcpStream) {
    let Some(mut request) = read(&stream) else { return };
    let judge = state.judge.lock().expect("no panic while held").clone();
    request.reply = judge.map_or(Reaction::Status(204), |judge| judge(&request));
    let reply = request.reply;
    state.received.lock().expect("no panic while held").push(request);
    match reply {
        Reaction::Stall => state.stalled.lock().expect("no panic while held").push(stream),
        Reaction::Status(status) => {
            let location = if status / 100 == 3 { "location: http://127.0.0.1:1/\r\n" } else { "" };
            let answer = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\n{location}content-length: 4\r\n\r\nwhy?"
            );
            let answer =
                if status == 204 { "HTTP/1.1 204 X\r\nconnection: close\r\n\r\n".into() } else { answer };
            let _ = stream.write_all(answer.as_bytes());
        }
    }
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut raw = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut raw).ok()?;
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    Some(Received { path, headers, raw, body, reply: Reaction::Stall })
}
