use std::path::{Path, PathBuf};

use crate::directory::{BASE, Directory};
use crate::slapd::{ADMIN_DN, ADMIN_PASSWORD, Slapd};
use crate::tls::Tls;

/// Who a client is that shows the certificate of the tests or comes through the socket (`EXTERNAL`).
pub const EXTERNAL_DN: &str = "cn=external,dc=example,dc=org";

/// Attributes and classes of the tests: a group may be empty, which groupOfNames does not allow, and list its
/// members in any way.
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
  MAY ( member $ uniqueMember $ memberUid $ memberURL $ description $ labOrganization $ labTerritories ) )
";

/// How a server is set up.
#[derive(Debug, Clone, Default)]
pub struct SlapdOptions {
    schema: Option<String>,
    syncprov: bool,
    session_log: Option<u32>,
    external: bool,
    global: String,
    database: String,
}

impl SlapdOptions {
    /// Other attributes and classes than those of the tests.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        self.schema = Some(schema.into());
        self
    }

    /// Answers syncrepl (RFC 4533). Without a session log, deletions reach a client through the present phase.
    #[must_use]
    pub fn syncprov(mut self) -> Self {
        self.syncprov = true;
        self
    }

    /// Answers syncrepl, and remembers so many changes: deletions are named. A restart forgets them.
    #[must_use]
    pub fn session_log(mut self, changes: u32) -> Self {
        self.session_log = Some(changes);
        self.syncprov()
    }

    /// `EXTERNAL` over the socket (`ldapi_url`) and with the client certificate of `Tls::shared()` makes a client
    /// `EXTERNAL_DN`; who is not bound is told nothing.
    #[must_use]
    pub fn external(mut self) -> Self {
        self.external = true;
        self
    }

    /// More lines before the database.
    #[must_use]
    pub fn global(mut self, lines: &str) -> Self {
        self.global += lines;
        self.global += "\n";
        self
    }

    /// More lines of the database (limits, access rules), before its overlays.
    #[must_use]
    pub fn database(mut self, lines: &str) -> Self {
        self.database += lines;
        self.database += "\n";
        self
    }

    pub fn start(self, directory: &Directory) -> Slapd {
        Slapd::start_so(directory, &self)
    }

    pub(super) fn schema_text(&self) -> &str {
        self.schema.as_deref().unwrap_or(SCHEMA)
    }

    /// The socket for ldapi://, if there is one. Not below target/: its path would be too long for a socket.
    pub(super) fn socket(&self, home: &Path) -> Option<PathBuf> {
        let name = home.file_name()?.to_str()?;
        self.external.then(|| std::env::temp_dir().join(format!("roster-{name}.ldapi")))
    }

    fn global_lines(&self) -> String {
        let mut lines = self.global.clone();
        if self.syncprov {
            lines += "moduleload syncprov\n";
        }
        if self.external {
            lines += "TLSVerifyClient try\nrequire authc\n";
            for who in ["cn=syncer,o=example", "gidNumber=.*,cn=peercred,cn=external,cn=auth"] {
                lines += &format!("authz-regexp \"{who}\" \"{EXTERNAL_DN}\"\n");
            }
        }
        lines
    }

    fn overlay_lines(&self) -> String {
        let log = self.session_log.map(|changes| format!("syncprov-sessionlog {changes}\n"));
        if self.syncprov { format!("overlay syncprov\n{}", log.unwrap_or_default()) } else { String::new() }
    }

    pub(super) fn configuration(&self, home: &Path) -> String {
        let tls = Tls::shared();
        let (home, ca) = (home.display(), tls.ca.display());
        let (certificate, key) = (tls.certificate.display(), tls.key.display());
        let (global, database, overlays) = (self.global_lines(), &self.database, self.overlay_lines());
        format!(
            r#"
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/dyngroup.schema
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
{global}
database mdb
suffix "{BASE}"
rootdn "{ADMIN_DN}"
rootpw {ADMIN_PASSWORD}
directory {home}/db
maxsize 2147483648
dbnosync
limits dn.exact="uid=reader,ou=people,{BASE}" size.soft=25 size.hard=25 size.prtotal=25
index objectClass eq
index uid,cn eq
index member eq
index entryUUID,entryCSN,modifyTimestamp eq
{database}
overlay memberof
overlay refint
refint_attributes member
{overlays}
"#
        )
    }
}
