use serde_json::json;

use super::*;
use crate::resource::fold;
use crate::schema::RegistryOptions;

mod grammar;
mod properties;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn registry() -> Registry {
    Registry::new(RegistryOptions {
        extensions: ["urn:x:2.0:Ext".to_owned()].into(),
        ..RegistryOptions::default()
    })
}

fn sam() -> Value {
    let document = json!({
        "userName": "Sam@Example.org", "externalId": "AbC", "title": "a \"b\" \\c", "active": true,
        "name": {"givenName": "Sam", "familyName": "Ångström"},
        "emails": [
            {"value": "work@x", "type": "work", "primary": true},
            {"value": "home@x", "type": "Home"},
        ],
        "urn:x:2.0:Ext": {"Number": 5, "Flag": true, "Words": ["A", "b"]},
        ENTERPRISE: {"manager": {"value": "M-1", "displayName": "Bo"}},
    });
    fold(&registry(), ResourceKind::User, document.as_object().unwrap())
}

fn holds(filter: &str) -> bool {
    let filter = parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    compile(&filter, &registry(), ResourceKind::User).unwrap_or_else(|error| panic!("{filter}: {error}"));
    matches(&filter, &registry(), ResourceKind::User, &sam())
}

fn condition(kind: ResourceKind, filter: &str) -> Condition {
    compile(&parse(filter).unwrap(), &registry(), kind).unwrap()
}

fn refused(filter: &str) -> ScimError {
    let error =
        parse(filter).and_then(|filter| compile(&filter, &registry(), ResourceKind::User)).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{filter}");
    error
}

#[test]
fn holds_for_what_is_there() {
    for filter in [
        r#"userName eq "sam@EXAMPLE.org""#,
        r#"USERNAME Eq "sam@example.org""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "SAM""#,
        r#"externalId eq "AbC""#,
        r#"title eq "a \"b\" \\C""#,
        r#"title co "\"" and title ew "\\c""#,
        r#"name.familyName eq "A\u030angström""#,
        "active eq true",
        r#"active eq "True""#,
        "active ne false",
        r#"emails eq "WORK@x""#,
        r#"emails.type eq "work" and emails.value eq "home@x""#,
        r#"emails[type eq "home" and value co "@x"]"#,
        r#"emails[type eq "work"].value eq "work@x""#,
        r#"emails[not (type eq "work") and not (primary eq true)]"#,
        r#"emails[primary eq "True"]"#,
        r#"emails ne "work@x""#,
        "emails pr and not (photos pr)",
        "nickName eq null and title ne null",
        r#"nickName ne "x""#,
        r#"nosuch ne "x" and urn:no:such:Ext:field ne "x""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "M-1""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "M-1""#,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user pr",
        "urn:x:2.0:Ext:number gt 4.5 and urn:x:2.0:ext:Number le 5",
        "urn:x:2.0:Ext:flag eq true",
        r#"urn:x:2.0:Ext:words eq "B" and urn:x:2.0:Ext:words ne "b""#,
        r#"userName gt "a" and userName lt "z" and userName ge "sam@example.org""#,
        r#"meta.resourceType eq "User""#,
        r#"userName eq "x" or title pr and active eq true"#,
        r#"schemas eq "urn:x:2.0:ext""#,
    ] {
        assert!(holds(filter), "{filter}");
    }
}

#[test]
fn does_not_hold_for_what_is_not_there() {
    for filter in [
        r#"externalId eq "abc""#,
        r#"userName ne "SAM@example.org""#,
        r#"emails[type eq "work" and value eq "home@x"]"#,
        r#"emails[type eq "work"].value eq "home@x""#,
        r#"nickName eq "x" or nickName gt "" or nickName pr"#,
        r#"nosuch eq "x""#,
        r#"password eq "x""#,
        "active eq false",
        r#"not (userName eq "sam@example.org")"#,
        r#"meta.resourceType eq "Group""#,
        r#"urn:x:2.0:Ext:number eq "5""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group""#,
        r#"(userName eq "x" or title pr) and active eq false"#,
    ] {
        assert!(!holds(filter), "{filter}");
    }
}

#[test]
fn refuses_comparisons_without_meaning() {
    for filter in [
        "active gt false",
        r#"active eq "maybe""#,
        "active co true",
        "userName eq 5",
        "userName gt null",
        r#"name eq "x""#,
        r#"addresses eq "x""#,
        r#"x509Certificates.value gt "x""#,
        r#"x509Certificates.value co "x""#,
        r#"meta.created gt "yesterday""#,
        r#"meta.created co "2026""#,
        r#"meta.version eq "W/\"1\"""#,
        r#"meta[created pr]"#,
        r#"groups.$ref eq "x""#,
        r#"schemas co "x""#,
        "urn:x:2.0:Ext:flag gt true",
        "urn:x:2.0:Ext:number co 5",
    ] {
        let detail = refused(filter).detail;
        assert!(detail.starts_with('"'), "{detail}");
    }
}

#[test]
fn equality_has_the_form_that_an_index_answers() {
    let search = |filter| match condition(ResourceKind::User, filter) {
        Condition::Search(path) => path,
        other => panic!("{other:?}"),
    };
    assert_eq!(search(r#"displayName eq "Sam""#), r#"$ ? (@."displayname" == "sam")"#);
    assert_eq!(search(r#"emails.value eq "X""#), r#"$ ? (@."emails"."value" == "x")"#);
    assert_eq!(
        search(r#"emails[type eq "work"].value eq "x""#),
        r#"$."emails" ? ((@."type" == "work") && (@."value" == "x"))"#
    );
    assert_eq!(search(r#"title eq "\"\\\n$""#), r#"$ ? (@."title" == "\"\\\n$")"#);
    assert_eq!(
        search(r#"title ew "a.b$é""#),
        r#"$ ? (@."title" like_regex "a\\.b\\$é$")"#,
        "every character that could mean something is escaped"
    );
}

#[test]
fn columns_and_links_have_their_own_conditions() {
    let eq = |value: &str| Comparison { op: CompareOp::Eq, value: value.to_owned() };
    let user = |filter| condition(ResourceKind::User, filter);
    let group = |filter| condition(ResourceKind::Group, filter);
    assert_eq!(user(r#"id eq "AbC""#), Condition::Id(eq("AbC")));
    assert_eq!(user(r#"userName eq "Sam""#), Condition::Key(Key::UserName, "sam".to_owned()));
    assert_eq!(user(r#"externalId eq "AbC""#), Condition::Key(Key::ExternalId, "AbC".to_owned()));
    assert_eq!(group(r#"displayName eq "Dev""#), Condition::Key(Key::DisplayName, "dev".to_owned()));
    assert_eq!(
        user(r#"meta.lastModified gt "2026-01-02T03:04:05+02:00""#),
        Condition::Modified(TimeComparison {
            op: CompareOp::Gt,
            at: "2026-01-02T01:04:05Z".parse().unwrap()
        })
    );
    for filter in [r#"members eq "1""#, r#"members.value eq "1""#, r#"members[value eq "1"]"#] {
        assert_eq!(group(filter), Condition::Member(LinkCondition::Value(eq("1"))));
        assert_eq!(user(filter), Condition::Never);
    }
    assert_eq!(
        user(r#"groups[display eq "Dev" and not (type eq "Direct")]"#),
        Condition::UserGroup(LinkCondition::All(vec![
            LinkCondition::Display(eq("dev")),
            LinkCondition::Not(Box::new(LinkCondition::Type(eq("direct")))),
        ]))
    );
    let nobody = Condition::Not(Box::new(Condition::Member(LinkCondition::Present)));
    assert_eq!(group("members pr"), Condition::Member(LinkCondition::Present));
    assert_eq!(group("members eq null"), nobody);
    let other = LinkCondition::Value(Comparison { op: CompareOp::Ne, value: "1".to_owned() });
    assert_eq!(group(r#"members ne "1""#), Condition::Any(vec![nobody, Condition::Member(other)]));
    assert_eq!(user("id pr and meta.created pr"), Condition::Always);
}
