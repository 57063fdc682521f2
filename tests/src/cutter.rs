//! A plain TCP proxy, in front of PostgreSQL or anything else, for programs that are to lose the network.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// Connections are broken, new ones too.
    Cut,
    /// Nothing arrives any more and nobody is told. What was sent arrives once the network is back.
    BlackHole,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    streams: Vec<TcpStream>,
}

#[derive(Debug, Clone)]
pub struct Cutter {
    pub port: u16,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Cutter {
    pub fn before(server: u16) -> Cutter {
        Cutter::before_address(&format!("127.0.0.1:{server}"))
    }

    /// For a server with an address of its own.
    pub fn before_address(server: &str) -> Cutter {
        let server: SocketAddr = server.parse().expect("an address and a port");
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = State { mode: Mode::Pass, streams: Vec::new() };
        let cutter = Cutter { port, shared: Arc::new((Mutex::new(state), Condvar::new())) };
        let accepting = cutter.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.serve(client, server);
            }
        });
        cutter
    }

    pub fn pass(&self) {
        self.change(Mode::Pass);
    }

    pub fn cut(&self) {
        self.change(Mode::Cut);
    }

    pub fn black_hole(&self) {
        self.change(Mode::BlackHole);
    }

    fn change(&self, mode: Mode) {
        let mut state = self.state();
        state.mode = mode;
        if mode == Mode::Cut {
            for stream in state.streams.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn serve(&self, client: TcpStream, server: SocketAddr) {
        let server = TcpStream::connect(server);
        let mut state = self.state();
        let Ok(server) = server else { return };
        if state.mode == Mode::Cut {
            return;
        }
        for (from, to) in [(&client, &server), (&server, &client)] {
            let streams = (from.try_clone(), to.try_clone(), from.try_clone());
            let (Ok(from), Ok(to), Ok(remembered)) = streams else { return };
            state.streams.push(remembered);
            let cutter = self.clone();
            thread::spawn(move || cutter.carry(from, to));
        }
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = [0; 65536];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let state = self.state();
            drop(self.shared.1.wait_while(state, |state| state.mode == Mode::BlackHole));
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        // A black hole swallows the end of a connection as well.
        let state = self.state();
        drop(self.shared.1.wait_while(state, |state| state.mode == Mode::BlackHole));
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
