//! Bytes that are no text, as text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::config::ldap::rule::Binary;

/// What Active Directory keeps as bytes, whatever those happen to spell.
const KNOWN: [(&str, Binary); 7] = [
    ("objectGUID", Binary::Guid),
    ("objectSid", Binary::Sid),
    ("sIDHistory", Binary::Sid),
    ("mS-DS-ConsistencyGuid", Binary::Guid),
    ("msExchMailboxGuid", Binary::Guid),
    ("parentGUID", Binary::Guid),
    ("securityIdentifier", Binary::Sid),
];

/// How the values of an attribute are encoded; `None`: they are text.
pub(in crate::connector::ldap) fn known(attribute: &str) -> Option<Binary> {
    KNOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(attribute)).map(|(_, binary)| *binary)
}

/// The text form, or what is wrong with the bytes.
pub(in crate::connector::ldap) fn text(binary: Binary, bytes: &[u8]) -> Result<String, String> {
    match binary {
        Binary::Guid => guid(bytes),
        Binary::Sid => sid(bytes),
        Binary::Uuid => sixteen("UUID", bytes).map(|bytes| Uuid::from_bytes(bytes).to_string()),
        Binary::Hex => Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        Binary::Base64 => Ok(STANDARD.encode(bytes)),
    }
}

pub(in crate::connector::ldap) fn guid(bytes: &[u8]) -> Result<String, String> {
    sixteen("GUID", bytes).map(|bytes| Uuid::from_bytes_le(bytes).to_string())
}

/// Revision 1, a count, the authority in 6 bytes big-endian, so many numbers in 4 bytes little-endian.
pub(in crate::connector::ldap) fn sid(bytes: &[u8]) -> Result<String, String> {
    let wrong = || format!("has {} bytes that are no security identifier", bytes.len());
    let ([1, count], Some((authority, rest))) = (
        bytes.first_chunk::<2>().ok_or_else(wrong)?,
        bytes.get(2..).and_then(<[u8]>::split_first_chunk::<6>),
    ) else {
        return Err(wrong());
    };
    if !(1..=15).contains(count) || rest.len() != 4 * usize::from(*count) {
        return Err(wrong());
    }
    let authority = authority.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let mut text = match u32::try_from(authority) {
        Ok(small) => format!("S-1-{small}"),
        Err(_) => format!("S-1-0x{authority:012x}"),
    };
    for number in rest.as_chunks::<4>().0 {
        text += &format!("-{}", u32::from_le_bytes(*number));
    }
    Ok(text)
}

fn sixteen(what: &str, bytes: &[u8]) -> Result<[u8; 16], String> {
    bytes.try_into().map_err(|_| format!("has {} bytes where a {what} has 16", bytes.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn guids_are_mixed_endian() {
        let raw = bytes("0a1b2c3d4e5f60718293a4b5c6d7e8f9");
        assert_eq!(guid(&raw).unwrap(), "3d2c1b0a-5f4e-7160-8293-a4b5c6d7e8f9");
        assert_eq!(text(Binary::Uuid, &raw).unwrap(), "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
        assert_eq!(text(Binary::Hex, &raw).unwrap(), "0a1b2c3d4e5f60718293a4b5c6d7e8f9");
        assert_eq!(text(Binary::Base64, &raw).unwrap(), "ChssPU5fYHGCk6S1xtfo+Q==");
        assert_eq!(guid(b"0123456789abcdef").unwrap(), "33323130-3534-3736-3839-616263646566");
    }

    #[test]
    fn sids_of_windows() {
        let domain = "010500000000000515000000a065cf7e784b9b5fe77c8770091c0100";
        assert_eq!(sid(&bytes(domain)).unwrap(), "S-1-5-21-2127521184-1604012920-1887927527-72713");
        assert_eq!(sid(&bytes("01020000000000052000000020020000")).unwrap(), "S-1-5-32-544");
        assert_eq!(sid(&bytes("010100000000000100000000")).unwrap(), "S-1-1-0");
        assert_eq!(sid(&bytes("010101000000000001000000")).unwrap(), "S-1-0x010000000000-1");
    }

    #[test]
    fn other_lengths_and_revisions_are_none() {
        assert_eq!(guid(b"short").unwrap_err(), "has 5 bytes where a GUID has 16");
        for wrong in [
            "",
            "01",
            "0101000000000005",
            "020100000000000100000000",
            "0100000000000005",
            "01010000000000010000000000",
            "011000000000000500",
        ] {
            assert!(sid(&bytes(wrong)).unwrap_err().contains("no security identifier"), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_sid_says_its_numbers(authority in 0..u32::MAX, numbers in proptest::collection::vec(any::<u32>(), 1..=15)) {
            let mut raw = vec![1, u8::try_from(numbers.len()).unwrap(), 0, 0];
            raw.extend(authority.to_be_bytes());
            numbers.iter().for_each(|number| raw.extend(number.to_le_bytes()));
            let words: Vec<u32> = sid(&raw).unwrap().split('-').skip(2).map(|word| word.parse().unwrap()).collect();
            prop_assert_eq!(words[0], authority);
            prop_assert_eq!(&words[1..], &numbers);
        }

        #[test]
        fn no_bytes_make_them_panic(raw in proptest::collection::vec(any::<u8>(), 0..80)) {
            for binary in [Binary::Guid, Binary::Sid, Binary::Uuid, Binary::Hex, Binary::Base64] {
                let _ = text(binary, &raw);
            }
        }

        #[test]
        fn different_bytes_have_different_text(a in any::<[u8; 16]>(), b in any::<[u8; 16]>()) {
            prop_assert_eq!(guid(&a) == guid(&b), a == b);
        }
    }
}
