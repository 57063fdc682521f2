use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::binaries::{run, target};
use crate::watchdog;

/// A certificate authority of our own, with a server certificate for 127.0.0.1, and one that signed nothing.
#[derive(Debug)]
pub struct Tls {
    pub ca: PathBuf,
    pub other_ca: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
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
    openssl(
        home,
        "req -nodes -subj /CN=localhost -keyout srv.key -out srv.csr -newkey ec -pkeyopt ec_paramgen_curve:prime256v1",
    );
    fs::write(
        home.join("srv.ext"),
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
    )
    .expect("an extension file");
    openssl(
        home,
        "x509 -req -in srv.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out srv.pem -extfile srv.ext",
    );
    Tls { ca, other_ca, certificate: home.join("srv.pem"), key: home.join("srv.key") }
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
