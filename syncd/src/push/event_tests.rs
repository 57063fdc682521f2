use axum::http::{HeaderName, HeaderValue};
use serde_json::json;

use super::*;

fn valid() -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "/hr", "type": "roster.user.upsert", "subject": "sara",
           "time": "2026-05-03T14:00:00+02:00", "data": {"email": "s@example.org"}})
}

fn with(name: &str, value: Value) -> Event {
    let mut event = valid();
    event[name] = value;
    structured(&event).unwrap()
}

#[test]
fn a_structured_event_is_read() {
    let event = structured(&valid()).unwrap();
    assert_eq!((event.id.as_str(), event.origin.as_str()), ("1", "/hr"));
    assert_eq!(event.time.unwrap().to_rfc3339(), "2026-05-03T12:00:00+00:00");
    assert_eq!(event.data, Some(json!({"email": "s@example.org"})));
    assert_eq!(event.problem, None);
}

#[test]
fn data_may_be_encoded() {
    let mut event = valid();
    event.as_object_mut().unwrap().remove("data");
    event["data_base64"] = json!(STANDARD.encode(r#"{"title": "Dr"}"#));
    assert_eq!(structured(&event).unwrap().data, Some(json!({"title": "Dr"})));
}

#[test]
fn without_an_identity_nothing_can_be_kept() {
    for name in ["id", "source"] {
        for value in [json!(null), json!(""), json!(7), json!("a\0b"), json!("x".repeat(1001))] {
            let mut event = valid();
            event[name] = value;
            assert!(structured(&event).is_err(), "{event}");
        }
    }
    assert!(structured(&json!([])).is_err());
}

#[test]
fn what_is_wrong_is_told() {
    for (name, value, told) in [
        ("specversion", json!("0.3"), "specversion"),
        ("type", json!("roster.user.replace"), "the types are"),
        ("type", json!(null), "type is missing"),
        ("subject", json!(" "), "subject is missing"),
        ("subject", json!("a\0"), "U+0000"),
        ("time", json!("yesterday"), "RFC 3339"),
        ("time", json!(5), "time must be a text"),
        ("datacontenttype", json!("text/xml"), "application/json"),
        ("data", json!({"a": ["\0"]}), "U+0000"),
        ("data_base64", json!("e30="), "exclude"),
    ] {
        let event = with(name, value);
        assert!(event.problem.as_ref().is_some_and(|problem| problem.contains(told)), "{event:?}");
        assert!(!event.kind.contains('\0') && !event.data.as_ref().is_some_and(has_nul));
    }
}

#[test]
fn headers_carry_an_event_too() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/hr"),
        ("ce-type", "roster.user.disable"),
        ("ce-subject", "s%C3%A4ra"),
        ("content-type", "application/json; charset=utf-8"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let event = binary(&headers, b"").unwrap();
    assert_eq!((event.subject.as_deref(), &event.data, &event.problem), (Some("s\u{e4}ra"), &None, &None));
    assert!(binary(&headers, b"{").unwrap().problem.is_some());
    headers.remove("ce-id");
    assert!(binary(&headers, b"").is_err());
}
