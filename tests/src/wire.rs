//! A TCP proxy that can be cut after a number of bytes of the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

#[derive(Debug, Clone)]
pub struct Wire {
    pub port: u16,
    /// Bytes that may still pass.
    left: Arc<AtomicU64>,
}

impl Wire {
    pub fn before(server: u16) -> Wire {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let wire = Wire { port, left: Arc::new(AtomicU64::new(u64::MAX)) };
        let accepting = wire.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.serve(client, server);
            }
        });
        wire
    }

    /// Cuts all connections once so many bytes more have come from the server.
    pub fn cut_after(&self, bytes: u64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// An honest wire again.
    pub fn mend(&self) {
        self.left.store(u64::MAX, Ordering::SeqCst);
    }

    fn serve(&self, client: TcpStream, server: u16) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
            let _ = client.shutdown(Shutdown::Both);
            return;
        };
        let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { return };
        let left = Arc::clone(&self.left);
        thread::spawn(move || pass(client, server, |_| true));
        thread::spawn(move || {
            pass(server_too, client_too, |bytes| {
                let spend = |left: u64| if left == u64::MAX { Some(left) } else { left.checked_sub(bytes) };
                left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_ok()
            });
        });
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, may_pass: impl Fn(u64) -> bool) {
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !may_pass(count as u64) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
