use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{GROUPS, SAMBA_PASSWORD, STAFF};
use crate::binaries::{run, target};

/// To be counted up when what is made here changes: older ones are left alone then.
const EDITION: u32 = 1;

/// The domain that every server gets a copy of. Making it takes seconds, so it is kept below target/.
pub(super) fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let version = run(Command::new("samba").arg("--version"));
        let version = version.trim().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let kept = target().join(format!("tests/domain-{version}-{EDITION}"));
        if !kept.exists() {
            let made = target().join(format!("tests/domain-{}", std::process::id()));
            make(&made);
            // Another process may have been faster: then its is as good.
            if fs::rename(&made, &kept).is_err() {
                fs::remove_dir_all(&made).expect("it is ours");
            }
        }
        kept
    })
}

fn make(home: &Path) {
    let _ = fs::remove_dir_all(home);
    fs::create_dir_all(home).expect("target/ is ours");
    tool(
        home,
        "domain provision --realm=LAB.TEST --domain=LAB --server-role=dc --dns-backend=NONE --host-name=dc1 \
         --host-ip=127.0.0.1",
        &[
            &format!("--adminpass={SAMBA_PASSWORD}"),
            &format!("--targetdir={}", home.display()),
            // Extended attributes in a file: not every file system has them.
            &format!("--option=posix:eadb={}", home.join("eadb.tdb").display()),
            "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb",
        ],
    );
    let database = format!("-H{}", home.join("private/sam.ldb").display());
    // The domain may be kept for longer than a password is good.
    tool(home, "domain passwordsettings set --max-pwd-age=0", &[&database]);
    tool(home, "user create reader", &[SAMBA_PASSWORD, &database]);
    for unit in [STAFF, GROUPS] {
        tool(home, "ou create", &[unit, &database]);
    }
}

fn tool(home: &Path, command: &str, more: &[&str]) {
    let mut tool = Command::new("samba-tool");
    tool.args(command.split_whitespace()).args(more);
    let conf = home.join("etc/smb.conf");
    if conf.exists() {
        tool.arg("-s").arg(conf);
    }
    run(&mut tool);
}
