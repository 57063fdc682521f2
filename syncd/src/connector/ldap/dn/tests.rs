use proptest::prelude::*;

use super::*;

fn key(dn: &str) -> Reference {
    DnKeys::default().key(dn.as_bytes()).unwrap_or_else(|e| panic!("{dn:?} {e}"))
}

fn error(dn: &str) -> DnError {
    DnKeys::default().key(dn.as_bytes()).expect_err(dn)
}

#[test]
fn spellings_of_one_name() {
    let same = [
        r"cn=Smith\, John,ou=People,dc=example,dc=org",
        r"CN=smith\2c john,OU=people,DC=Example,DC=ORG",
        r#"cn="Smith, John" , ou = People ; dc=example,dc=org"#,
        r"2.5.4.3=Smith\2C  John, OID.2.5.4.11=People,domainComponent=example,dc=org",
        r"commonName=#0c0b536d6974682c204a6f686e,ou=people,dc=example,dc=org",
        r"cn=\20Smith\, John\20,ou=people\ ,dc=example,dc=org",
    ];
    for dn in same {
        assert_eq!(key(dn), key(same[0]), "{dn}");
    }
}

#[test]
fn unicode_spellings() {
    assert_eq!(key("cn=Zürich"), key("cn=Zu\u{308}rich"));
    assert_eq!(key("cn=Zürich"), key(r"cn=Z\C3\BCRICH"));
    assert_eq!(key("cn=ΣΟΦΟΣ"), key("cn=σοφος"));
    assert_eq!(key("cn=Łódź"), key(r"cn=\C5\81\C3\B3d\C5\BA"));
    assert_eq!(key("cn=a\u{a0}b"), key("cn=a b"));
    assert_eq!(key("cn=#1e060041004200e9"), key("cn=abÉ"));
}

#[test]
fn order_inside_a_multi_valued_rdn_does_not_matter() {
    assert_eq!(key("cn=a+uid=1,dc=x"), key("UID=1 + CN=A,dc=x"));
    assert_ne!(key("cn=a+uid=1,dc=x"), key("cn=a,uid=1,dc=x"));
}

#[test]
fn different_names() {
    let names = [
        "",
        "cn=a",
        "cn=b",
        "sn=a",
        "cn=a,cn=a",
        "cn=a+cn=b",
        r"cn=a\,cn\=a",
        r"cn=a\00cn=a",
        r"cn=a\01cn=a",
        "cn=#05020100",
        r"cn=\#05020100",
        "cn=",
        "cn=a=b",
    ];
    let keys: std::collections::HashSet<_> = names.iter().map(|dn| key(dn)).collect();
    assert_eq!(keys.len(), names.len());
}

#[test]
fn the_fast_path_agrees_with_the_parser() {
    for dn in ["uid=Ann Lee,ou=People,dc=example,dc=org", "commonName=a=b,o=X-Y.Z", "gn=x,s=y", "cn="] {
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        assert!(write_plain(dn.as_bytes(), &mut fast), "{dn}");
        write_canonical(parse::parse(dn).unwrap(), &mut slow);
        assert_eq!(fast, slow, "{dn}");
    }
}

#[test]
fn errors_are_typed() {
    assert_eq!(error("x"), DnError::MissingEquals(1));
    assert_eq!(error("cn=a,"), DnError::MissingType(5));
    assert_eq!(error("=a"), DnError::MissingType(0));
    assert_eq!(error(r"cn=a\"), DnError::InvalidEscape(4));
    assert_eq!(error(r"cn=a\zz"), DnError::InvalidEscape(4));
    assert_eq!(error("cn=#0"), DnError::InvalidHex(3));
    assert_eq!(error("cn=#"), DnError::InvalidHex(3));
    assert_eq!(error("cn=\"a"), DnError::UnbalancedQuote(3));
    assert_eq!(error("cn=a\"b"), DnError::UnbalancedQuote(3));
    assert_eq!(error("cn=\"a\"b"), DnError::Unescaped(6));
    assert_eq!(error("cn=a<b"), DnError::Unescaped(4));
    assert_eq!(error(r"cn=\C3"), DnError::InvalidUtf8);
    assert_eq!(DnKeys::default().key(b"cn=\xff"), Err(DnError::InvalidUtf8));
}

/// How one character, one type, one separator is spelt this time.
#[derive(Debug, Clone)]
struct Style(Vec<u8>, std::cell::Cell<usize>);

impl Style {
    fn pick(&self, choices: u8) -> u8 {
        let at = self.1.get();
        self.1.set(at + 1);
        self.0[at % self.0.len()].wrapping_add(at as u8) % choices
    }
}

const TYPES: [&[&str]; 4] = [
    &["cn", "CN", "commonName", "2.5.4.3", "oid.2.5.4.3"],
    &["uid", "UserID", "0.9.2342.19200300.100.1.1"],
    &["ou", "organizationalUnitName", "2.5.4.11"],
    &["x-Custom", "X-CUSTOM"],
];

fn spell(dn: &[Vec<(usize, String)>], style: &Style) -> String {
    let mut out = String::new();
    for (index, rdn) in dn.iter().enumerate() {
        if index > 0 {
            out.push_str([",", ", ", " ,", ";", " ; "][style.pick(5) as usize]);
        }
        let mut pairs: Vec<String> =
            rdn.iter().map(|(kind, value)| spell_pair(*kind, value, style)).collect();
        let turn = style.pick(3) as usize % pairs.len();
        pairs.rotate_left(turn);
        out.push_str(&pairs.join(["+", " +", " + "][style.pick(3) as usize]));
    }
    out
}

fn spell_pair(kind: usize, value: &str, style: &Style) -> String {
    let names = TYPES[kind];
    let name = names[style.pick(names.len() as u8) as usize];
    let equals = ["=", " =", "= "][style.pick(3) as usize];
    let value = match style.pick(4) {
        0 => spell_hex(value),
        1 => format!("\"{}\"", value.chars().map(|c| spell_char(c, true, style)).collect::<String>()),
        _ => value.chars().map(|c| spell_char(c, false, style)).collect(),
    };
    format!("{name}{equals}{value}")
}

fn spell_hex(value: &str) -> String {
    let mut ber = vec![0x0c, 0x82, (value.len() >> 8) as u8, value.len() as u8];
    ber.extend_from_slice(value.as_bytes());
    let digits: String = ber.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("#{digits}")
}

fn spell_char(c: char, quoted: bool, style: &Style) -> String {
    let c = if style.pick(2) == 0 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let special = " \"#+,;<=>\\".contains(c);
    match style.pick(3) {
        0 if special => format!("\\{c}"),
        1 if !(special || c < ' ') => c.to_string(),
        1 if quoted && !matches!(c, '"' | '\\' | '\0') => c.to_string(),
        _ => c.to_string().bytes().map(|byte| format!("\\{byte:02x}")).collect(),
    }
}

fn names() -> impl Strategy<Value = Vec<Vec<(usize, String)>>> {
    let value = prop_oneof!["[ -~]{0,12}", "[a-zà-ÿ ,=+#]{1,8}", any::<String>()];
    proptest::collection::vec(proptest::collection::vec((0..TYPES.len(), value), 1..3), 0..4)
}

fn styles() -> impl Strategy<Value = Style> {
    proptest::collection::vec(any::<u8>(), 1..40).prop_map(|bytes| Style(bytes, Default::default()))
}

proptest! {
    #[test]
    fn any_two_spellings_have_one_key(dn in names(), one in styles(), other in styles()) {
        let (one, other) = (spell(&dn, &one), spell(&dn, &other));
        prop_assert_eq!(key(&one), key(&other), "{:?} {:?}", one, other);
    }

    #[test]
    fn nothing_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = DnKeys::default().key(&bytes);
    }

    #[test]
    fn the_fast_path_never_disagrees(dn in "[a-z0-9=, +;#\\\\\"-]{0,30}") {
        let mut fast = Vec::new();
        if write_plain(dn.as_bytes(), &mut fast) {
            let mut slow = Vec::new();
            write_canonical(parse::parse(&dn).unwrap(), &mut slow);
            prop_assert_eq!(fast, slow);
        }
    }
}
