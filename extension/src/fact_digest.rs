//! `fact_digest`: what a source states about one user, in 128 bits, whatever the order of the rows.
//!
//! The sum of keyed hashes modulo 2^128: no sort, constant memory, and rows that are taken away can be told
//! from rows that were never there. A row that stands twice counts twice. Who does not know the key cannot look
//! for rows whose hashes add up to the same.

use pgrx::pg_sys;
use pgrx::pg_sys::panic::pgrx_extern_c_guard;

/// Hashed in one go: longer rows are fed in pieces.
const SHORT: usize = 1024;
const NULL: u32 = u32::MAX;

#[unsafe(no_mangle)]
pub extern "C-unwind" fn pg_finfo_roster_add_fact() -> &'static pg_sys::Pg_finfo_record {
    &pg_sys::Pg_finfo_record { api_version: 1 }
}

/// `add_fact(sum uuid, salt uuid, kind text, name text, value text) -> uuid`.
///
/// # Safety
/// Called by PostgreSQL for the SQL function that `sql/05_native.sql` declares.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn roster_add_fact(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: called by PostgreSQL, with the arguments declared above.
    unsafe { pgrx_extern_c_guard(|| add_fact(fcinfo)) }
}

unsafe fn add_fact(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the declared arguments; a uuid is a pointer to 16 bytes.
    unsafe {
        let (Some(sum), Some(salt)) = (uuid(fcinfo, 0), uuid(fcinfo, 1)) else {
            (*fcinfo).isnull = true;
            return pg_sys::Datum::null();
        };
        let hash = hash_of(&*salt, [text(fcinfo, 2), text(fcinfo, 3), text(fcinfo, 4)]);
        let total = u128::from_be_bytes(*sum).wrapping_add(hash).to_be_bytes();
        // The state of an aggregate is its own to change; anything else is a value of somebody's.
        let place = if pg_sys::AggCheckCallContext(fcinfo, std::ptr::null_mut()) == 0 {
            pg_sys::palloc(size_of::<[u8; 16]>()).cast::<[u8; 16]>()
        } else {
            sum
        };
        *place = total;
        pg_sys::Datum::from(place)
    }
}

/// Each part is preceded by its length, so that no two rows are hashed as the same bytes.
fn hash_of(salt: &[u8; 16], parts: [Option<&[u8]>; 3]) -> u128 {
    let mut key = [0; 32];
    key[..16].copy_from_slice(salt);
    key[16..].copy_from_slice(salt);
    let mut lengths = [0; 12];
    for (place, part) in lengths.chunks_exact_mut(4).zip(parts) {
        // A text of PostgreSQL has less than 1 GiB.
        let length = part.map_or(NULL, |it| u32::try_from(it.len()).unwrap_or(NULL - 1));
        place.copy_from_slice(&length.to_le_bytes());
    }
    let pieces = [
        &lengths[..],
        parts[0].unwrap_or_default(),
        parts[1].unwrap_or_default(),
        parts[2].unwrap_or_default(),
    ];
    let length: usize = pieces.iter().map(|it| it.len()).sum();
    let hash = if length <= SHORT {
        let mut row = [0; SHORT];
        let mut end = 0;
        for piece in pieces {
            row[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
        blake3::keyed_hash(&key, &row[..end])
    } else {
        let mut hasher = blake3::Hasher::new_keyed(&key);
        pieces.iter().for_each(|it| {
            hasher.update(it);
        });
        hasher.finalize()
    };
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    u128::from_be_bytes(half)
}

/// # Safety
/// The argument is declared as uuid.
unsafe fn uuid(fcinfo: pg_sys::FunctionCallInfo, argument: usize) -> Option<*mut [u8; 16]> {
    // SAFETY: see above.
    unsafe { datum(fcinfo, argument) }.map(|it| it.cast_mut_ptr())
}

/// # Safety
/// The argument is declared as text.
unsafe fn text<'a>(fcinfo: pg_sys::FunctionCallInfo, argument: usize) -> Option<&'a [u8]> {
    // SAFETY: see above; what is fetched lives in the memory of this row.
    unsafe {
        let value = datum(fcinfo, argument)?;
        let plain = pg_sys::pg_detoast_datum_packed(value.cast_mut_ptr());
        Some(pgrx::varlena_to_byte_slice(plain))
    }
}

/// # Safety
/// The function is declared with that many arguments.
unsafe fn datum(fcinfo: pg_sys::FunctionCallInfo, argument: usize) -> Option<pg_sys::Datum> {
    // SAFETY: see above.
    let given = unsafe { &(*fcinfo).args.as_slice(5)[argument] };
    (!given.isnull).then_some(given.value)
}
