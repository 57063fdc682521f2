//! Passwords and random tokens for SQL.

use base64ct::{Base64UrlUnpadded, Encoding};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::password::{self, PasswordError};

const TOKEN_BYTES: usize = 32;

#[pg_extern(sql = false, volatile, strict)]
fn hash_password(password: &str) -> String {
    password::hash(password).unwrap_or_else(|error| refuse(&error))
}

#[pg_extern(sql = false, volatile, strict)]
fn read_password_hash(phc: &str) -> String {
    password::read_hash(phc).unwrap_or_else(|error| refuse(&error))
}

/// Not strict: without a password or a hash it answers no after the same work.
#[pg_extern(sql = false, volatile)]
fn verify_password(password: Option<&str>, phc: Option<&str>) -> bool {
    let phc = password.and(phc);
    password::verify(password.unwrap_or_default(), phc).unwrap_or_else(|error| refuse(&error))
}

/// 256 bits of the operating system as 43 characters that need no escaping in URLs and headers.
#[pg_extern(sql = false, volatile)]
fn random_token() -> String {
    let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
    getrandom::fill(bytes.as_mut_slice()).unwrap_or_else(|_| refuse(&PasswordError::NoRandom));
    Base64UrlUnpadded::encode_string(bytes.as_slice())
}

fn refuse(error: &PasswordError) -> ! {
    let (code, hint) = match error {
        PasswordError::OutOfMemory => {
            (PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "It takes 20 MB for a moment. Try again.".to_owned())
        }
        PasswordError::NoRandom => (PgSqlErrorCode::ERRCODE_SYSTEM_ERROR, "Try again.".to_owned()),
        _ => (
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            format!(
                "Pass {} characters or more, at most {} bytes, or an argon2id PHC string ($argon2id$v=19$m=...,t=...,p=...$salt$hash).",
                password::MIN_CHARACTERS,
                password::MAX_BYTES
            ),
        ),
    };
    ErrorReport::new(code, format!("argument \"password\" {error}"), "credentials")
        .set_hint(hint)
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR report does not return")
}
