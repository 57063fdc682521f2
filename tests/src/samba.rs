use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries::{output, run, target};
use crate::cluster::is_root;
use crate::ldap_tools::LdapTools;
use crate::samba::template::template;
use crate::tls::Tls;
use crate::wait::wait_until;
use crate::watchdog;

mod template;

pub const SAMBA_BASE: &str = "DC=lab,DC=test";
pub const SAMBA_ADMIN_DN: &str = "CN=Administrator,CN=Users,DC=lab,DC=test";
/// An account that may do what any account may.
pub const SAMBA_READER_DN: &str = "CN=reader,CN=Users,DC=lab,DC=test";
/// Of both.
pub const SAMBA_PASSWORD: &str = "Passw0rd-of-the-test";

pub const STAFF: &str = "OU=Staff,DC=lab,DC=test";
pub const GROUPS: &str = "OU=Groups,DC=lab,DC=test";

/// What a domain controller is asked for here: LDAP (389), LDAPS (636) and the global catalogue beside it.
const PORTS: [u16; 4] = [389, 636, 3268, 3269];

/// A private Active Directory domain controller; ended on drop.
///
/// Its ports are fixed, so each has an address of its own, and needs root. The domain `lab.test` has the empty
/// units `STAFF` and `GROUPS`; it is made once and copied, so all have the same ids.
#[derive(Debug)]
pub struct Samba {
    pub address: String,
    home: PathBuf,
    child: Child,
}

impl Samba {
    /// None, said aloud, where it cannot run: without root nobody may listen on port 389.
    pub fn start() -> Option<Samba> {
        if !is_root() {
            let told = "\nSKIPPED: a Samba domain controller needs root (port 389); run the tests as root\n";
            // The macros that print would be silent in a test that passes.
            let _ = std::io::stderr().write_all(told.as_bytes());
            return None;
        }
        let (address, home) = (free_address(), new_home());
        run(Command::new("cp").arg("-a").arg(template()).arg(&home));
        fs::create_dir_all(home.join("run")).expect("it is ours");
        fs::write(home.join("smb.conf"), configuration(&home, &address)).expect("a configuration file");
        let child = serve(&home);
        let samba = Samba { address, home, child };
        samba.wait_until_it_answers();
        Some(samba)
    }

    pub fn url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    pub fn tls_url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// ldap-utils in the hands of the administrator.
    pub fn tools(&self) -> LdapTools {
        LdapTools::of(&self.url(), SAMBA_ADMIN_DN, SAMBA_PASSWORD, SAMBA_BASE)
    }

    /// Adds users of `STAFF`, each with more lines of LDIF. They have no password and may be without one.
    #[track_caller]
    pub fn add_users<'a>(&self, users: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let ldif: String = users
            .into_iter()
            .map(|(name, more)| {
                let dn = staff_dn(name);
                format!(
                    "dn: {dn}\nobjectClass: user\nsAMAccountName: {name}\nuserAccountControl: 544\n\
                     mail: {name}@lab.test\ndisplayName: {name}\n{more}\n"
                )
            })
            .collect();
        self.tools().feed("ldapadd", &[], &ldif);
    }

    #[track_caller]
    pub fn add_user(&self, name: &str) {
        self.add_users([(name, "")]);
    }

    /// Adds a security group to `GROUPS`; members are DNs.
    #[track_caller]
    pub fn add_group(&self, name: &str, members: &[&str]) {
        let members: String = members.iter().map(|member| format!("member: {member}\n")).collect();
        let dn = samba_group_dn(name);
        self.tools().feed(
            "ldapadd",
            &[],
            &format!("dn: {dn}\nobjectClass: group\nsAMAccountName: {name}\n{members}"),
        );
    }

    /// 544 is a user in order, 546 one that is disabled.
    #[track_caller]
    pub fn set_user_account_control(&self, dn: &str, bits: u32) {
        self.tools().set(dn, "userAccountControl", &[&bits.to_string()]);
    }

    /// Makes a group, which must list the user, the primary one: then it lists the user no more.
    #[track_caller]
    pub fn set_primary_group(&self, user: &str, group: &str) {
        let token = self.tools().value(group, "primaryGroupToken").expect("a security group has one");
        self.tools().set(user, "primaryGroupID", &[&token]);
    }

    /// highestCommittedUSN.
    #[track_caller]
    pub fn usn(&self) -> u64 {
        let usn = self.tools().value("", "highestCommittedUSN").expect("the rootDSE has it");
        usn.parse().expect("a number")
    }

    /// SIGKILL, and its port closed.
    pub fn kill(&self) {
        run(&mut crate::binaries::signal(self.child.id(), "-KILL"));
        wait_until("Samba is gone", || TcpStream::connect((&*self.address, 389)).is_err());
    }

    /// The server back at its address with the same data.
    pub fn restart(&mut self) {
        self.end();
        self.child = serve(&self.home);
        self.wait_until_it_answers();
    }

    /// A copy of its data, for `restore`.
    pub fn backup(&mut self) -> PathBuf {
        self.end();
        let copy = new_home();
        run(Command::new("cp").arg("-a").arg(&self.home).arg(&copy));
        self.restart();
        copy
    }

    /// The server back with older data: its USNs are lower than they were.
    pub fn restore(&mut self, backup: &Path) {
        self.end();
        fs::remove_dir_all(&self.home).expect("it is ours");
        run(Command::new("cp").arg("-a").arg(backup).arg(&self.home));
        self.restart();
    }

    /// Another controller of the domain at this address: same entries, another invocationId.
    pub fn become_another(&mut self) {
        self.end();
        // Samba's modules belong to Debian's Python, whatever else is on the PATH.
        let script = include_str!("samba/other_controller.py");
        run(Command::new("/usr/bin/python3").args(["-c", script]).arg(&self.home));
        self.restart();
    }

    /// The controller's invocationId, as ldapsearch writes it.
    #[track_caller]
    pub fn invocation_id(&self) -> String {
        let service = self.tools().value("", "dsServiceName").expect("the rootDSE has it");
        self.tools().value(&service, "invocationId").expect("it has one")
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::forget(self.child.id());
    }

    fn wait_until_it_answers(&self) {
        wait_until("Samba answers", || {
            assert!(Path::new(&format!("/proc/{}", self.child.id())).exists(), "Samba is there");
            let asked = ["-s", "base", "-b", SAMBA_BASE, "dn"];
            TcpStream::connect((&*self.address, 636)).is_ok()
                && output(self.tools().command("ldapsearch").args(asked)).status.success()
        });
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_dir_all(&self.home);
    }
}

pub fn staff_dn(name: &str) -> String {
    format!("CN={name},{STAFF}")
}

pub fn samba_group_dn(name: &str) -> String {
    format!("CN={name},{GROUPS}")
}

fn new_home() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tests/samba-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let home = target().join(name);
    watchdog::finally(&format!("rm -rf '{}'", home.display()));
    home
}

/// An address of the loopback network that nobody uses: processes have ranges of their own.
fn free_address() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    let process = std::process::id();
    loop {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        assert!(n < 255, "127.x.y.0/24 is used up");
        let address = format!("127.{}.{}.{n}", 100 + process / 256 % 100, process % 256);
        if PORTS.iter().all(|&port| TcpListener::bind((&*address, port)).is_ok()) {
            return address;
        }
    }
}

fn serve(home: &Path) -> Child {
    let log = fs::File::create(home.join("out")).expect("a log file");
    let child = Command::new("samba")
        .args(["-F", "-M", "single", "--no-process-group", "-s"])
        .arg(home.join("smb.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("samba starts (package samba-ad-dc)");
    watchdog::remember(child.id());
    child
}

fn configuration(home: &Path, address: &str) -> String {
    let tls = Tls::shared();
    let (certificate, key) = tls.issue(address);
    let (home, ca) = (home.display(), tls.ca.display());
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        "[global]
netbios name = DC1
realm = LAB.TEST
workgroup = LAB
server role = active directory domain controller
server services = ldap
# Without a mask it finds no interface.
interfaces = {address}/8
bind interfaces only = yes
ldap server require strong auth = no
ldb:nosync = yes
tls keyfile = {key}
tls certfile = {certificate}
tls cafile = {ca}
binddns dir = {home}/bind-dns
cache directory = {home}/cache
lock directory = {home}
private dir = {home}/private
state directory = {home}/state
pid directory = {home}/run
ncalrpc dir = {home}/ncalrpc
winbindd socket directory = {home}/winbindd
ntp signd socket directory = {home}/ntp_signd
log file = {home}/log
"
    )
}
