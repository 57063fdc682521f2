use serde_json::json;

use super::*;

fn body(value: &Value) -> Value {
    of_body(None, value.to_string().as_bytes())
}

#[test]
fn texts_are_masked_and_words_of_the_protocol_are_shown() {
    let sent = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [
            {"op": "Add", "path": "emails[type eq \"work\"].value", "value": "ann@example.org"},
            {"op": "replace", "value": {"active": "False", "name.givenName": "Änn", "count": 3, "x": null}},
            {"op": "remove", "path": "members[value eq \"2819c223\"]"},
        ],
        "emails": [{"type": "work", "primary": true, "value": "a@b"}],
    });
    assert_eq!(
        body(&sent),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [
                {"op": "Add", "path": "emails[type eq \"work\"].value", "value": "string(15)"},
                {"op": "replace", "value": {"active": "False", "name.givenName": "string(3)", "count": 3, "x": null}},
                {"op": "remove", "path": "members[value eq \"string(8)\"]"},
            ],
            "emails": [{"type": "work", "primary": true, "value": "string(3)"}],
        })
    );
}

#[test]
fn passwords_do_not_even_show_their_length() {
    let sent = json!({
        "Password": "x", "password": 12345,
        "Operations": [
            {"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": "hunter2"},
            {"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:PASSWORD": "hunter2"}},
        ],
    });
    let shown = body(&sent).to_string();
    assert_eq!(shown.matches("\"secret\"").count(), 4, "{shown}");
    assert!(!shown.contains("string(") && !shown.contains("12345"), "{shown}");
}

#[test]
fn long_lists_are_cut() {
    let shown = body(&json!(vec![json!({"value": "id"}); 23]));
    let shown = shown.as_array().unwrap();
    assert_eq!((shown.len(), &shown[20]), (21, &json!("... 3 more")));
    let deep = (0..4).fold(json!("x"), |inner, _| json!(vec![inner; 20]));
    assert!(body(&deep).to_string().len() < 64 * MOST_NODES);
}

#[test]
fn sentences_where_words_belong_are_masked() {
    assert_eq!(body(&json!({"type": "the number of Ann"})), json!({"type": "string(17)"}));
    assert_eq!(body(&json!({"active": "ann@example.org"})), json!({"active": "string(15)"}));
}

#[test]
fn what_is_no_json_tells_its_length_only() {
    let shown = of_body(Some("text/plain"), b"userName=ann");
    assert_eq!(shown["length"], 12);
    assert_eq!(shown["content_type"], "text/plain");
    assert!(!shown.to_string().contains("ann"), "{shown}");
}

#[test]
fn queries_show_names_and_masked_filters() {
    let query = "filter=userName%20eq%20%22ann%40example.org%22&startIndex=1&count=100&token=abc&";
    let shape = of_request(Some(query), None, None).unwrap();
    assert_eq!(
        shape,
        json!({"query": {
            "filter": "userName eq \"string(15)\"", "startIndex": "1", "count": "100", "token": "string(3)",
        }})
    );
    assert_eq!(of_request(Some(""), None, Some(b"")), None);
}

#[test]
fn filters_keep_their_form_and_lose_their_values() {
    for (filter, shown) in [
        (
            r#"emails[type eq "work" and value co "ann"] or active eq true"#,
            r#"emails[type eq "work" and value co "string(3)"] or active eq true"#,
        ),
        (r#"userName eq "a\"b\\""#, r#"userName eq "string(4)""#),
        (r#"userName eq "never closed"#, r#"userName eq "string(12)"#),
        ("externalId eq jyoung", "externalId eq unquoted(6)"),
        ("userName EQ John Doe and age gt 3", "userName EQ unquoted(4) unquoted(3) and age gt 3"),
        (
            r#"not (title pr) and (roles[primary eq "True"].value sw "x")"#,
            r#"not (title pr) and (roles[primary eq "True"].value sw "string(1)")"#,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        ),
    ] {
        assert_eq!(mask_filter(filter), shown);
    }
}

#[test]
fn nothing_is_shown_that_no_text_can_hold() {
    let body = json!({"a\0b": "c\0", "path": "x\0", "schemas": ["y\0"]}).to_string();
    let shape = of_request(Some("filter=a%00b%20pr"), None, Some(body.as_bytes())).unwrap();
    assert!(!shape.to_string().contains("\\u0000"), "{shape}");
}
