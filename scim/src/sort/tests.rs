use super::*;
use crate::schema::RegistryOptions;

fn sorted(path: &str) -> Option<Sort> {
    let options =
        RegistryOptions { extensions: ["urn:x:2.0:Ext".to_owned()].into(), ..RegistryOptions::default() };
    sort(&Registry::new(options), ResourceKind::User, path).unwrap()
}

fn search(preferred: &str, any: &str) -> Option<Sort> {
    Some(Sort::Search { preferred: preferred.to_owned(), any: any.to_owned() })
}

#[test]
fn simple_attributes_sort_by_their_value() {
    assert_eq!(sorted("UserName"), search(r#"$."username"[*]"#, r#"$."username"[*]"#));
    assert_eq!(
        sorted("name.familyName"),
        search(r#"$."name"."familyname"[*]"#, r#"$."name"."familyname"[*]"#)
    );
    assert_eq!(sorted("name"), search(r#"$."name"."formatted"[*]"#, r#"$."name"."formatted"[*]"#));
    assert_eq!(
        sorted("urn:x:2.0:Ext:Test"),
        search(r#"$."urn:x:2.0:ext"."test"[*]"#, r#"$."urn:x:2.0:ext"."test"[*]"#)
    );
}

#[test]
fn lists_sort_by_their_primary_value() {
    let wanted = search(r#"$."emails" ? (@."primary" == true)."value""#, r#"$."emails"."value"[*]"#);
    assert_eq!(sorted("emails"), wanted);
    assert_eq!(sorted("emails.value"), wanted);
}

#[test]
fn columns_sort_by_themselves() {
    assert_eq!(sorted("id"), Some(Sort::Id));
    assert_eq!(sorted("meta.created"), Some(Sort::Created));
    assert_eq!(sorted("urn:ietf:params:scim:schemas:core:2.0:User:meta.lastModified"), Some(Sort::Modified));
}

#[test]
fn what_has_no_order_is_left() {
    for path in
        ["nosuch", "groups", "password", "schemas", "meta.version", "addresses.nosuch", "urn:no:Ext:a"]
    {
        assert_eq!(sorted(path), None, "{path}");
    }
    let registry = Registry::new(RegistryOptions::default());
    for path in ["", "a b", "emails[type pr]"] {
        let error = sort(&registry, ResourceKind::User, path).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidPath));
    }
}
