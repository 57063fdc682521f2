//! A helper called by PostgreSQL: its arguments, and the shortcut to the answer of the row before.

use std::ffi::c_void;

use pgrx::pg_sys;

use super::cache::{self, Entry, Kind, Page};
use super::load;
use super::moment::Moment;

/// A call of a STRICT function, so no argument is NULL.
pub(super) struct Call(pg_sys::FunctionCallInfo);

/// What the call site remembers (`fn_extra`). It is only a shortcut: PL/pgSQL keeps call sites across
/// statements, users and transactions, and every partition has one of its own.
#[repr(C)]
struct Shortcut {
    page: u64,
    entry: *const Entry,
    /// The name is written in the query: it need not be compared again.
    constant: bool,
}

impl Call {
    /// # Safety
    /// The call goes to a STRICT function whose arguments are of type text, and lasts as long as the value.
    #[inline]
    pub(super) unsafe fn new(fcinfo: pg_sys::FunctionCallInfo) -> Self {
        Self(fcinfo)
    }

    /// The text if it lies in the row as it is; compressed and long ones are fetched by `text`.
    #[inline]
    pub(super) fn plain_text(&self, argument: usize) -> Option<&[u8]> {
        // SAFETY: see `new`: a valid varlena. Its header says which kind it is, and how long.
        unsafe {
            let text = self.datum(argument).cast_mut_ptr::<pg_sys::varlena>();
            if !pgrx::varatt_is_1b_e(text) && (pgrx::varatt_is_1b(text) || pgrx::varatt_is_4b_u(text)) {
                return Some(pgrx::varlena_to_byte_slice(text));
            }
            None
        }
    }

    /// The text, wherever it is. PostgreSQL may raise an error.
    pub(super) fn text(&self, argument: usize) -> &[u8] {
        // SAFETY: see `new`. What is fetched lives in the memory of this row.
        unsafe {
            let text = pg_sys::pg_detoast_datum_packed(self.datum(argument).cast_mut_ptr());
            pgrx::varlena_to_byte_slice(text)
        }
    }

    /// The entry that this call site used last, if it still holds and is of that name.
    #[inline]
    pub(super) fn remembered(&self, name: Option<usize>) -> Option<&'static Entry> {
        let page = cache::current(&Moment::now()?)?;
        // SAFETY: fn_extra is null or what `remember` left there. The entry is there as long as its page.
        let (shortcut, entry) = unsafe {
            let flinfo = (*self.0).flinfo.as_ref()?;
            let shortcut = flinfo.fn_extra.cast::<Shortcut>().as_ref().filter(|it| it.page == page.number)?;
            (shortcut, &*shortcut.entry)
        };
        match name {
            Some(name) if !shortcut.constant => {
                Some(entry).filter(|it| Some(&*it.name) == self.plain_text(name))
            }
            _ => Some(entry),
        }
    }

    /// The entry from the cache, or loaded into it. `name` is the argument that names it, if one does.
    pub(super) fn entry(&self, moment: &Moment, kind: Kind, name: Option<usize>) -> &'static Entry {
        let entry = load::entry(moment, kind, name.map_or(&[], |argument| self.text(argument)));
        // SAFETY: see `new`.
        unsafe { self.remember(cache::page(moment), entry, name) };
        entry
    }

    unsafe fn remember(&self, page: &Page, entry: &Entry, name: Option<usize>) {
        // SAFETY: the shortcut lives as long as the call site; only this function writes fn_extra.
        unsafe {
            let Some(flinfo) = (*self.0).flinfo.as_mut() else { return };
            if flinfo.fn_extra.is_null() {
                let place =
                    pg_sys::MemoryContextAlloc(flinfo.fn_mcxt, size_of::<Shortcut>()).cast::<Shortcut>();
                let constant = name.is_some_and(|argument| is_constant(flinfo.fn_expr.cast(), argument));
                place.write(Shortcut { page: 0, entry: std::ptr::null(), constant });
                flinfo.fn_extra = place.cast::<c_void>();
            }
            let shortcut = &mut *flinfo.fn_extra.cast::<Shortcut>();
            (shortcut.page, shortcut.entry) = (page.number, entry);
        }
    }

    #[inline]
    pub(super) fn answer(&self, answer: bool) -> pg_sys::Datum {
        pg_sys::Datum::from(answer)
    }

    #[inline]
    pub(super) fn null(&self) -> pg_sys::Datum {
        // SAFETY: see `new`.
        unsafe { (*self.0).isnull = true };
        pg_sys::Datum::from(0usize)
    }

    /// An argument of type `internal`.
    pub(super) fn pointer<T>(&self, argument: usize) -> *mut T {
        self.datum(argument).cast_mut_ptr()
    }

    #[inline]
    fn datum(&self, argument: usize) -> pg_sys::Datum {
        // SAFETY: see `new`; PostgreSQL passes as many arguments as the function has.
        unsafe { (*(*self.0).args.as_ptr().add(argument)).value }
    }
}

/// # Safety
/// `call` is null or the expression that the call site was made for.
unsafe fn is_constant(call: *mut pg_sys::Node, argument: usize) -> bool {
    // SAFETY: the tag says what the node is.
    unsafe {
        if call.is_null() || (*call).type_ != pg_sys::NodeTag::T_FuncExpr {
            return false;
        }
        let arguments = (*call.cast::<pg_sys::FuncExpr>()).args;
        let value = pg_sys::list_nth(arguments, argument as i32).cast::<pg_sys::Node>();
        !value.is_null() && (*value).type_ == pg_sys::NodeTag::T_Const
    }
}

/// Works at the moment in force; where there is none (no snapshot), at one made for it.
pub(super) fn at_moment<T>(work: impl FnOnce(&Moment) -> T) -> T {
    if let Some(moment) = Moment::now() {
        return work(&moment);
    }
    // SAFETY: pushed and popped in one place; an error ends the transaction, and the snapshot with it.
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let done = work(&Moment::now().expect("a snapshot was just pushed"));
        pg_sys::PopActiveSnapshot();
        done
    }
}
