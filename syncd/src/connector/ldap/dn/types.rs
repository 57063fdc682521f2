//! Attribute types that go by several names.

/// The short name of a well-known attribute type given in lower case by a long name or an OID.
/// `None` means that it is taken as it is.
pub fn name_of(lower: &[u8]) -> Option<&'static str> {
    // Nothing this short is an alias but these, and nearly every name in use is this short.
    if lower.len() <= 4 && !matches!(lower, b"gn" | b"s") {
        return None;
    }
    Some(match lower {
        b"commonname" | b"2.5.4.3" => "cn",
        b"surname" | b"2.5.4.4" => "sn",
        b"2.5.4.5" => "serialnumber",
        b"countryname" | b"2.5.4.6" => "c",
        b"localityname" | b"2.5.4.7" => "l",
        b"stateorprovincename" | b"s" | b"2.5.4.8" => "st",
        b"streetaddress" | b"2.5.4.9" => "street",
        b"organizationname" | b"2.5.4.10" => "o",
        b"organizationalunitname" | b"2.5.4.11" => "ou",
        b"2.5.4.12" => "title",
        b"2.5.4.13" => "description",
        b"2.5.4.17" => "postalcode",
        b"2.5.4.20" => "telephonenumber",
        b"2.5.4.41" => "name",
        b"gn" | b"2.5.4.42" => "givenname",
        b"2.5.4.43" => "initials",
        b"2.5.4.44" => "generationqualifier",
        b"2.5.4.45" => "x500uniqueidentifier",
        b"2.5.4.46" => "dnqualifier",
        b"2.5.4.65" => "pseudonym",
        b"userid" | b"0.9.2342.19200300.100.1.1" => "uid",
        b"rfc822mailbox" | b"0.9.2342.19200300.100.1.3" => "mail",
        b"domaincomponent" | b"0.9.2342.19200300.100.1.25" => "dc",
        b"emailaddress" | b"pkcs9email" | b"1.2.840.113549.1.9.1" => "email",
        b"2.16.840.1.113730.3.1.3" => "employeenumber",
        b"2.16.840.1.113730.3.1.241" => "displayname",
        _ => return None,
    })
}
