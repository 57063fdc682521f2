//! Why a server refused a bind.

/// Active Directory says rc 49 for everything, and why in the diagnostic: `..., data 52e, v4563`.
struct Refusal {
    code: &'static str,
    words: &'static str,
    remedy: &'static str,
}

const REFUSALS: [Refusal; 10] = [
    refusal("525", "no such user", "check bind_dn: its account does not exist"),
    refusal("52e", "wrong password", "check bind_dn and bind_password"),
    refusal(
        "52f",
        "account restrictions",
        "the account of bind_dn may not log on like this: see its restrictions",
    ),
    refusal("530", "not now", "the account of bind_dn may not log on at this time: see its logon hours"),
    refusal(
        "531",
        "not from here",
        "the account of bind_dn may not log on from this machine: see its workstations",
    ),
    refusal(
        "532",
        "password expired",
        "give the account of bind_dn a new password, or one that does not expire",
    ),
    refusal("533", "account disabled", "enable the account of bind_dn"),
    refusal("701", "account expired", "extend the account of bind_dn"),
    refusal("773", "must change password", "the account of bind_dn must have its password changed once"),
    refusal("775", "locked out", "unlock the account of bind_dn, and find out who tries wrong passwords"),
];

const fn refusal(code: &'static str, words: &'static str, remedy: &'static str) -> Refusal {
    Refusal { code, words, remedy }
}

/// What the server means, where it says more than its result code.
pub(super) fn words(rc: u32, text: &str) -> Option<&'static str> {
    known(rc, text).map(|refusal| refusal.words)
}

pub(super) fn remedy(rc: u32, text: &str) -> &'static str {
    if let Some(refusal) = known(rc, text) {
        return refusal.remedy;
    }
    match rc {
        49 => "check bind_dn and bind_password",
        8 | 13 => "the server wants encryption: use ldaps:// or start_tls",
        7 => {
            "the server does not offer this kind of bind: for EXTERNAL it needs a client certificate or ldapi://"
        }
        19 => "the account of bind_dn may be locked after too many wrong passwords: see the server's log",
        34 => "bind_dn is not a distinguished name",
        48 | 53 => "the server does not accept this kind of bind: check bind_dn",
        3 | 51 | 52 => "try again later",
        _ => "see the server's log",
    }
}

/// Nothing of a text but the code in it.
pub(super) fn reduced(rc: u32, text: &str) -> String {
    known(rc, text)
        .map(|refusal| format!("AcceptSecurityContext error, data {}", refusal.code))
        .unwrap_or_default()
}

/// Whether the same credentials would be refused again, and might lock the account.
pub(super) fn is_final(rc: u32) -> bool {
    matches!(rc, 19 | 48 | 49 | 50 | 53)
}

/// Whether this server cannot serve now, and another might.
pub(super) fn is_passing(rc: u32) -> bool {
    matches!(rc, 3 | 51 | 52 | 80)
}

fn known(rc: u32, text: &str) -> Option<&'static Refusal> {
    if rc != 49 {
        return None;
    }
    let (_, rest) = text.split_once(", data ")?;
    let code = rest.split(|c: char| !c.is_ascii_hexdigit()).next()?;
    REFUSALS.iter().find(|refusal| refusal.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: &str) -> String {
        format!("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {code}, v4563")
    }

    #[test]
    fn active_directory_means_more_than_it_says() {
        for (code, expected) in [
            ("525", "no such user"),
            ("52e", "wrong password"),
            ("52E", "wrong password"),
            ("530", "not now"),
            ("531", "not from here"),
            ("532", "password expired"),
            ("533", "account disabled"),
            ("701", "account expired"),
            ("773", "must change password"),
            ("775", "locked out"),
        ] {
            assert_eq!(words(49, &said(code)), Some(expected), "{code}");
        }
        assert!(remedy(49, &said("775")).contains("unlock"));
        assert!(remedy(49, &said("532")).contains("new password"));
    }

    #[test]
    fn a_text_can_be_reduced_to_its_code() {
        assert_eq!(words(49, &reduced(49, &said("775"))), Some("locked out"));
        assert_eq!(reduced(49, "your password x is wrong"), "");
    }

    #[test]
    fn other_servers_are_taken_at_their_word() {
        assert_eq!(words(49, ""), None);
        assert_eq!(words(49, &said("5")), None);
        assert_eq!(words(49, "bad data 52e"), None, "not in the shape of Active Directory");
        assert_eq!(words(53, &said("52e")), None);
        assert_eq!(remedy(49, ""), "check bind_dn and bind_password");
    }
}
