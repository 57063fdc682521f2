//! All tests, in one binary: they share one PostgreSQL cluster and link once.

mod architecture;
mod builtin;
mod catalog;
mod concurrency;
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
mod readme;
mod reference;
mod sources;
mod validity;
mod worked_calls;
