//! An HTTP server (clear text, GET) that answers what a test tells it to, misbehaviour included.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use crate::wait::PATIENCE;

/// A request that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Path and query.
    pub target: String,
    /// The parameter of the query, as it was written.
    pub userid: Option<String>,
    headers: Vec<(String, String)>,
}

impl Asked {
    /// A header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// Accepts the request and never answers.
    Stall,
    /// Closes the connection in the middle of the body.
    Cut,
    /// Tells neither length nor chunks: the end of the connection is the end of the body.
    Unmeasured,
}

impl Reply {
    pub fn ok(body: &str) -> Reply {
        Reply::status(200).with_body(body)
    }

    pub fn status(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new(), fault: Fault::None }
    }

    pub fn stall() -> Reply {
        Reply { fault: Fault::Stall, ..Reply::status(200) }
    }

    pub fn with_body(self, body: &str) -> Reply {
        Reply { body: body.into(), ..self }
    }

    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this tag, which is answered with 304 to whoever has it already.
    pub fn tagged(self, tag: &str) -> Reply {
        self.with("ETag", tag)
    }

    pub fn cut(self) -> Reply {
        Reply { fault: Fault::Cut, ..self }
    }

    pub fn unmeasured(self) -> Reply {
        Reply { fault: Fault::Unmeasured, ..self }
    }
}

#[derive(Default)]
struct State {
    answers: HashMap<String, Vec<Reply>>,
    asked: Vec<Asked>,
    under_way: usize,
    most_at_once: usize,
    wait_for: usize,
}

#[derive(Clone)]
pub struct Web {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Web on port {}", self.port)
    }
}

impl Web {
    pub fn start() -> Web {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let web = Web { port, state: Arc::default() };
        let accepting = web.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let web = accepting.clone();
                thread::spawn(move || web.serve(client));
            }
        });
        web
    }

    pub fn url(&self, target: &str) -> String {
        format!("http://127.0.0.1:{}{target}", self.port)
    }

    /// What is answered to a question about a user, or else to a path with its query; 404 to all others.
    pub fn answer(&self, whom: &str, reply: Reply) {
        self.answers(whom, vec![reply]);
    }

    /// One after the other; the last for good.
    pub fn answers(&self, whom: &str, mut replies: Vec<Reply>) {
        replies.reverse();
        self.state().answers.insert(whom.into(), replies);
    }

    pub fn forget(&self, whom: &str) {
        self.state().answers.remove(whom);
    }

    /// All requests, the newest last.
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    pub fn asked_about(&self, userid: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.userid.as_deref() == Some(userid)).collect()
    }

    pub fn most_at_once(&self) -> usize {
        self.state().most_at_once
    }

    /// Answers nobody until so many requests are under way.
    pub fn wait_for(&self, requests: usize) {
        self.state().wait_for = requests;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn serve(&self, mut client: TcpStream) {
        let Ok(reading) = client.try_clone() else { return };
        let mut reading = BufReader::new(reading);
        while let Some(asked) = request(&mut reading) {
            let reply = self.reply(&asked);
            if !send(&mut client, &reply) {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    fn reply(&self, asked: &Asked) -> Reply {
        let mut state = self.state();
        state.asked.push(asked.clone());
        state.under_way += 1;
        state.most_at_once = state.most_at_once.max(state.under_way);
        self.state.1.notify_all();
        let waited =
            self.state.1.wait_timeout_while(state, PATIENCE, |state| state.most_at_once < state.wait_for);
        let (mut state, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        state.under_way -= 1;
        let key = asked.userid.clone().filter(|user| state.answers.contains_key(user));
        let replies = state.answers.get_mut(key.as_ref().unwrap_or(&asked.target));
        let reply = match replies {
            None => return Reply::status(404),
            Some(replies) if replies.len() > 1 => replies.pop().expect("there are several"),
            Some(replies) => replies.last().cloned().expect("there is one"),
        };
        let tag = reply.headers.iter().find(|(name, _)| name == "ETag").map(|(_, tag)| tag.as_str());
        if tag.is_some() && tag == asked.header("if-none-match") {
            return Reply::status(304);
        }
        reply
    }
}

fn request(reading: &mut impl BufRead) -> Option<Asked> {
    let first = line(reading)?;
    let target = first.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let text = line(reading)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let userid = query.split('&').find_map(|pair| pair.strip_prefix("userid=")).map(str::to_owned);
    Some(Asked { target, userid, headers })
}

fn line(reading: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    match reading.read_line(&mut text) {
        Ok(1..) => Some(text.trim_end().to_owned()),
        _ => None,
    }
}

/// Whether the connection goes on.
fn send(client: &mut TcpStream, reply: &Reply) -> bool {
    if reply.fault == Fault::Stall {
        // Until the client has enough of it.
        let _ = std::io::copy(&mut &*client, &mut std::io::sink());
        return false;
    }
    let mut head = format!("HTTP/1.1 {} x\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if reply.fault == Fault::Unmeasured {
        head += "Connection: close\r\n";
    } else if reply.status != 304 {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    let body = match reply.fault {
        Fault::Cut => &reply.body[..reply.body.len() / 2],
        _ => &reply.body[..],
    };
    let sent = client.write_all(&[head.as_bytes(), b"\r\n", body].concat());
    sent.is_ok() && reply.fault == Fault::None
}
