use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::binaries::{output, run};
use crate::directory::Directory;

/// Somebody with ldap-utils: changes a directory and looks at it.
#[derive(Debug, Clone)]
pub struct LdapTools {
    pub(crate) url: String,
    pub(crate) bind_dn: String,
    pub(crate) password: String,
    /// Where searches begin.
    pub(crate) base: String,
    /// The authority of a server that is asked over TLS.
    pub(crate) ca: Option<PathBuf>,
}

impl LdapTools {
    pub(crate) fn of(url: &str, bind_dn: &str, password: &str, base: &str) -> LdapTools {
        LdapTools {
            url: url.into(),
            bind_dn: bind_dn.into(),
            password: password.into(),
            base: base.into(),
            ca: None,
        }
    }

    /// The same under another URL, which may be one of TLS.
    pub fn at(&self, url: &str) -> LdapTools {
        let ca = url.starts_with("ldaps:").then(|| crate::Tls::shared().ca.clone());
        LdapTools { url: url.into(), ca, ..self.clone() }
    }

    /// Applies LDIF change records.
    #[track_caller]
    pub fn modify(&self, ldif: &str) {
        self.feed("ldapmodify", &[], ldif);
    }

    /// Sets an attribute to the given values (none: removes it).
    #[track_caller]
    pub fn set(&self, dn: &str, attribute: &str, values: &[&str]) {
        let values: String = values.iter().map(|value| format!("{attribute}: {value}\n")).collect();
        self.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{values}-\n"));
    }

    /// Adds one value.
    #[track_caller]
    pub fn add_value(&self, dn: &str, attribute: &str, value: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: modify\nadd: {attribute}\n{attribute}: {value}\n-\n"));
    }

    #[track_caller]
    pub fn remove_value(&self, dn: &str, attribute: &str, value: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: modify\ndelete: {attribute}\n{attribute}: {value}\n-\n"));
    }

    /// Adds entries.
    #[track_caller]
    pub fn add(&self, build: impl FnOnce(&mut Directory)) {
        let mut more = Directory { ldif: String::new() };
        build(&mut more);
        self.feed("ldapmodify", &["-a"], &more.ldif);
    }

    #[track_caller]
    pub fn delete(&self, dn: &str) {
        self.feed("ldapdelete", &[], &format!("{dn}\n"));
    }

    /// Gives an entry a new name in its place.
    #[track_caller]
    pub fn rename(&self, dn: &str, new_rdn: &str) {
        self.feed("ldapmodrdn", &["-r"], &format!("{dn}\n{new_rdn}\n"));
    }

    /// Moves an entry, with all below it, under another; returns its new DN.
    #[track_caller]
    pub fn move_below(&self, dn: &str, superior: &str) -> String {
        let rdn = dn.split(',').next().expect("a DN begins with an RDN");
        self.feed("ldapmodrdn", &["-r", "-s", superior], &format!("{dn}\n{rdn}\n"));
        format!("{rdn},{superior}")
    }

    /// The LDIF that a search answers with.
    #[track_caller]
    pub fn search(&self, filter: &str, attributes: &[&str]) -> String {
        self.search_with(&[], filter, attributes)
    }

    /// The same with more options of ldapsearch (a base, a scope, controls).
    #[track_caller]
    pub fn search_with(&self, options: &[&str], filter: &str, attributes: &[&str]) -> String {
        run(&mut self.searching(options, filter, attributes))
    }

    /// The same for a search that may fail: the exit status (LDAP's result code), standard output and errors.
    pub fn try_search(&self, options: &[&str], filter: &str, attributes: &[&str]) -> (i32, String, String) {
        let done = output(&mut self.searching(options, filter, attributes));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
    }

    /// The first value of an attribute of one entry.
    #[track_caller]
    pub fn value(&self, dn: &str, attribute: &str) -> Option<String> {
        let ldif = self.search_with(&["-s", "base", "-b", dn], "(objectClass=*)", &[attribute]);
        let start = format!("{attribute}:").to_lowercase();
        let line = ldif.lines().find(|line| line.to_lowercase().starts_with(&start))?;
        Some(line[start.len()..].trim_start_matches(':').trim().to_owned())
    }

    fn searching(&self, options: &[&str], filter: &str, attributes: &[&str]) -> Command {
        let mut command = self.command("ldapsearch");
        command.args(["-LLL", "-o", "ldif-wrap=no"]);
        // ldapsearch refuses a second base.
        if !options.contains(&"-b") {
            command.args(["-b", &self.base]);
        }
        command.args(options).arg(filter).args(attributes);
        command
    }

    /// A program of ldap-utils, bound as whoever this is.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["-x", "-D", &self.bind_dn, "-w", &self.password, "-H", &self.url]);
        match &self.ca {
            // LDAPNOINIT would make it forget this variable too.
            Some(ca) => command.env("LDAPCONF", "/dev/null").env("LDAPTLS_CACERT", ca),
            None => command.env("LDAPNOINIT", "1"),
        };
        command
    }

    #[track_caller]
    pub(crate) fn feed(&self, tool: &str, arguments: &[&str], input: &str) {
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
}

/// LDIF with text where ldapsearch wrote base64 of it (a value that begins with `<`, or is not ASCII).
pub fn readable(ldif: &str) -> String {
    let lines = ldif.lines().map(|line| match line.split_once(":: ") {
        Some((name, value)) => match base64(value).and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => format!("{name}: {text}\n"),
            None => format!("{line}\n"),
        },
        None => format!("{line}\n"),
    });
    lines.collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = DIGITS.iter().position(|&digit| digit == byte)?;
        bits = bits << 6 | u32::try_from(digit).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}
