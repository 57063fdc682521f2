//! `syncd discover`: a source for an LDAP directory, written by looking around in it.

use std::io::{self, Write, stdout};
use std::path::absolute;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::cli::DiscoverArgs;
use crate::connector::ldap::{self, Proposal};
use crate::output::{CommandError, json, printable};
use crate::secret::Secrets;

#[derive(Debug, Serialize)]
struct Report<'a> {
    server: &'a str,
    config: &'a Value,
    sql: &'a str,
    reasons: &'a [String],
}

pub async fn discover(args: &DiscoverArgs, secrets: &Secrets) -> Result<Outcome, CommandError> {
    let how = how(args)?;
    let proposal = ldap::discover(&how, args.base.as_deref(), secrets).await?;
    let sql = statements(&proposal)?;
    let mut out = stdout().lock();
    let Proposal { server, config, reasons, .. } = &proposal;
    match args.json {
        true => json(&mut out, &Report { server, config, sql: &sql, reasons })?,
        false => print(&mut out, args, &proposal, &sql)?,
    }
    Ok(Outcome::Ok)
}

/// The part of the configuration that the command line gives.
fn how(args: &DiscoverArgs) -> io::Result<Map<String, Value>> {
    let mut keys = Map::new();
    let mut set = |key: &str, value: Value| drop(keys.insert(key.to_owned(), value));
    set("urls", json!([args.url]));
    if let (Some(dn), Some(variable)) = (&args.bind_dn, &args.bind_password_env) {
        set("bind_dn", json!(dn));
        set("bind_password", json!({"env": variable}));
    }
    if args.external {
        set("bind", json!("external"));
    }
    if args.start_tls {
        set("start_tls", json!(true));
    }
    if let Some(file) = &args.ca_file {
        set("ca_file", json!(absolute(file)?));
    }
    if let (Some(certificate), Some(key)) = (&args.client_cert, &args.client_key_file) {
        set("client_cert", json!(absolute(certificate)?));
        set("client_key", json!({"file": key}));
    }
    if args.allow_clear_text {
        set("allow_clear_text", json!(true));
    }
    if args.timeout != 30 {
        set("timeout_seconds", json!(args.timeout));
    }
    Ok(keys)
}

fn print(out: &mut impl Write, args: &DiscoverArgs, proposal: &Proposal, sql: &str) -> io::Result<()> {
    writeln!(out, "-- A source for {}, as syncd discover proposes it:", printable(&args.url))?;
    for reason in &proposal.reasons {
        writeln!(out, "--   {}", printable(reason))?;
    }
    writeln!(out, "-- Change what you know better. Afterwards: syncd check {}\n", source(&proposal.root))?;
    writeln!(out, "{sql}")
}

/// For a person to run.
fn statements(proposal: &Proposal) -> io::Result<String> {
    let quoted = |name: String| format!("'{name}'");
    let config = dollar_quoted(&serde_json::to_string_pretty(&proposal.config)?);
    let sql = include_str!("../sql/discovered.sql").trim_end();
    let sql = sql.replace(":iam", &quoted(name(&proposal.root)));
    // The configuration comes last: what it contains is no variable.
    Ok(sql.replace(":source", &quoted(source(&proposal.root))).replace(":config", &config))
}

/// Ends nowhere before its end, whatever a directory has names for.
fn dollar_quoted(text: &str) -> String {
    let mut tag = "$config$".to_owned();
    while text.contains(&tag) {
        tag.insert(1, 'x');
    }
    format!("{tag}\n{text}\n{tag}")
}

fn source(root: &str) -> String {
    format!("{}-ldap", name(root))
}

/// `dc=example,dc=org` is example.
fn name(root: &str) -> String {
    let value = root.split(',').next().and_then(|rdn| rdn.split_once('=')).map_or("", |(_, value)| value);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = value.trim().chars().map(plain).collect();
    if name.is_empty() { "directory".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_directory() {
        assert_eq!(name("dc=example,dc=org"), "example");
        assert_eq!(name("O=Big Corp's"), "big_corp_s");
        assert_eq!(name(""), "directory");
        assert_eq!(source("DC=Corp,DC=net"), "corp-ldap");
    }

    #[test]
    fn the_statements_are_complete() {
        let proposal = Proposal {
            server: "openldap".to_owned(),
            config: json!({"user_base": "ou=:iam,dc=example"}),
            reasons: Vec::new(),
            root: "dc=example".to_owned(),
        };
        let sql = statements(&proposal).unwrap();
        assert!(sql.contains("create_identity_manager('example', kind"), "{sql}");
        assert!(sql.contains("create_source('example-ldap', iam => 'example', kind => 'ldap'"), "{sql}");
        assert!(sql.contains("ou=:iam,dc=example") && sql.ends_with("$config$);"), "{sql}");
    }

    #[test]
    fn a_quotation_cannot_be_left() {
        assert_eq!(dollar_quoted("{}"), "$config$\n{}\n$config$");
        assert_eq!(dollar_quoted("a $config$; DROP"), "$xconfig$\na $config$; DROP\n$xconfig$");
    }
}
