//! The directory servers of the harness do what the tests of LDAP rely on.

mod fake;
mod samba;
mod slapd;
