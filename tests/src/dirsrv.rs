use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::binaries::{output, run, target};
use crate::cluster::free_port;
use crate::directory::{BASE, Directory};
use crate::ldap_tools::LdapTools;
use crate::slapd::{ADMIN_DN, ADMIN_PASSWORD};
use crate::tls::Tls;
use crate::wait::wait_until;
use crate::watchdog;

const TEMPLATES: &str = "/usr/share/dirsrv/data";

/// The attributes and classes that slapd has in the tests.
const SCHEMA: &str = "dn: cn=schema
attributeTypes: ( 1.3.6.1.4.1.4203.666.11.90.1 NAME 'labCountry' SUP name )
attributeTypes: ( 1.3.6.1.4.1.4203.666.11.90.2 NAME 'labRole' SUP name )
attributeTypes: ( 1.3.6.1.4.1.4203.666.11.90.3 NAME 'labSalesRegion' SUP name )
attributeTypes: ( 1.3.6.1.4.1.4203.666.11.90.4 NAME 'labOrganization' SUP name )
attributeTypes: ( 1.3.6.1.4.1.4203.666.11.90.5 NAME 'labTerritories' SUP name )
objectClasses: ( 1.3.6.1.4.1.4203.666.11.91.1 NAME 'labPerson' SUP top AUXILIARY MAY ( labCountry $ labRole $ labSalesRegion ) )
objectClasses: ( 1.3.6.1.4.1.4203.666.11.91.2 NAME 'labGroup' SUP top STRUCTURAL MUST cn MAY ( member $ uniqueMember $ memberUid $ memberURL $ description $ labOrganization $ labTerritories ) )
";

/// A private 389-DS with the suffix, the administrator and the password of `Slapd`; ended on drop.
#[derive(Debug)]
pub struct Dirsrv {
    pub port: u16,
    pub tls_port: u16,
    home: PathBuf,
    child: Child,
}

impl Dirsrv {
    /// It keeps members in step with renames (referential integrity) and fills memberOf.
    pub fn start(directory: &Directory) -> Dirsrv {
        Dirsrv::start_with(directory, &["MemberOf Plugin", "referential integrity postoperation"])
    }

    /// The same, and it answers syncrepl.
    pub fn with_content_sync(directory: &Directory) -> Dirsrv {
        let plugins = [
            "MemberOf Plugin",
            "referential integrity postoperation",
            "Retro Changelog Plugin",
            "Content Synchronization",
        ];
        Dirsrv::start_with(directory, &plugins)
    }

    fn start_with(directory: &Directory, plugins: &[&str]) -> Dirsrv {
        let home = new_home();
        for folder in ["config/schema", "lock", "tmp", "ldif", "bak", "run", "log", "db", "inst"] {
            fs::create_dir_all(home.join(folder)).expect("target/ is ours");
        }
        let (port, tls_port) = (free_port(), free_port());
        fs::write(home.join("config/dse.ldif"), configuration(&home, port, tls_port, plugins))
            .expect("a configuration file");
        for file in ["config/certmap.conf", "config/slapd-collations.conf", "schema/99user.ldif"] {
            let to = home.join("config").join(file.trim_start_matches("config/"));
            fs::copy(Path::new("/etc/dirsrv").join(file), to).expect("a file of 389-ds-base");
        }
        fs::write(home.join("config/schema/98lab.ldif"), SCHEMA).expect("a schema file");
        certificates(&home);
        load(&home, directory);
        let child = serve(&home);
        let dirsrv = Dirsrv { port, tls_port, home, child };
        dirsrv.wait_until_it_answers();
        dirsrv
    }

    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// ldap-utils in the hands of the administrator.
    pub fn tools(&self) -> LdapTools {
        LdapTools::of(&self.url(), ADMIN_DN, ADMIN_PASSWORD, BASE)
    }

    /// What 389-DS calls disabled (nsAccountLock).
    #[track_caller]
    pub fn lock(&self, dn: &str, locked: bool) {
        let values: &[&str] = if locked { &["true"] } else { &[] };
        self.tools().set(dn, "nsAccountLock", values);
    }

    /// SIGKILL, and its port closed.
    pub fn kill(&self) {
        run(&mut crate::binaries::signal(self.child.id(), "-KILL"));
        wait_until("389-DS is gone", || TcpStream::connect(("127.0.0.1", self.port)).is_err());
    }

    /// The server back on the same ports with the same data.
    pub fn restart(&mut self) {
        self.end();
        self.child = serve(&self.home);
        self.wait_until_it_answers();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchdog::forget(self.child.id());
    }

    fn wait_until_it_answers(&self) {
        wait_until("389-DS answers", || {
            TcpStream::connect(("127.0.0.1", self.tls_port)).is_ok()
                && output(self.tools().command("ldapsearch").args(["-s", "base", "-b", BASE, "dn"]))
                    .status
                    .success()
        });
    }
}

impl Drop for Dirsrv {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn new_home() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tests/dirsrv-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let home = target().join(name);
    watchdog::finally(&format!("rm -rf '{}'", home.display()));
    home
}

/// The template that comes with the package, filled in, with these plugins switched on.
fn configuration(home: &Path, port: u16, tls_port: u16, plugins: &[&str]) -> String {
    let read = |name: &str| {
        fs::read_to_string(format!("{TEMPLATES}/{name}")).expect("a template (package 389-ds-base)")
    };
    let mut text = read("template-dse.ldif");
    let suffix = read("template-suffix-db.ldif");
    let at = suffix.find("dn: ").expect("an entry behind the comments");
    text = format!("{}\n\n{}\n", text.trim_end(), &suffix[at..]);
    for (name, folder) in [
        ("schema_dir", "config/schema"),
        ("lock_dir", "lock"),
        ("tmp_dir", "tmp"),
        ("cert_dir", "config"),
        ("config_dir", "config"),
        ("ldif_dir", "ldif"),
        ("bak_dir", "bak"),
        ("run_dir", "run"),
        ("inst_dir", "inst"),
        ("log_dir", "log"),
        ("db_dir", "db"),
        ("db_home_dir", "db"),
        ("ldapi", "run/ldapi"),
    ] {
        text = text.replace(&format!("%{name}%"), &home.join(folder).display().to_string());
    }
    let port = format!(
        "{port}\nnsslapd-listenhost: 127.0.0.1\nnsslapd-security: on\nnsslapd-secureport: {tls_port}\n\
         nsslapd-securelistenhost: 127.0.0.1"
    );
    for (name, value) in [
        ("fqdn", "localhost"),
        ("ds_port", &*port),
        ("ds_user", run(Command::new("id").arg("-un")).trim()),
        ("rootdn", ADMIN_DN),
        ("ds_passwd", run(Command::new("pwdhash").args(["-s", "SSHA", ADMIN_PASSWORD])).trim()),
        ("ldapi_enabled", "off"),
        ("ldapi_autobind", "off"),
        ("db_lib", "bdb"),
        ("ds_suffix", BASE),
        ("ds_bename", "userRoot"),
    ] {
        text = text.replace(&format!("%{name}%"), value);
    }
    let entries = text.split("\n\n").map(|entry| {
        let wanted = plugins.iter().any(|plugin| entry.contains(&format!("\ncn: {plugin}\n")));
        if wanted { entry.replace("pluginenabled: off", "pluginenabled: on") } else { entry.to_owned() }
    });
    entries.collect::<Vec<_>>().join("\n\n")
}

/// The certificate of the tests, in the form that the server wants.
fn certificates(home: &Path) {
    let (tls, config) = (Tls::shared(), home.join("config"));
    let bundle = home.join("server.p12");
    let password = "of-no-consequence";
    run(Command::new("certutil").args(["-N", "--empty-password", "-d"]).arg(&config));
    run(Command::new("certutil")
        .args(["-A", "-n", "CA", "-t", "CT,,", "-d"])
        .arg(&config)
        .arg("-i")
        .arg(&tls.ca));
    run(Command::new("openssl")
        .args(["pkcs12", "-export", "-name", "Server-Cert", "-passout", &format!("pass:{password}"), "-in"])
        .arg(&tls.certificate)
        .arg("-inkey")
        .arg(&tls.key)
        .arg("-out")
        .arg(&bundle));
    run(Command::new("pk12util").args(["-W", password, "-K", "", "-d"]).arg(&config).arg("-i").arg(&bundle));
}

fn load(home: &Path, directory: &Directory) {
    let file = home.join("load.ldif");
    fs::write(&file, directory.ldif.trim_start()).expect("an LDIF file");
    let done = output(
        Command::new("ns-slapd")
            .args(["ldif2db", "-n", "userRoot", "-D"])
            .arg(home.join("config"))
            .arg("-i")
            .arg(&file),
    );
    let said = String::from_utf8_lossy(&done.stderr);
    // An entry that it does not take is no failure to it.
    assert!(done.status.success() && !said.contains("Skipping entry"), "ldif2db: {said}");
}

fn serve(home: &Path) -> Child {
    let log = fs::File::create(home.join("out")).expect("a log file");
    let child = Command::new("ns-slapd")
        .args(["-d", "0", "-D"])
        .arg(home.join("config"))
        .arg("-i")
        .arg(home.join("run/pid"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .expect("ns-slapd starts (package 389-ds-base)");
    watchdog::remember(child.id());
    child
}
