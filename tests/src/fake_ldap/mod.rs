//! A directory server that plays what the real ones do only on bad days: see `Trick`.
//!
//! It answers simple binds, searches (paged, ranges of values, syncrepl, extendedDn) over a few entries in memory, and
//! counts what it is asked. It speaks BER itself, because half a message is one of its tricks.

mod answer;
mod entries;
mod filter;
mod message;
mod root_dse;
mod script;

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use crate::slapd::ADMIN_PASSWORD;
use message::{
    ABANDON, BIND, BIND_DONE, EXTENDED_DONE, Request, SEARCH, SEARCH_DONE, UNBIND, message, receive, result,
};

pub use script::{
    AD_BASE, AD_WRONG_PASSWORD, Bind, Entry, Kind, Script, Trick, ad_group, ad_user, ad_user_dn, guid, uuid,
};

#[derive(Debug, Default)]
struct Seen {
    binds: Vec<String>,
    searches: Vec<String>,
    streams: Vec<TcpStream>,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    seen: Mutex<Seen>,
    stopped: AtomicBool,
}

/// What happens to the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Close,
}

/// The fake; its port closes on drop.
#[derive(Debug)]
pub struct FakeLdap {
    pub port: u16,
    shared: Arc<Shared>,
}

impl FakeLdap {
    pub fn start(script: Script) -> FakeLdap {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            seen: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&accepting);
                thread::spawn(move || serving.serve(client));
            }
        });
        FakeLdap { port, shared }
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// ldap-utils in the hands of the administrator, beginning at the first entry.
    pub fn tools(&self) -> crate::LdapTools {
        let base = locked(&self.shared.script).entries.first().map(|entry| entry.dn.clone());
        crate::LdapTools::of(&self.url(), crate::ADMIN_DN, ADMIN_PASSWORD, &base.unwrap_or_default())
    }

    /// Another script from now on.
    pub fn play(&self, script: Script) {
        *locked(&self.shared.script) = script;
    }

    /// Changes the script while it runs: entries, tricks, the rootDSE.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut locked(&self.shared.script));
    }

    /// No trick from now on, or only this one.
    pub fn now(&self, trick: Option<Trick>) {
        self.change(|script| script.tricks = trick.map(|trick| (String::new(), trick)).into_iter().collect());
    }

    /// The DNs of all binds so far, refused ones too.
    pub fn binds(&self) -> Vec<String> {
        locked(&self.shared.seen).binds.clone()
    }

    /// All searches so far, `base scope filter attributes`, one for each page; the rootDSE's begin with a space.
    pub fn searches(&self) -> Vec<String> {
        locked(&self.shared.seen).searches.clone()
    }

    /// Breaks all connections; new ones are welcome.
    pub fn disconnect(&self) {
        for stream in locked(&self.shared.seen).streams.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for FakeLdap {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then closes.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.disconnect();
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) {
        if let Ok(stream) = client.try_clone() {
            locked(&self.seen).streams.push(stream);
        }
        let mut buffer = Vec::new();
        while let Some(request) = receive(&mut client, &mut buffer) {
            if request.tag == UNBIND {
                break;
            }
            let (bytes, then) = self.answer(&request);
            if client.write_all(&bytes).is_err() || then == Then::Close {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    fn answer(&self, request: &Request) -> (Vec<u8>, Then) {
        match request.tag {
            BIND => self.bind(request),
            SEARCH => self.search(request),
            ABANDON => (Vec::new(), Then::GoOn),
            _ => {
                let refused = result(EXTENDED_DONE, 2, "the fake knows no extended operations", &[]);
                (message(&request.id, &refused, &[]), Then::GoOn)
            }
        }
    }

    fn bind(&self, request: &Request) -> (Vec<u8>, Then) {
        let (dn, password) = message::bind(&request.content).expect("a bind request");
        locked(&self.seen).binds.push(dn);
        let done = match locked(&self.script).bind {
            Bind::Silent => return (Vec::new(), Then::GoOn),
            Bind::Refuse(code, diagnostic) => result(BIND_DONE, code, diagnostic, &[]),
            Bind::Accept if password.as_deref() == Some(ADMIN_PASSWORD) => result(BIND_DONE, 0, "", &[]),
            Bind::Accept => result(BIND_DONE, 49, "", &[]),
        };
        (message(&request.id, &done, &[]), Then::GoOn)
    }

    fn search(&self, request: &Request) -> (Vec<u8>, Then) {
        let Some(search) = message::search(&request.content) else {
            let done = result(SEARCH_DONE, 2, "the fake does not understand this search", &[]);
            return (message(&request.id, &done, &[]), Then::GoOn);
        };
        let text = search.text();
        locked(&self.seen).searches.push(format!("{text} {}", search.attributes.join(" ")));
        // A script may change while an answer is written.
        let script = locked(&self.script).clone();
        if search.scope == 0 && search.attributes.iter().any(|asked| asked == "uSNChanged") {
            locked(&self.script).calm_down();
        }
        answer::answer(&script, request, &search, &text)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
