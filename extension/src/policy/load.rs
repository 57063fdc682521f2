//! Finds out what the cache does not have: who the current user is, and what holds for them.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::pg_sys::{INT8OID, TEXTOID};

use super::assumed::assumed_user_id;
use super::cache::{self, Entry, Kind, User};
use super::moment::Moment;
use super::statement::{Argument, Row, Statement};
use super::values::Values;
use crate::name_key::name_key;

macro_rules! statement {
    ($name:ident, $file:literal, $($kind:ident),+) => {
        static $name: Statement = Statement::new(concat!(include_str!($file), "\0"), &[$($kind),+]);
    };
}

statement!(USER_OF_ROLE, "sql/user_of_role.sql", TEXTOID);
statement!(USER_OF_ID, "sql/user_of_id.sql", INT8OID);
statement!(USER_OF_NAME, "sql/user_of_name.sql", TEXTOID, TEXTOID);
statement!(ATTRIBUTE_VALUES, "sql/attribute_values.sql", INT8OID, TEXTOID);
statement!(GROUPS, "sql/groups.sql", INT8OID);
statement!(PERMISSIONS, "sql/permissions.sql", INT8OID);

/// The entry, from the cache or loaded into it. Good until the cache is asked again.
pub(super) fn entry(moment: &Moment, kind: Kind, name: &[u8]) -> &'static Entry {
    if cache::page(moment).entry(kind, name).is_none() {
        let values = user(moment).map(|user| Values::new(texts(kind, user.user_id, name)));
        cache::keep_entry(moment, kind, Entry { name: name.into(), values, array: OnceCell::new() });
    }
    cache::page(moment).entry(kind, name).expect("it was just put there")
}

/// The current user, from the cache or loaded into it.
pub(super) fn user(moment: &Moment) -> Option<&'static User> {
    if cache::page(moment).user().is_none() {
        let user = find_user(moment);
        cache::page(moment).keep_user(user);
    }
    cache::page(moment).user().and_then(Option::as_ref)
}

/// The active user of that name.
pub(super) fn user_of_name(username: &str, iam: &str) -> Option<User> {
    let iam = stored_form(iam.as_bytes());
    only(USER_OF_NAME.rows(&[Argument::Text(username.as_bytes()), Argument::Text(&iam)], read_user))
}

/// Names are stored in Unicode NFC, and may be asked for in another form.
pub(super) fn stored_form(name: &[u8]) -> Cow<'_, [u8]> {
    match str::from_utf8(name) {
        Ok(text) if !text.is_ascii() => Cow::Owned(name_key(text, true).into_owned().into_bytes()),
        _ => Cow::Borrowed(name),
    }
}

fn find_user(moment: &Moment) -> Option<User> {
    if let Some(user_id) = assumed_user_id() {
        return only(USER_OF_ID.rows(&[Argument::Number(user_id)], read_user));
    }
    let role = role_name(moment.role())?;
    only(USER_OF_ROLE.rows(&[Argument::Text(&role)], read_user))
}

/// None when the role was dropped under its session.
fn role_name(role: pg_sys::Oid) -> Option<Vec<u8>> {
    // SAFETY: with `noerr` the answer is null or a terminated text.
    let name = unsafe { pg_sys::GetUserNameFromId(role, true) };
    // SAFETY: as above.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_bytes().to_vec())
}

fn texts(kind: Kind, user_id: i64, name: &[u8]) -> Vec<Box<[u8]>> {
    let (user, text) = (Argument::Number(user_id), |row: &Row| row.text(1));
    match kind {
        Kind::Attribute => ATTRIBUTE_VALUES.rows(&[user, Argument::Text(&stored_form(name))], text),
        Kind::Groups => GROUPS.rows(&[user], text),
        Kind::Permissions => PERMISSIONS.rows(&[user], text),
    }
}

fn read_user(row: &Row) -> User {
    User { user_id: row.number(1), username: row.string(2), iam: row.string(3) }
}

/// None also when there are several: a name that could mean two people means nobody.
fn only<T>(mut rows: Vec<T>) -> Option<T> {
    if rows.len() == 1 { rows.pop() } else { None }
}
