//! Passwords and their PHC strings, without PostgreSQL.

#[path = "../src/password.rs"]
mod password;

use password::{PasswordError, hash, read_hash, verify};

/// Made by the reference implementation: `echo -n "correct horse" | argon2 saltsaltsalt -id -m 12 -t 3 -p 4 -e`.
const FOREIGN: &str =
    "$argon2id$v=19$m=4096,t=3,p=4$c2FsdHNhbHRzYWx0$xVOPh+ft1L5LRAYpF15vPIY06lnxZjft7j3nnMn0WA8";

#[test]
fn a_password_is_recognised_by_its_hash_and_no_other_is() {
    let phc = hash("correct horse").expect("a password");
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    assert_eq!(verify("correct horse", Some(&phc)), Ok(true));
    assert_eq!(verify("correct horsf", Some(&phc)), Ok(false));
    assert_eq!(verify("Correct horse", Some(&phc)), Ok(false));
    assert_eq!(verify("", Some(&phc)), Ok(false));
    assert_eq!(verify("correct horse", None), Ok(false));
    assert_ne!(hash("correct horse"), Ok(phc), "every hash has a salt of its own");
}

#[test]
fn the_keyboard_does_not_matter() {
    let phc = hash("jos\u{e9} spaced").expect("a password");
    assert_eq!(verify("jose\u{301}\u{a0}spaced", Some(&phc)), Ok(true));
    let wide = hash("\u{ff21}\u{ff22}CDEFGH").expect("a password");
    assert_eq!(verify("ABCDEFGH", Some(&wide)), Ok(false), "compatibility forms stay different");
}

#[test]
fn what_is_no_password_is_refused() {
    assert_eq!(hash("seven77"), Err(PasswordError::TooShort));
    assert_eq!(hash("e\u{301}e\u{301}e\u{301}e\u{301}"), Err(PasswordError::TooShort));
    assert_eq!(hash("with a line end\n"), Err(PasswordError::ControlCharacter));
    assert_eq!(hash(&"x".repeat(1001)), Err(PasswordError::TooLong));
    assert_eq!(hash(&"x".repeat(1_000_000)), Err(PasswordError::TooLong));
    assert!(hash(&"x".repeat(1000)).is_ok());
    // Decomposed it is longer than what may be given, and yet the same password.
    let (composed, decomposed) = ("\u{e9}".repeat(500), "e\u{301}".repeat(500));
    assert_eq!(verify(&decomposed, Some(&hash(&composed).expect("1000 bytes"))), Ok(true));
}

#[test]
fn a_hash_made_elsewhere_is_taken_as_it_is() {
    assert_eq!(read_hash(FOREIGN).as_deref(), Ok(FOREIGN));
    assert_eq!(verify("correct horse", Some(FOREIGN)), Ok(true));
    assert_eq!(verify("correct house", Some(FOREIGN)), Ok(false));
}

#[test]
fn other_hashes_are_refused() {
    let ours = hash("correct horse").expect("a password");
    for phc in [
        "$argon2i$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI",
        "$argon2d$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI",
        "$argon2id$v=16$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI",
        "$argon2id$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0$lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI",
        "$argon2id$v=19$m=4096,t=3$c2FsdHNhbHRzYWx0$lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI",
        "$argon2id$v=19$m=4096,t=3,p=1,keyid=YWJj$c2FsdHNhbHRzYWx0$lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI",
        "$argon2id$v=19$m=4096,t=3,p=1$c2FsdHNhbHRzYWx0",
        "$2b$12$abcdefghijklmnopqrstuuMw1tDZ8WnLcXcY5hOaSkEwLsZqZfJ2K",
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        "$argon2id$",
        &ours[..ours.len() - 60],
    ] {
        assert_eq!(read_hash(phc), Err(PasswordError::NotArgon2id), "{phc}");
        assert_eq!(verify("correct horse", Some(phc)), Ok(false), "{phc}");
    }
}

#[test]
fn a_hash_that_would_halt_the_server_or_protect_nothing_is_refused() {
    let phc = |parameters: &str, salt: &str, hash: &str| format!("$argon2id$v=19${parameters}${salt}${hash}");
    let (salt, hash) = ("c2FsdHNhbHRzYWx0", "lQLhAc6PjAEUQEOcOR4E5O7hQZkUZcrJhGyKXZJTiqI");
    for parameters in
        ["m=262145,t=1,p=1", "m=4096,t=11,p=1", "m=4096,t=1,p=17", "m=4294967295,t=4294967295,p=1"]
    {
        assert_eq!(read_hash(&phc(parameters, salt, hash)), Err(PasswordError::Costly), "{parameters}");
    }
    assert_eq!(read_hash(&phc("m=4096,t=3,p=1", "c2FsdA", hash)), Err(PasswordError::Weak));
    assert_eq!(read_hash(&phc("m=4096,t=3,p=1", salt, "lQLhAc6PjAEUQEOc")), Err(PasswordError::Weak));
}

#[test]
fn no_error_repeats_the_password() {
    for secret in ["hunter2", "hunter2 hunter2\n", "$hunter2$", "$argon2id$v=19$hunter2"] {
        for error in [hash(secret).err(), read_hash(secret).err()].into_iter().flatten() {
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
