//! The helpers themselves. Those that are asked once per row answer from the cache without entering pgrx's
//! handlers of panics and errors: nothing on that way panics or calls what raises an error.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::pgrx_extern_c_guard;
use pgrx::prelude::*;

use super::array;
use super::cache::Kind;
use super::call::{Call, at_moment};
use super::load::{self, stored_form};
use super::values::Values;

/// Declares a function as PostgreSQL looks for it in a library.
macro_rules! native {
    ($info:ident, $function:ident, $body:expr) => {
        #[unsafe(no_mangle)]
        pub extern "C-unwind" fn $info() -> &'static pg_sys::Pg_finfo_record {
            &pg_sys::Pg_finfo_record { api_version: 1 }
        }

        /// # Safety
        /// Called by PostgreSQL for the SQL function that `sql/65_policy.sql` declares: STRICT, of texts.
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $function(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
            // SAFETY: promised by the caller.
            let call = unsafe { Call::new(fcinfo) };
            $body(&call)
        }
    };
}
pub(super) use native;

native!(pg_finfo_roster_has_attribute, roster_has_attribute, |call: &Call| { HAS_ATTRIBUTE.ask(call) });
native!(pg_finfo_roster_has_attribute_under, roster_has_attribute_under, |call: &Call| {
    HAS_ATTRIBUTE_UNDER.ask(call)
});
native!(pg_finfo_roster_in_group, roster_in_group, |call: &Call| IN_GROUP.ask(call));
native!(pg_finfo_roster_has_permission, roster_has_permission, |call: &Call| HAS_PERMISSION.ask(call));
native!(pg_finfo_roster_attribute_values, roster_attribute_values, |call: &Call| guarded(|| {
    array::copy_of(attribute_entry(call))
}));

const HAS_ATTRIBUTE: Question = Question {
    kind: Kind::Attribute,
    name: Some(0),
    text: 1,
    holds: |values, text| Some(values.contains(text)),
};
const HAS_ATTRIBUTE_UNDER: Question = Question {
    kind: Kind::Attribute,
    name: Some(0),
    text: 1,
    holds: |values, path| Some(values.covers(path)),
};
const IN_GROUP: Question = Question { kind: Kind::Groups, name: None, text: 0, holds: contains_name };
const HAS_PERMISSION: Question =
    Question { kind: Kind::Permissions, name: None, text: 0, holds: contains_name };

/// What is asked of the values of the current user.
struct Question {
    kind: Kind,
    /// The argument that names the values.
    name: Option<usize>,
    /// The argument that is looked for in them.
    text: usize,
    /// None: it takes more than a look to tell.
    holds: fn(&Values, &[u8]) -> Option<bool>,
}

impl Question {
    #[inline(always)]
    fn ask(&self, call: &Call) -> pg_sys::Datum {
        if let (Some(entry), Some(text)) = (call.remembered(self.name), call.plain_text(self.text)) {
            match &entry.values {
                None => return call.null(),
                Some(values) => {
                    if let Some(holds) = (self.holds)(values, text) {
                        return call.answer(holds);
                    }
                }
            }
        }
        self.ask_in_full(call)
    }

    #[cold]
    #[inline(never)]
    fn ask_in_full(&self, call: &Call) -> pg_sys::Datum {
        guarded(|| {
            let entry = at_moment(|moment| call.entry(moment, self.kind, self.name));
            let Some(values) = &entry.values else { return call.null() };
            let text = call.text(self.text);
            call.answer((self.holds)(values, text).unwrap_or_else(|| values.contains(&stored_form(text))))
        })
    }
}

/// A name that is not in ASCII may be there in another form.
fn contains_name(values: &Values, name: &[u8]) -> Option<bool> {
    if values.contains(name) {
        return Some(true);
    }
    name.is_ascii().then_some(false)
}

fn attribute_entry(call: &Call) -> &'static super::cache::Entry {
    call.remembered(Some(0))
        .unwrap_or_else(|| at_moment(|moment| call.entry(moment, Kind::Attribute, Some(0))))
}

/// Turns panics, and errors of PostgreSQL, into errors of PostgreSQL.
pub(super) fn guarded(work: impl FnOnce() -> pg_sys::Datum) -> pg_sys::Datum {
    // SAFETY: called by PostgreSQL, from the functions above.
    unsafe { pgrx_extern_c_guard(work) }
}

/// A group that is NULL could be any: no answer.
#[pg_extern(sql = false, stable, strict, parallel_safe)]
fn in_all_groups(names: Array<'_, &str>) -> Option<bool> {
    let entry = at_moment(|moment| load::entry(moment, Kind::Groups, &[]));
    let values = entry.values.as_ref()?;
    let names = names.iter().collect::<Option<Vec<_>>>()?;
    Some(names.iter().all(|name| values.contains(&stored_form(name.as_bytes()))))
}

#[pg_extern(sql = false, stable, parallel_safe)]
fn current_user_id() -> Option<i64> {
    at_moment(load::user).map(|user| user.user_id)
}

#[pg_extern(sql = false, stable, parallel_safe)]
fn username() -> Option<&'static str> {
    at_moment(load::user).map(|user| user.username.as_str())
}

#[pg_extern(sql = false, stable, parallel_safe)]
fn iam() -> Option<&'static str> {
    at_moment(load::user).map(|user| user.iam.as_str())
}
