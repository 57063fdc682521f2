//! The assumed user lives in a setting: PostgreSQL then rolls it back with savepoints, ends it with the
//! transaction and hands it to parallel workers. Nobody else may set it, superusers included.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use pgrx::pg_sys;

use super::backend::Backend;
use super::{cache, moment};

const NAME: &CStr = c"roster.assumed_user";

/// The setting as PostgreSQL keeps it: a user_id in digits, or nothing.
static SETTING: Backend<*mut c_char> = Backend::new(std::ptr::null_mut());

/// The setting as a number; 0 = nobody is assumed.
static ASSUMED: Backend<i64> = Backend::new(0);

/// The user_id that `assume` is setting at this moment; 0 = it is not.
static EXPECTED: Backend<i64> = Backend::new(0);

/// PostgreSQL 15 cannot refuse RESET: there, a superuser's ends the assumption, as COMMIT would.
#[cfg(feature = "pg15")]
const NO_RESET: u32 = 0;
#[cfg(not(feature = "pg15"))]
const NO_RESET: u32 = pg_sys::GUC_NO_RESET;

pub(super) fn assumed_user_id() -> Option<i64> {
    Some(ASSUMED.read()).filter(|&user_id| user_id != 0)
}

/// Up to the end of the transaction, or to a rollback to a savepoint before.
pub(super) fn assume(user_id: i64) {
    let Ok(value) = CString::new(user_id.to_string()) else { return };
    let _expecting = Expecting::new(user_id);
    // SAFETY: both texts are terminated and live through the call.
    unsafe {
        pg_sys::set_config_option(
            NAME.as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// Ends with its scope, also when PostgreSQL raises an error in it.
struct Expecting;

impl Expecting {
    fn new(user_id: i64) -> Self {
        EXPECTED.write(user_id);
        Self
    }
}

impl Drop for Expecting {
    fn drop(&mut self) {
        EXPECTED.write(0);
    }
}

/// Once per backend, when the library is loaded. A value that the setting got before (nothing protects the
/// name until then) goes through the check like any other, and is dropped with a warning.
pub(super) fn register() {
    let flags = NO_RESET
        | pg_sys::GUC_NO_SHOW_ALL
        | pg_sys::GUC_NO_RESET_ALL
        | pg_sys::GUC_NOT_IN_SAMPLE
        | pg_sys::GUC_DISALLOW_IN_FILE;
    // SAFETY: called from _PG_init; all that is passed lives as long as the backend.
    unsafe {
        pg_sys::DefineCustomStringVariable(
            NAME.as_ptr(),
            c"User that roster.assume_user() assumed in this transaction, by user_id.".as_ptr(),
            std::ptr::null(),
            SETTING.get(),
            c"".as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            flags as c_int,
            Some(check),
            Some(assign),
            None,
        );
        pg_sys::RegisterXactCallback(Some(transaction_ended), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_ended), std::ptr::null_mut());
    }
}

// What follows is called by PostgreSQL at places that allow no error: no panic, no call that raises one.

/// Lets through: nothing at all as the default, what `assume` sets, and what a leader hands to its worker.
unsafe extern "C-unwind" fn check(
    value: *mut *mut c_char,
    _extra: *mut *mut c_void,
    source: pg_sys::GucSource::Type,
) -> bool {
    // SAFETY: PostgreSQL passes a terminated text, or null.
    let text = unsafe { bytes_of(*value) };
    if text.is_empty() && source == pg_sys::GucSource::PGC_S_DEFAULT {
        return true;
    }
    // SAFETY: a plain read.
    let from_leader = unsafe { pg_sys::InitializingParallelWorker };
    if user_id(text).is_some_and(|user_id| from_leader || user_id == EXPECTED.read()) {
        return true;
    }
    // SAFETY: PostgreSQL only prints it.
    unsafe { pg_sys::GUC_check_errhint_string = c"Call roster.assume_user() instead.".as_ptr().cast_mut() };
    false
}

unsafe extern "C-unwind" fn assign(value: *const c_char, _extra: *mut c_void) {
    // SAFETY: as in `check`.
    ASSUMED.write(user_id(unsafe { bytes_of(value) }).unwrap_or(0));
    moment::start_generation();
}

unsafe extern "C-unwind" fn transaction_ended(event: pg_sys::XactEvent::Type, _: *mut c_void) {
    use pg_sys::XactEvent::{XACT_EVENT_PARALLEL_PRE_COMMIT, XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE};
    // Deferred triggers may still run after these.
    if matches!(event, XACT_EVENT_PRE_COMMIT | XACT_EVENT_PARALLEL_PRE_COMMIT | XACT_EVENT_PRE_PREPARE) {
        return;
    }
    moment::start_generation();
    cache::clear();
}

unsafe extern "C-unwind" fn subtransaction_ended(
    event: pg_sys::SubXactEvent::Type,
    _: pg_sys::SubTransactionId,
    _: pg_sys::SubTransactionId,
    _: *mut c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        moment::start_generation();
    }
}

/// # Safety
/// `text` is null or terminated, and outlives what is made of it.
unsafe fn bytes_of<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// A positive number in digits.
fn user_id(text: &[u8]) -> Option<i64> {
    let digits = text.iter().all(u8::is_ascii_digit);
    let number = str::from_utf8(text).ok().filter(|_| digits)?;
    number.parse().ok().filter(|&user_id| user_id > 0)
}
