//! The arguments of `syncd discover`.

use std::path::PathBuf;

use clap::Args;

pub(super) const HELP: &str = "\
Reads the rootDSE and some entries, and prints SQL that creates an identity manager and a source for what it
found: bases, filters, what names and identifies people, profile, attributes worth deciding by, how groups
list their members. The reasons are comments above it: read them, change what you know better, and run it
with psql. Then: syncd check SOURCE. Nothing is changed, neither in the directory nor anywhere else.

Without --bind-dn and --external it looks around anonymously, as far as the server allows. The password is
read from the variable that --bind-password-env names, and the configuration refers to that variable; it is
never on the command line, and never printed.

Examples:
  syncd discover ldaps://ldap.example.org
  LDAP_PASSWORD=... syncd discover ldaps://dc1.example.org --bind-dn reader@example.org \\
    --bind-password-env LDAP_PASSWORD --ca-file /etc/ssl/example-ca.pem > source.sql
  syncd discover ldapi://%2Frun%2Fslapd%2Fldapi --external --base ou=staff,dc=example,dc=org
  syncd discover ldap://localhost --start-tls --json | jq .config";

#[derive(Debug, Clone, Args)]
pub struct DiscoverArgs {
    /// ldaps://, ldap:// (with --start-tls, or to this machine) or ldapi://, its socket percent-encoded
    pub url: String,

    /// Who looks around; AD also takes user@domain
    #[arg(long, value_name = "DN", requires = "bind_password_env", conflicts_with = "external")]
    pub bind_dn: Option<String>,

    /// The variable that holds the password
    #[arg(long, value_name = "NAME", requires = "bind_dn")]
    pub bind_password_env: Option<String>,

    /// SASL EXTERNAL: by --client-cert, or by the account of this process over ldapi://
    #[arg(long)]
    pub external: bool,

    /// Encrypt an ldap:// connection before anything else is sent
    #[arg(long)]
    pub start_tls: bool,

    /// The authority that signed the server's certificate (PEM) [default: those of the system]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// A client certificate and its issuers (PEM); needs --client-key-file
    #[arg(long, value_name = "FILE", requires = "client_key_file")]
    pub client_cert: Option<PathBuf>,

    /// The name of the client certificate's key (PEM) in the directory of --secrets-dir
    #[arg(long, value_name = "NAME", requires = "client_cert")]
    pub client_key_file: Option<String>,

    /// Look below this entry only [default: what the server says that it holds]
    #[arg(long, value_name = "DN")]
    pub base: Option<String>,

    /// Send everything in clear text beyond this machine, because the network in between is safe
    #[arg(long)]
    pub allow_clear_text: bool,

    /// Give up on any single answer after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub timeout: u16,

    /// Print the configuration, the SQL and the reasons as one JSON document
    #[arg(long)]
    pub json: bool,
}
