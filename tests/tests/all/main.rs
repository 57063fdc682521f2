//! All tests, in one binary: they share one PostgreSQL cluster and link once.

mod architecture;
mod builtin;
mod catalog;
mod concurrency;
mod credentials;
mod daemon_interface;
mod databases;
mod dump;
mod effective;
mod errors;
mod feed;
mod harness;
mod ldap;
mod model;
mod names;
mod permissions;
mod platforms;
mod policy;
mod readme;
mod reference;
mod rules;
mod sources;
mod sql_api;
mod sso;
mod validity;
mod worked_calls;
