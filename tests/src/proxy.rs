//! A TCP proxy in front of an LDAP server (clear text), for tests that must act between two messages.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use crate::ber;
use crate::wait::PATIENCE;

/// A search request that passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub base: String,
    /// How many requests with this base came before (the pages of one search share it).
    pub nth: usize,
}

/// Looks at the searches so far, the newest last.
type Condition = Box<dyn Fn(&[Search]) -> bool + Send>;

#[derive(Default)]
struct State {
    searches: Vec<Search>,
    entries: usize,
    pages: usize,
    hold: Option<(Condition, Hold)>,
    cut_after_pages: Option<usize>,
    cut_after_entries: Option<usize>,
    silent_after_entries: Option<usize>,
}

#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy on port {}", self.port)
    }
}

impl Proxy {
    pub fn before(server: u16) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let proxy = Proxy { port, state: Arc::default() };
        let accepting = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.serve(client, server);
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Holds back the first search request that fulfils the condition, until the test lets it go.
    pub fn hold(&self, condition: impl Fn(&Search) -> bool + Send + 'static) -> Hold {
        self.hold_back(move |searches| searches.last().is_some_and(&condition))
    }

    /// The same, with a condition on all searches so far, the newest last.
    pub fn hold_back(&self, condition: impl Fn(&[Search]) -> bool + Send + 'static) -> Hold {
        let hold = Hold::default();
        self.state().hold = Some((Box::new(condition), hold.clone()));
        hold
    }

    /// Breaks the connection when so many search results (pages) have passed, from now on.
    pub fn cut_after_pages(&self, pages: usize) {
        let mut state = self.state();
        state.cut_after_pages = Some(state.pages + pages);
    }

    /// Breaks the connection in the middle of a page.
    pub fn cut_after_entries(&self, entries: usize) {
        let mut state = self.state();
        state.cut_after_entries = Some(state.entries + entries);
    }

    /// Swallows everything after so many entries, connection open.
    pub fn silent_after_entries(&self, entries: usize) {
        let mut state = self.state();
        state.silent_after_entries = Some(state.entries + entries);
    }

    /// An honest proxy again.
    pub fn behave(&self) {
        let mut state = self.state();
        state.hold = None;
        state.cut_after_pages = None;
        state.cut_after_entries = None;
        state.silent_after_entries = None;
    }

    pub fn searches(&self) -> Vec<Search> {
        self.state().searches.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn serve(&self, client: TcpStream, server: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
            let _ = client.shutdown(Shutdown::Both);
            return;
        };
        let streams = (client.try_clone(), server.try_clone());
        let (Ok(client_too), Ok(server_too)) = streams else { return };
        let (asking, answering) = (self.clone(), self.clone());
        thread::spawn(move || pass(client, server, |message| asking.asked(message)));
        thread::spawn(move || pass(server_too, client_too, |message| answering.answered(message)));
    }

    fn asked(&self, message: &[u8]) -> Verdict {
        let Some((ber::SEARCH_REQUEST, request)) = ber::operation(message) else { return Verdict::Pass };
        let mut state = self.state();
        let base = ber::search_base(request).unwrap_or_default();
        let nth = state.searches.iter().filter(|search| search.base == base).count();
        state.searches.push(Search { base, nth });
        let Some((condition, hold)) = state.hold.take() else { return Verdict::Pass };
        if !condition(&state.searches) {
            state.hold = Some((condition, hold));
            return Verdict::Pass;
        }
        drop(state);
        hold.stop_here();
        Verdict::Pass
    }

    fn answered(&self, message: &[u8]) -> Verdict {
        let mut state = self.state();
        if state.cut_after_entries.is_some_and(|limit| state.entries >= limit)
            || state.cut_after_pages.is_some_and(|limit| state.pages >= limit)
        {
            return Verdict::Cut;
        }
        if state.silent_after_entries.is_some_and(|limit| state.entries >= limit) {
            return Verdict::Swallow;
        }
        match ber::operation(message) {
            Some((ber::SEARCH_ENTRY, _)) => state.entries += 1,
            Some((ber::SEARCH_DONE, _)) => state.pages += 1,
            _ => {}
        }
        Verdict::Pass
    }
}

enum Verdict {
    Pass,
    Swallow,
    Cut,
}

/// Passes messages on, one by one, until either side is gone.
fn pass(mut from: TcpStream, mut to: TcpStream, judge: impl Fn(&[u8]) -> Verdict) {
    let mut pending = Vec::new();
    let mut buffer = [0; 65536];
    'reading: while let Ok(count @ 1..) = from.read(&mut buffer) {
        pending.extend_from_slice(&buffer[..count]);
        let mut done = 0;
        while let Some((_, _, length)) = ber::element(&pending[done..]) {
            let message = &pending[done..done + length];
            done += length;
            match judge(message) {
                Verdict::Pass if to.write_all(message).is_ok() => {}
                Verdict::Swallow => {}
                _ => break 'reading,
            }
        }
        pending.drain(..done);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// A message that waits for the test.
#[derive(Debug, Clone, Default)]
pub struct Hold(Arc<(Mutex<(bool, bool)>, Condvar)>);

impl Hold {
    /// Waits until the message has arrived at the proxy.
    #[track_caller]
    pub fn reached(&self) {
        let (state, changed) = &*self.0;
        let state = state.lock().expect("no panic while held");
        let (state, _) = changed.wait_timeout_while(state, PATIENCE, |s| !s.0).expect("no panic while held");
        assert!(state.0, "the search to hold back never came");
    }

    /// Lets it go.
    pub fn release(&self) {
        let (state, changed) = &*self.0;
        state.lock().expect("no panic while held").1 = true;
        changed.notify_all();
    }

    fn stop_here(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().expect("no panic while held");
        state.0 = true;
        changed.notify_all();
        drop(changed.wait_while(state, |s| !s.1));
    }
}
