//! The harness of the tests: it starts the real servers (PostgreSQL, OpenLDAP), puts a TCP proxy
//! between them where a test must choose the moment, and runs the daemon as a user would.
//!
//! Everything panics on trouble: a harness has nobody to return an error to.

mod ber;
mod binaries;
mod bouncer;
mod cluster;
mod cutter;
mod daemon;
mod database;
mod directory;
mod dirsrv;
pub mod fake_ldap;
mod follower;
mod ldap_tools;
mod proxy;
mod receiver;
mod rng;
mod samba;
mod scim;
mod served;
mod slapd;
mod tls;
mod wait;
mod watchdog;
mod web;
mod wire;

pub use binaries::{pg_binary, repository, run};
pub use bouncer::Bouncer;
pub use cluster::Cluster;
pub use cutter::Cutter;
pub use daemon::{Daemon, Finished, Running};
pub use database::{Db, Session};
pub use directory::{BASE, Directory, group_dn, user_dn};
pub use dirsrv::Dirsrv;
pub use follower::{Follower, Told};
pub use ldap_tools::{LdapTools, readable};
pub use proxy::{Hold, Proxy, Search};
pub use receiver::{Reaction, Received, Receiver};
pub use rng::Rng;
pub use samba::{
    GROUPS, SAMBA_ADMIN_DN, SAMBA_BASE, SAMBA_PASSWORD, SAMBA_READER_DN, STAFF, Samba, samba_group_dn,
    staff_dn,
};
pub use scim::{Answer, PATCH_OP, SCIM_JSON, Scim, encoded, patch_body};
pub use served::Served;
pub use slapd::{ADMIN_DN, ADMIN_PASSWORD, EXTERNAL_DN, Slapd, SlapdOptions};
pub use tls::Tls;
pub use wait::{PATIENCE, wait_until};
pub use web::{Asked, Reply, Web};
pub use wire::Wire;
