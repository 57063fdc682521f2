//! The directory servers of the harness do what the tests of LDAP rely on.

mod dirsrv;
mod fake;
mod samba;
mod slapd;
