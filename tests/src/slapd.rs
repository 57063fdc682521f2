use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries::{output, run, target};
use crate::cluster::free_port;
use crate::directory::Directory;
use crate::tls::Tls;
use crate::wait::wait_until;
use crate::watchdog;

pub const ADMIN_DN: &str = "cn=admin,dc=example,dc=org";
pub const ADMIN_PASSWORD: &str = "s3cret-of-the-test";

/// Attributes and classes of the tests: a group may be empty, which groupOfNames does not allow.
const SCHEMA: &str = r"
attributetype ( 1.3.6.1.4.1.4203.666.11.90.1 NAME 'labCountry' SUP name )
attributetype ( 1.3.6.1.4.1.4203.666.11.90.2 NAME 'labRole' SUP name )
attributetype ( 1.3.6.1.4.1.4203.666.11.90.3 NAME 'labSalesRegion' SUP name )
attributetype ( 1.3.6.1.4.1.4203.666.11.90.4 NAME 'labOrganization' SUP name )
attributetype ( 1.3.6.1.4.1.4203.666.11.90.5 NAME 'labTerritories' SUP name )
attributetype ( 1.3.6.1.4.1.4203.666.11.90.6 NAME 'labBytes' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 )
objectclass ( 1.3.6.1.4.1.4203.666.11.91.1 NAME 'labPerson' SUP top AUXILIARY
  MAY ( labCountry $ labRole $ labSalesRegion $ labBytes ) )
objectclass ( 1.3.6.1.4.1.4203.666.11.91.2 NAME 'labGroup' SUP top STRUCTURAL MUST cn
  MAY ( member $ description $ labOrganization $ labTerritories ) )
";

/// A private OpenLDAP server; ended on drop.
#[derive(Debug)]
pub struct Slapd {
    pub port: u16,
    pub tls_port: u16,
    home: PathBuf,
    child: Child,
}

impl Slapd {
    pub fn start(directory: &Directory) -> Slapd {
        Slapd::start_with(directory, SCHEMA)
    }

    /// A server that knows other attributes and classes than those of the tests.
    pub fn start_with(directory: &Directory, schema: &str) -> Slapd {
        let home = new_home();
        fs::create_dir_all(home.join("db")).expect("a directory for slapd");
        fs::write(home.join("lab.schema"), schema).expect("a schema file");
        fs::write(home.join("slapd.conf"), configuration(&home)).expect("a configuration file");
        fs::write(home.join("load.ldif"), &directory.ldif).expect("an LDIF file");
        run(Command::new(program())
            .args(["-Tadd", "-q", "-f"])
            .arg(home.join("slapd.conf"))
            .arg("-l")
            .arg(home.join("load.ldif")));
        let (port, tls_port) = (free_port(), free_port());
        let child = serve(&home, port, tls_port);
        let slapd = Slapd { port, tls_port, home, child };
        slapd.wait_until_it_answers();
        slapd
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// Applies LDIF change records.
    #[track_caller]
    pub fn modify(&self, ldif: &str) {
        self.client("ldapmodify", &[], ldif);
    }

    /// Sets an attribute to the given values (none: removes it).
    #[track_caller]
    pub fn set(&self, dn: &str, attribute: &str, values: &[&str]) {
        let values: String = values.iter().map(|value| format!("{attribute}: {value}\n")).collect();
        self.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{values}-\n"));
    }

    /// Adds entries.
    #[track_caller]
    pub fn add(&self, build: impl FnOnce(&mut Directory)) {
        let mut more = Directory { ldif: String::new() };
        build(&mut more);
        self.client("ldapmodify", &["-a"], &more.ldif);
    }

    #[track_caller]
    pub fn delete(&self, dn: &str) {
        self.client("ldapdelete", &[], &format!("{dn}\n"));
        self.wait_until_no_group_has(dn);
    }

    /// Gives an entry a new name in its place; the groups follow (refint).
    #[track_caller]
    pub fn rename(&self, dn: &str, new_rdn: &str) {
        self.client("ldapmodrdn", &["-r"], &format!("{dn}\n{new_rdn}\n"));
        self.wait_until_no_group_has(dn);
    }

    /// The LDIF that a search answers with.
    #[track_caller]
    pub fn search(&self, filter: &str, attributes: &[&str]) -> String {
        run(self
            .command("ldapsearch")
            .args(["-LLL", "-o", "ldif-wrap=no", "-b", crate::BASE, filter])
            .args(attributes))
    }

    /// The same search through a proxy's port, to be run in another thread.
    pub fn through(&self, port: u16) -> impl FnOnce(&str) -> String + Send + use<> {
        let mut command = tool("ldapsearch", &format!("ldap://127.0.0.1:{port}"));
        command.args(["-LLL", "-o", "ldif-wrap=no", "-b", crate::BASE]);
        move |filter| run(command.arg(filter))
    }

    /// SIGKILL, and its port closed.
    pub fn kill(&self) {
        self.signal("-KILL");
        wait_until("slapd is gone", || TcpStream::connect(("127.0.0.1", self.port)).is_err());
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
        self.child = serve(&self.home, self.port, self.tls_port);
        self.wait_until_it_answers();
    }

    fn signal(&self, signal: &str) {
        run(&mut crate::binaries::signal(self.child.id(), signal));
    }

    fn client(&self, tool: &str, arguments: &[&str], input: &str) {
        let mut child = self
            .command(tool)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {tool}: {e}"));
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads all");
        let done = child.wait_with_output().expect("it is our child");
        assert!(done.status.success(), "{tool}: {}\n{input}", String::from_utf8_lossy(&done.stderr));
    }

    fn command(&self, name: &str) -> Command {
        tool(name, &self.url())
    }

    fn wait_until_it_answers(&self) {
        wait_until("slapd listens", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
        wait_until("slapd answers", || {
            output(self.command("ldapsearch").args(["-s", "base", "-b", crate::BASE, "dn"])).status.success()
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
    }
}

/// A program of ldap-utils that speaks to the server as its administrator.
fn tool(name: &str, url: &str) -> Command {
    let mut command = Command::new(name);
    command.env("LDAPNOINIT", "1").args(["-x", "-D", ADMIN_DN, "-w", ADMIN_PASSWORD, "-H", url]);
    command
}

fn new_home() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tests/slapd-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let home = target().join(name);
    watchdog::finally(&format!("rm -rf '{}'", home.display()));
    home
}

fn serve(home: &Path, port: u16, tls_port: u16) -> Child {
    let child = Command::new(program())
        .args(["-d", "0", "-f"])
        .arg(home.join("slapd.conf"))
        .args(["-h", &format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}")])
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

fn configuration(home: &Path) -> String {
    let tls = Tls::shared();
    let (home, ca) = (home.display(), tls.ca.display());
    let (certificate, key) = (tls.certificate.display(), tls.key.display());
    format!(
        r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {home}/lab.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
pidfile {home}/slapd.pid
argsfile {home}/slapd.args
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
sizelimit size.soft=500 size.hard=unlimited size.pr=unlimited
threads 4
database mdb
suffix "dc=example,dc=org"
rootdn "{ADMIN_DN}"
rootpw {ADMIN_PASSWORD}
directory {home}/db
maxsize 268435456
dbnosync
limits dn.exact="uid=reader,ou=people,dc=example,dc=org" size.soft=25 size.hard=25 size.prtotal=25
index objectClass eq
index uid,cn eq
index member eq
index entryUUID eq
overlay memberof
overlay refint
refint_attributes member
"#
    )
}
