//! Statements of this library's own: as roster_owner, under a pinned search_path, on the snapshot in force.

use std::ffi::{CStr, c_char, c_int};

use pgrx::pg_sys;

use super::backend::Backend;

const OWNER: &CStr = c"roster_owner";
const SEARCH_PATH: &CStr = c"pg_catalog, pg_temp";

/// A statement with its plan, which is made once per backend. PostgreSQL renews it when what it reads changes.
#[derive(Debug)]
pub(super) struct Statement {
    sql: &'static CStr,
    types: &'static [pg_sys::Oid],
    plan: Backend<pg_sys::SPIPlanPtr>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Argument<'a> {
    Number(i64),
    Text(&'a [u8]),
}

/// One row of the answer; good inside the closure that gets it.
#[derive(Debug)]
pub(super) struct Row {
    tuple: pg_sys::HeapTuple,
    shape: pg_sys::TupleDesc,
}

impl Statement {
    /// `sql` must end with a zero byte.
    pub(super) const fn new(sql: &'static str, types: &'static [pg_sys::Oid]) -> Self {
        let Ok(sql) = CStr::from_bytes_with_nul(sql.as_bytes()) else {
            panic!("a statement ends with its only zero byte")
        };
        Self { sql, types, plan: Backend::new(std::ptr::null_mut()) }
    }

    /// The rows, as `read` takes them. There must be an active snapshot.
    pub(super) fn rows<T>(&self, arguments: &[Argument], read: impl Fn(&Row) -> T) -> Vec<T> {
        debug_assert_eq!(arguments.len(), self.types.len());
        // SAFETY: connect, execute and finish in this order. Where PostgreSQL raises an error in between, the end
        // of the (sub)transaction undoes what was begun here: connection, user, search_path.
        unsafe {
            let caller = OwnerRights::take();
            check(pg_sys::SPI_connect());
            let mut values: Vec<pg_sys::Datum> = arguments.iter().map(Argument::datum).collect();
            // read_only: on the very snapshot that the answer is kept for. Otherwise a helper would see rows that
            // its own statement has written.
            check(pg_sys::SPI_execute_plan(
                self.plan(),
                values.as_mut_ptr(),
                std::ptr::null::<c_char>(),
                true,
                0,
            ));
            let rows = read_all(read);
            check(pg_sys::SPI_finish());
            caller.give_back();
            rows
        }
    }

    /// # Safety
    /// Connected to SPI.
    unsafe fn plan(&self) -> pg_sys::SPIPlanPtr {
        if self.plan.read().is_null() {
            // A generic plan: planning anew for each user would cost more than the answer.
            // SAFETY: PostgreSQL copies what it is given, and keeps the plan for good.
            unsafe {
                let plan = pg_sys::SPI_prepare_cursor(
                    self.sql.as_ptr(),
                    self.types.len() as c_int,
                    self.types.as_ptr().cast_mut(),
                    pg_sys::CURSOR_OPT_GENERIC_PLAN as c_int,
                );
                check(pg_sys::SPI_keepplan(plan));
                self.plan.write(plan);
            }
        }
        self.plan.read()
    }
}

/// # Safety
/// Right after SPI_execute_plan.
unsafe fn read_all<T>(read: impl Fn(&Row) -> T) -> Vec<T> {
    // SAFETY: the table belongs to the statement just executed and has that many rows.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        let tuples = std::slice::from_raw_parts((*table).vals, pg_sys::SPI_processed as usize);
        tuples.iter().map(|&tuple| read(&Row { tuple, shape: (*table).tupdesc })).collect()
    }
}

impl Row {
    /// Columns count from 1.
    pub(super) fn number(&self, column: c_int) -> i64 {
        self.datum(column).value() as i64
    }

    pub(super) fn text(&self, column: c_int) -> Box<[u8]> {
        // SAFETY: the statements of this library return NOT NULL columns of type text where this is asked.
        unsafe {
            let text = pg_sys::pg_detoast_datum_packed(self.datum(column).cast_mut_ptr());
            pgrx::varlena_to_byte_slice(text).into()
        }
    }

    pub(super) fn string(&self, column: c_int) -> String {
        String::from_utf8_lossy(&self.text(column)).into_owned()
    }

    fn datum(&self, column: c_int) -> pg_sys::Datum {
        let mut is_null = false;
        // SAFETY: tuple and shape belong together.
        unsafe { pg_sys::SPI_getbinval(self.tuple, self.shape, column, &mut is_null) }
    }
}

impl Argument<'_> {
    fn datum(&self) -> pg_sys::Datum {
        match *self {
            Self::Number(number) => pg_sys::Datum::from(number),
            // SAFETY: PostgreSQL copies the bytes, into memory that ends with the SPI connection.
            Self::Text(text) => unsafe {
                pg_sys::cstring_to_text_with_len(text.as_ptr().cast(), text.len() as c_int).into()
            },
        }
    }
}

/// The rights of roster_owner, for one statement.
struct OwnerRights {
    user: pg_sys::Oid,
    context: c_int,
    settings: c_int,
}

impl OwnerRights {
    unsafe fn take() -> Self {
        // SAFETY: as a SECURITY DEFINER function with a search_path of its own does it.
        unsafe {
            let owner = pg_sys::get_role_oid(OWNER.as_ptr(), false);
            let mut before =
                Self { user: pg_sys::InvalidOid, context: 0, settings: pg_sys::NewGUCNestLevel() };
            pg_sys::GetUserIdAndSecContext(&mut before.user, &mut before.context);
            let restricted = pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
            pg_sys::SetUserIdAndSecContext(owner, before.context | restricted as c_int);
            pg_sys::set_config_option(
                c"search_path".as_ptr(),
                SEARCH_PATH.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
            before
        }
    }

    unsafe fn give_back(self) {
        // SAFETY: the reverse of `take`.
        unsafe {
            pg_sys::AtEOXact_GUC(true, self.settings);
            pg_sys::SetUserIdAndSecContext(self.user, self.context);
        }
    }
}

fn check(result: c_int) {
    assert!(result >= 0, "SPI returned {result}");
}
