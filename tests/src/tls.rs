use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries::{run, target};
use crate::watchdog;

/// A certificate authority of our own, with a server certificate for 127.0.0.1 and one of a client
/// (`CN=syncer, O=Example`), and an authority that signed nothing.
#[derive(Debug)]
pub struct Tls {
    pub ca: PathBuf,
    pub other_ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_certificate: PathBuf,
    pub client_key: PathBuf,
}

impl Tls {
    /// Made once for all tests.
    pub fn shared() -> &'static Tls {
        static SHARED: OnceLock<Tls> = OnceLock::new();
        SHARED.get_or_init(|| {
            let home = target().join(format!("tests/tls-{}", std::process::id()));
            fs::create_dir_all(&home).expect("a directory for certificates");
            watchdog::finally(&format!("rm -rf '{}'", home.display()));
            make(&home)
        })
    }

    /// A certificate and its key for a server at another address.
    pub fn issue(&self, address: &str) -> (PathBuf, PathBuf) {
        let home = self.ca.parent().expect("it lies in a directory");
        let extensions = format!("subjectAltName=IP:{address}\nextendedKeyUsage=serverAuth\n");
        signed(home, address, "/CN=server", &extensions)
    }

    /// Sends a request over TLS to a server that must have our certificate, and returns what it says until it closes.
    pub fn ask(&self, port: u16, request: &str) -> String {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-CAfile")
            .arg(&self.ca)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is installed");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(request.as_bytes()).expect("it reads all");
        let output = child.wait_with_output().expect("it is our child");
        drop(input);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn make(home: &Path) -> Tls {
    let (ca, _) = authority(home, "ca");
    let (other_ca, _) = authority(home, "other");
    let (certificate, key) = signed(
        home,
        "srv",
        "/CN=localhost",
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
    );
    let (client_certificate, client_key) =
        signed(home, "client", "/O=Example/CN=syncer", "extendedKeyUsage=clientAuth\n");
    Tls { ca, other_ca, certificate, key, client_certificate, client_key }
}

/// A certificate of our authority and its key.
fn signed(home: &Path, name: &str, subject: &str, extensions: &str) -> (PathBuf, PathBuf) {
    static SERIAL: AtomicU32 = AtomicU32::new(1);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    openssl(
        home,
        &format!(
            "req -nodes -subj {subject} -keyout {name}.key -out {name}.csr \
             -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
        ),
    );
    fs::write(home.join(format!("{name}.ext")), extensions).expect("an extension file");
    openssl(
        home,
        &format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -set_serial {serial} -days 2 -out {name}.pem \
             -extfile {name}.ext"
        ),
    );
    (home.join(format!("{name}.pem")), home.join(format!("{name}.key")))
}

fn authority(home: &Path, name: &str) -> (PathBuf, PathBuf) {
    openssl(
        home,
        &format!(
            "req -x509 -nodes -days 2 -subj /CN=Test-{name} -keyout {name}.key -out {name}.pem \
             -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
        ),
    );
    (home.join(format!("{name}.pem")), home.join(format!("{name}.key")))
}

fn openssl(home: &Path, arguments: &str) {
    run(Command::new("openssl").args(arguments.split_whitespace()).current_dir(home));
}
