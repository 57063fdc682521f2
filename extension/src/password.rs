//! Passwords: what may be one, and the argon2id PHC strings that are kept of them. Free of PostgreSQL.
//!
//! No error repeats what it was given: it may be a password. Buffers that held one are overwritten.

use argon2::password_hash::{Output, ParamsString, PasswordHash, Salt, SaltString};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

pub const MIN_CHARACTERS: usize = 8;
pub const MAX_BYTES: usize = 1000;
/// No longer text becomes one of `MAX_BYTES` by normalisation, so it need not be normalised.
const MAX_RAW_BYTES: usize = 4 * MAX_BYTES;
const SALT_BYTES: usize = 16;
/// 64 characters of base64 are the longest salt of a PHC string.
const MAX_SALT_BYTES: usize = 48;
/// What a hash made elsewhere may ask of this server, or one login would bring it to a halt.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 16;

#[derive(Debug, Error, PartialEq, Eq)]
pub enum PasswordError {
    #[error("has fewer than {MIN_CHARACTERS} characters")]
    TooShort,
    #[error("has more than {MAX_BYTES} bytes")]
    TooLong,
    #[error("has a control character, such as a line end or a tab")]
    ControlCharacter,
    #[error("looks like a hash, but is not a complete argon2id PHC string of version 19")]
    NotArgon2id,
    #[error("is an argon2id PHC string with a salt below 8 bytes or a hash below 16")]
    Weak,
    #[error(
        "is an argon2id PHC string that asks for more than m={MAX_MEMORY_KIB}, t={MAX_PASSES} or p={MAX_LANES}"
    )]
    Costly,
    #[error("could not be hashed: out of memory")]
    OutOfMemory,
    #[error("could not be hashed: the operating system has no random bytes")]
    NoRandom,
}

/// The PHC string to keep of a password: argon2id as OWASP recommends it (19 MiB, two passes, one lane).
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let prepared = prepare(password).ok_or(PasswordError::TooLong)?;
    if prepared.chars().count() < MIN_CHARACTERS {
        return Err(PasswordError::TooShort);
    }
    if prepared.chars().any(char::is_control) {
        return Err(PasswordError::ControlCharacter);
    }
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| PasswordError::NoRandom)?;
    let output = derive(&prepared, &salt, &Params::DEFAULT, Params::DEFAULT_OUTPUT_LEN)?;
    let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
    let phc = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&Params::DEFAULT).expect("the default parameters can be written"),
        salt: Some(salt.as_salt()),
        hash: Some(output),
    };
    Ok(phc.to_string())
}

/// The canonical form of an argon2id PHC string made elsewhere.
pub fn read_hash(phc: &str) -> Result<String, PasswordError> {
    Kept::read(phc).map(|kept| kept.phc.to_string())
}

/// Whether the password is the one that the PHC string was made of, compared in constant time. Without a PHC
/// string (there is no such user, or no password) the answer is no, after the same work.
pub fn verify(password: &str, phc: Option<&str>) -> Result<bool, PasswordError> {
    let prepared = prepare(password);
    let kept = phc.and_then(|phc| Kept::read(phc).ok());
    let (Some(prepared), Some(kept)) = (prepared, kept) else {
        derive("", &[0; SALT_BYTES], &Params::DEFAULT, Params::DEFAULT_OUTPUT_LEN)?;
        return Ok(false);
    };
    let found = derive(&prepared, &kept.salt[..kept.salt_bytes], &kept.params, kept.hash.len())?;
    // `Output` compares in constant time.
    Ok(found == kept.hash)
}

/// As RFC 8265 (OpaqueString) has it: every space is the ASCII one, and the text is in NFC, so that a password
/// does not depend on the keyboard. Not NFKC: it would make different passwords equal. None when it is too long.
fn prepare(password: &str) -> Option<Zeroizing<String>> {
    if password.len() > MAX_RAW_BYTES {
        return None;
    }
    // NFC grows text threefold at most; room for that from the start leaves no copies behind.
    let mut prepared = Zeroizing::new(String::with_capacity(3 * password.len()));
    prepared
        .extend(password.chars().map(|character| if is_space(character) { ' ' } else { character }).nfc());
    (prepared.len() <= MAX_BYTES).then_some(prepared)
}

/// Unicode's general category Zs.
fn is_space(character: char) -> bool {
    matches!(
        character,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// A PHC string that this server can verify against.
struct Kept<'a> {
    phc: PasswordHash<'a>,
    params: Params,
    salt: [u8; MAX_SALT_BYTES],
    salt_bytes: usize,
    hash: Output,
}

impl<'a> Kept<'a> {
    fn read(text: &'a str) -> Result<Kept<'a>, PasswordError> {
        let phc = PasswordHash::new(text).map_err(|_| PasswordError::NotArgon2id)?;
        let known = phc.params.iter().all(|(name, _)| matches!(name.as_str(), "m" | "t" | "p"));
        let v19 = phc.version == Some(Version::V0x13.into());
        let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else { return Err(PasswordError::NotArgon2id) };
        if phc.algorithm != ARGON2ID_IDENT || !v19 || !known || phc.params.iter().count() != 3 {
            return Err(PasswordError::NotArgon2id);
        }
        let params = Params::try_from(&phc).map_err(|_| PasswordError::NotArgon2id)?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
            return Err(PasswordError::Costly);
        }
        let (bytes, salt_bytes) = decoded(salt)?;
        if salt_bytes < argon2::MIN_SALT_LEN || hash.len() < 16 {
            return Err(PasswordError::Weak);
        }
        Ok(Kept { phc, params, salt: bytes, salt_bytes, hash })
    }
}

fn decoded(salt: Salt<'_>) -> Result<([u8; MAX_SALT_BYTES], usize), PasswordError> {
    let mut bytes = [0; MAX_SALT_BYTES];
    let length = salt.decode_b64(&mut bytes).map_err(|_| PasswordError::NotArgon2id)?.len();
    Ok((bytes, length))
}

/// The memory is asked for politely: an allocation that fails inside argon2 would end the server process.
fn derive(password: &str, salt: &[u8], params: &Params, length: usize) -> Result<Output, PasswordError> {
    let mut memory = Zeroizing::new(Vec::<Block>::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| PasswordError::OutOfMemory)?;
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    Output::init_with(length, |out| {
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory.as_mut_slice())?)
    })
    .map_err(|_| PasswordError::NotArgon2id)
}
