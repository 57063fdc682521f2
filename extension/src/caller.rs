//! Who is calling: the role in force for the session.

use pgrx::pg_sys;
use pgrx::prelude::*;

/// The outer user: SET ROLE counts, SECURITY DEFINER does not. SQL's `current_user` would name the definer.
#[pg_extern(sql = false, stable, parallel_safe)]
fn caller() -> String {
    // SAFETY: the outer user is always set in a running backend, and with `noerr = false` PostgreSQL
    // raises an error instead of returning a null pointer. The name is a palloc'ed, terminated string.
    let name =
        unsafe { std::ffi::CStr::from_ptr(pg_sys::GetUserNameFromId(pg_sys::GetOuterUserId(), false)) };
    name.to_string_lossy().into_owned()
}
