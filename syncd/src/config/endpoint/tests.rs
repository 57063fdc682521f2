use serde_json::json;

use super::*;

fn with(changes: Value) -> Result<EndpointConfig, ConfigError> {
    let mut config = json!({"url": "https://facts.example.org/user?tenant=a%20b"});
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    EndpointConfig::parse(&config)
}

fn refused(changes: Value) -> String {
    with(changes).expect_err("must be refused").to_string()
}

#[test]
fn defaults() {
    let config = with(json!({})).unwrap();
    assert_eq!(config.mode, Mode::PerUser);
    assert_eq!((config.concurrency, config.timeout), (8, Duration::from_secs(10)));
    assert!(config.wanted.groups && config.wanted.attributes);
    assert!(config.auth.is_none() && config.client.is_none());
}

#[test]
fn all_keys() {
    let config = with(json!({
        "mode": "bulk", "auth": {"env": "FACTS"}, "ca_file": "/etc/ca.pem", "client_cert": "/etc/me.pem",
        "client_key": {"file": "me.key"}, "sync_groups": false, "concurrency": 2, "timeout_seconds": 3,
        "max_age": "1 day", "match_by": "email", "prefix": "crm", "allow_clear_text": false
    }))
    .unwrap();
    assert_eq!(config.mode, Mode::Bulk);
    assert!(!config.wanted.groups && config.client.is_some());
}

#[test]
fn clear_text_only_where_it_is_allowed() {
    assert!(refused(json!({"url": "http://facts.example.org/"})).contains("allow_clear_text"));
    for url in ["http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:1/"] {
        assert!(with(json!({"url": url})).is_ok(), "{url}");
        assert!(with(json!({"url": url, "allow_clear_text": false})).is_err(), "{url}");
    }
    assert!(with(json!({"url": "http://facts.example.org/", "allow_clear_text": true})).is_ok());
}

#[test]
fn a_password_in_the_url_is_refused_and_not_repeated() {
    let message = refused(json!({"url": "https://me:hunter2@facts.example.org/"}));
    assert!(message.contains("use auth") && !message.contains("hunter2"), "{message}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (changes, part) in [
        (json!({"url": "ftp://x/"}), "https://"),
        (json!({"url": "nowhere"}), "not a URL"),
        (json!({"url": "https://x/#y"}), "fragment"),
        (json!({"mode": "some"}), "per_user"),
        (json!({"match_by": "phone"}), "username"),
        (json!({"concurrency": 0}), "between 1 and 256"),
        (json!({"auth": "me:hunter2"}), "{\"env\": \"NAME\"}"),
        (json!({"client_cert": "/etc/me.pem"}), "client_key"),
        (json!({"max_age": -1}), "max_age"),
        (json!({"sync_groups": false, "sync_attributes": false}), "nothing to read"),
        (json!({"timeout": 1}), "unknown key `timeout`"),
    ] {
        let message = refused(changes);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_decides_the_meaning_of_an_answer_is_in_the_digest() {
    let digest = |changes| with(changes).unwrap().digest;
    assert_eq!(digest(json!({})), digest(json!({"concurrency": 3, "max_age": 60})));
    for changes in [json!({"prefix": "crm"}), json!({"sync_groups": false}), json!({"url": "https://other/"})]
    {
        assert_ne!(digest(json!({})), digest(changes.clone()), "{changes}");
    }
}
