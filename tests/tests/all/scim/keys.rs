//! Who may come in.

use std::sync::Barrier;

use roster_tests::{Scim, wait_until};
use serde_json::json;

use super::{IAM, LABEL, Lab, user};

#[test]
fn without_a_key_nobody_comes_in() {
    let lab = Lab::new();
    let key = lab.scim.authorization.clone();
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic",
        "Basic !!!",
        "Basic eDp5",
        "Digest username=\"x\"",
        "Token abc",
        &key[..key.len() - 1],
        &format!("{key}x"),
        &format!("{key} {key}"),
    ] {
        let stranger = lab.scim.authorized(wrong);
        for answer in [
            stranger.get("/Users"),
            stranger.post("/Users", &user("eve", json!({}))),
            stranger.get("/Schemas/nothing"),
        ] {
            assert_eq!(answer.status, 401, "{wrong:?}");
            let challenges: Vec<_> = answer
                .headers
                .iter()
                .filter(|(name, _)| name == "www-authenticate")
                .map(|(_, v)| v.as_str())
                .collect();
            let challenges = challenges.join(", ");
            assert!(challenges.contains("Bearer") && challenges.contains("Basic"), "{challenges}");
        }
    }
    assert_eq!(lab.db.lines("SELECT username FROM roster.users"), [""; 0]);
    lab.scim.authorized(&key.replace("Bearer", "bearer")).get("/Users").expect(200);
}

#[test]
fn a_key_ends_when_it_is_revoked_or_expires() {
    let lab = Lab::new();
    lab.scim.get("/Users").expect(200);
    lab.db.run(&format!("SELECT roster.revoke_api_key('{LABEL}')"));
    lab.scim.get("/Users").expect(401);
    let brief = lab.db.line(&format!(
        "SELECT roster.create_api_key('brief', iam => '{IAM}', scopes => '{{scim}}', expires_at => clock_timestamp() + interval '1 s')"
    ));
    let brief = Scim::new(lab.served.port, IAM, &brief);
    brief.get("/Users").expect(200);
    wait_until("the key has expired", || brief.get("/Users").status == 401);
    // What the database looks at is the same clock.
    assert_eq!(
        lab.db.line(
            "SELECT count(*) FROM roster.api_keys WHERE label = 'brief' AND expires_at < clock_timestamp()"
        ),
        "1"
    );
}

#[test]
fn a_rotated_key_overlaps_with_its_successor() {
    let lab = Lab::new();
    let next = lab.db.line(&format!("SELECT roster.rotate_api_key('{LABEL}', overlap => '1 hour')"));
    let next = Scim::new(lab.served.port, IAM, &next);
    lab.scim.create("/Users", &user("old", json!({})));
    next.create("/Users", &user("new", json!({})));
    let last = lab.db.line(&format!("SELECT roster.rotate_api_key('{LABEL}', overlap => '0')"));
    next.get("/Users").expect(401);
    Scim::new(lab.served.port, IAM, &last).get("/Users").expect(200);
    assert_eq!(
        lab.audit().iter().filter(|line| line.starts_with("add user ")).count(),
        2,
        "one label, one actor"
    );
}

#[test]
fn other_scopes_are_no_way_in() {
    let lab = Lab::new();
    for (scope, status) in [("changes", 403), ("user-info", 403), ("console", 403)] {
        let key = lab.db.line(&format!(
            "SELECT roster.create_api_key('{scope}', iam => '{IAM}', scopes => '{{{scope}}}')"
        ));
        let answer = Scim::new(lab.served.port, IAM, &key).get("/Users");
        assert_eq!(answer.status, status, "{scope}: {answer:?}");
        assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains("scope")), "{answer:?}");
    }
}

#[test]
fn a_disabled_source_takes_nothing() {
    let lab = Lab::new();
    lab.db.run("SELECT roster.alter_source('idp-scim', enabled => false)");
    let answer = lab.scim.post("/Users", &user("alice", json!({})));
    assert!(matches!(answer.status, 401 | 403 | 503), "{answer:?}");
    lab.db.run("SELECT roster.alter_source('idp-scim', enabled => true)");
    lab.scim.create("/Users", &user("alice", json!({})));
}

#[test]
fn use_is_noted_and_the_key_is_nowhere() {
    let lab = Lab::new();
    let secret = lab.scim.authorization.trim_start_matches("Bearer ").to_owned();
    lab.scim.create("/Users", &user("alice", json!({})));
    lab.scim.post("/Users", &json!({"password": "hunter2 hunter2"})).expect(400);
    assert_eq!(
        lab.db.line(&format!("SELECT last_used_at IS NOT NULL FROM roster.api_keys WHERE label = '{LABEL}'")),
        "t"
    );
    let said = lab.served.running.said();
    assert!(!said.contains(&secret) && !said.contains("hunter2"), "{said}");
}

#[test]
fn the_rate_limit_is_that_of_one_key() {
    let lab = Lab::with(&json!({"rate_limit": 5}));
    let second =
        lab.db.line(&format!("SELECT roster.create_api_key('second', iam => '{IAM}', scopes => '{{scim}}')"));
    let second = Scim::new(lab.served.port, IAM, &second);
    let barrier = Barrier::new(8);
    let answers: Vec<_> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..8)
            .map(|_| {
                threads.spawn(|| {
                    barrier.wait();
                    (0..5).map(|_| lab.scim.get("/ServiceProviderConfig")).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    let limited: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(limited.len() >= 20, "{} of 40 were over the limit", limited.len());
    for answer in &limited {
        let seconds: u64 = answer.header("retry-after").expect("Retry-After").parse().expect("whole seconds");
        assert!((1..=10).contains(&seconds), "{seconds}");
    }
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 429)));
    second.get("/Users").expect(200);
    wait_until("the key may come again", || lab.scim.get("/Users").status == 200);
}

#[test]
fn what_needs_no_key() {
    let lab = Lab::new();
    for (path, word) in [("/healthz", "200"), ("/readyz", "200")] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = lab.scim.raw(request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {word}")), "{path}: {answer}");
    }
    let outside = lab.scim.raw(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(outside.starts_with("HTTP/1.1 404"), "{outside}");
}
