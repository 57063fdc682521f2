mod options;

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries::{output, run, target};
use crate::cluster::free_port;
use crate::directory::Directory;
use crate::ldap_tools::LdapTools;
use crate::wait::wait_until;
use crate::watchdog;

pub use options::{EXTERNAL_DN, SlapdOptions};

pub const ADMIN_DN: &str = "cn=admin,dc=example,dc=org";
pub const ADMIN_PASSWORD: &str = "s3cret-of-the-test";

/// A private OpenLDAP server; ended on drop.
#[derive(Debug)]
pub struct Slapd {
    pub port: u16,
    pub tls_port: u16,
    socket: Option<PathBuf>,
    home: PathBuf,
    child: Child,
}

impl Slapd {
    pub fn start(directory: &Directory) -> Slapd {
        Slapd::options().start(directory)
    }

    /// A server that knows other attributes and classes than those of the tests.
    pub fn start_with(directory: &Directory, schema: &str) -> Slapd {
        Slapd::options().schema(schema).start(directory)
    }

    /// A server set up in another way: what it can do is told before `start`.
    pub fn options() -> SlapdOptions {
        SlapdOptions::default()
    }

    fn start_so(directory: &Directory, options: &SlapdOptions) -> Slapd {
        let home = new_home();
        fs::create_dir_all(home.join("db")).expect("a directory for slapd");
        fs::write(home.join("lab.schema"), options.schema_text()).expect("a schema file");
        fs::write(home.join("slapd.conf"), options.configuration(&home)).expect("a configuration file");
        fs::write(home.join("load.ldif"), &directory.ldif).expect("an LDIF file");
        run(Command::new(program())
            .args(["-Tadd", "-q", "-f"])
            .arg(home.join("slapd.conf"))
            .arg("-l")
            .arg(home.join("load.ldif")));
        let (port, tls_port, socket) = (free_port(), free_port(), options.socket(&home));
        let child = serve(&home, port, tls_port, socket.as_deref());
        let slapd = Slapd { port, tls_port, socket, home, child };
        slapd.wait_until_it_answers();
        slapd
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// Its Unix socket, for a server with `external`.
    #[track_caller]
    pub fn ldapi_url(&self) -> String {
        let socket = self.socket.as_ref().expect("a server with external()");
        format!("ldapi://{}", socket.display().to_string().replace('/', "%2F"))
    }

    /// ldap-utils in the hands of the administrator.
    pub fn tools(&self) -> LdapTools {
        LdapTools::of(&self.url(), ADMIN_DN, ADMIN_PASSWORD, crate::BASE)
    }

    /// Applies LDIF change records.
    #[track_caller]
    pub fn modify(&self, ldif: &str) {
        self.tools().modify(ldif);
    }

    /// Sets an attribute to the given values (none: removes it).
    #[track_caller]
    pub fn set(&self, dn: &str, attribute: &str, values: &[&str]) {
        self.tools().set(dn, attribute, values);
    }

    /// Adds entries.
    #[track_caller]
    pub fn add(&self, build: impl FnOnce(&mut Directory)) {
        self.tools().add(build);
    }

    #[track_caller]
    pub fn delete(&self, dn: &str) {
        self.tools().delete(dn);
        self.wait_until_no_group_has(dn);
    }

    /// Gives an entry a new name in its place; the groups follow (refint).
    #[track_caller]
    pub fn rename(&self, dn: &str, new_rdn: &str) {
        self.tools().rename(dn, new_rdn);
        self.wait_until_no_group_has(dn);
    }

    /// Moves an entry under another; returns its new DN. The groups follow, but not to what lies below the entry.
    #[track_caller]
    pub fn move_below(&self, dn: &str, superior: &str) -> String {
        let moved = self.tools().move_below(dn, superior);
        self.wait_until_no_group_has(dn);
        moved
    }

    /// The LDIF that a search answers with.
    #[track_caller]
    pub fn search(&self, filter: &str, attributes: &[&str]) -> String {
        self.tools().search(filter, attributes)
    }

    /// The same search through a proxy's port, to be run in another thread.
    pub fn through(&self, port: u16) -> impl FnOnce(&str) -> String + Send + use<> {
        let mut command = self.tools().at(&format!("ldap://127.0.0.1:{port}")).command("ldapsearch");
        command.args(["-LLL", "-o", "ldif-wrap=no", "-b", crate::BASE]);
        move |filter| run(command.arg(filter))
    }

    /// SIGKILL, and its port closed.
    pub fn kill(&self) {
        self.signal("-KILL");
        wait_until("slapd is gone", || TcpStream::connect(("127.0.0.1", self.port)).is_err());
    }

    /// Ends it in good order: what it keeps for syncrepl is on the disk. `restart` brings it back.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        self.child.wait().expect("it is our child");
    }

    /// The process stands still and keeps its connections open.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// The server back on the same ports with the same data.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        self.child.wait().expect("it is our child");
        watchdog::forget(self.child.id());
        self.child = serve(&self.home, self.port, self.tls_port, self.socket.as_deref());
        self.wait_until_it_answers();
    }

    fn signal(&self, signal: &str) {
        run(&mut crate::binaries::signal(self.child.id(), signal));
    }

    fn wait_until_it_answers(&self) {
        wait_until("slapd listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        wait_until("slapd answers", || {
            output(self.tools().command("ldapsearch").args(["-s", "base", "-b", crate::BASE, "dn"]))
                .status
                .success()
        });
    }

    /// refint works in the background: a rename is done when no group has the old name.
    fn wait_until_no_group_has(&self, dn: &str) {
        wait_until("the groups follow", || !self.search(&format!("(member={dn})"), &["dn"]).contains("dn:"));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::forget(self.child.id());
        let _ = fs::remove_dir_all(&self.home);
        if let Some(socket) = &self.socket {
            let _ = fs::remove_file(socket);
        }
    }
}

fn new_home() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tests/slapd-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let home = target().join(name);
    watchdog::finally(&format!("rm -rf '{}'", home.display()));
    home
}

fn serve(home: &Path, port: u16, tls_port: u16, socket: Option<&Path>) -> Child {
    let mut listeners = format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}");
    if let Some(socket) = socket {
        listeners += &format!(" ldapi://{}", socket.display().to_string().replace('/', "%2F"));
        watchdog::finally(&format!("rm -f '{}'", socket.display()));
    }
    let child = Command::new(program())
        .args(["-d", "0", "-f"])
        .arg(home.join("slapd.conf"))
        .args(["-h", &listeners])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(home.join("log")).expect("a log file"))
        .spawn()
        .expect("slapd starts");
    watchdog::remember(child.id());
    child
}

/// A copy of the server: Debian's AppArmor profile ties the original to /etc/ldap and /var/lib/ldap.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let copy = target().join(format!("tests/slapd-{}", std::process::id()));
        fs::create_dir_all(target().join("tests")).expect("target/ is ours");
        fs::copy("/usr/sbin/slapd", &copy).expect("slapd is installed (package slapd)");
        watchdog::finally(&format!("rm -f '{}'", copy.display()));
        copy
    })
}
