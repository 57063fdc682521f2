//! The values of an entry as a PostgreSQL array: built once, copied for each caller.

use pgrx::pg_sys;
use pgrx::pg_sys::TEXTOID;

use super::cache::Entry;

/// `text[]`, sorted; empty when there is no value, or nobody to have one.
pub(super) fn copy_of(entry: &Entry) -> pg_sys::Datum {
    let array = entry.array.get_or_init(|| build(entry));
    // SAFETY: the copy has room for all bytes of the original, which is an array of PostgreSQL.
    unsafe {
        let copy = pg_sys::palloc(array.len()).cast::<u8>();
        copy.copy_from_nonoverlapping(array.as_ptr(), array.len());
        pg_sys::Datum::from(copy)
    }
}

fn build(entry: &Entry) -> Box<[u8]> {
    let texts = entry.values.as_ref().map_or(&[][..], |values| values.sorted());
    // SAFETY: PostgreSQL copies the texts into the array; what is built along the way goes with this row's memory.
    unsafe {
        let mut texts: Vec<pg_sys::Datum> = texts
            .iter()
            .map(|text| pg_sys::cstring_to_text_with_len(text.as_ptr().cast(), text.len() as i32).into())
            .collect();
        let array =
            pg_sys::construct_array(texts.as_mut_ptr(), texts.len() as i32, TEXTOID, -1, false, b'i' as i8);
        let length = pgrx::varsize_any(array.cast());
        std::slice::from_raw_parts(array.cast::<u8>(), length).into()
    }
}
