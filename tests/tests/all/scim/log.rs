//! Refused requests, as an administrator sees them: with reason and shape, without secrets.

use roster_tests::wait_until;
use serde_json::{Value, json};

use super::{IAM, LABEL, Lab, SOURCE, user};

fn logged(lab: &Lab, count: usize) -> Vec<String> {
    let read = || {
        lab.db.lines(
            "SELECT coalesce(source, ''), coalesce(label, ''), method, path, status, coalesce(scim_type, ''), reason, shape, count
             FROM roster.scim_log ORDER BY logged_at, path",
        )
    };
    wait_until("the log is written", || read().len() >= count);
    read()
}

#[test]
fn a_refused_request_is_logged_with_its_shape() {
    let lab = Lab::new();
    let secret = "hunter2 hunter2";
    let body = user(
        "",
        json!({"password": secret, "title": "Grand Vizier", "emails": [{"value": "private@x.example", "type": "work"}], "active": "True"}),
    );
    lab.scim.post("/Users", &body).expect(400);
    let log = logged(&lab, 1);
    assert_eq!(log.len(), 1, "{log:?}");
    for word in [SOURCE, LABEL, "POST", "/Users", "|400|invalidValue|", "userName", "emails", "work", "True"]
    {
        assert!(log[0].contains(word), "{word}: {log:?}");
    }
    for word in [secret, "Grand Vizier", "private@x.example"] {
        assert!(!log[0].contains(word), "{word}: {log:?}");
    }
    let key = lab.scim.authorization.trim_start_matches("Bearer ").to_owned();
    assert!(!log[0].contains(&key), "{log:?}");
}

#[test]
fn the_same_again_is_counted() {
    let lab = Lab::new();
    for _ in 0..20 {
        lab.scim.find("/Users", "userName eq alice").expect(400);
    }
    wait_until("all are counted", || {
        lab.db.number("SELECT coalesce(sum(count), 0)::bigint FROM roster.scim_log") == 20
    });
    assert!(lab.db.number("SELECT count(*) FROM roster.scim_log") <= 20);
}

#[test]
fn what_was_left_out_is_logged_too() {
    let lab = Lab::new();
    lab.scim.create("/Users", &user("alice", json!({"favouriteColour": "green"})));
    let log = logged(&lab, 1);
    assert!(log[0].contains("favouriteColour") && log[0].contains("|201|"), "{log:?}");
    assert!(!log[0].contains("green"), "{log:?}");
}

#[test]
fn keys_that_are_refused_are_seen() {
    let lab = Lab::new();
    lab.scim.authorized("Bearer rk_unknown_key_of_somebody").get("/Users").expect(401);
    lab.db.run(&format!("SELECT roster.revoke_api_key('{LABEL}')"));
    lab.scim.get("/Users").expect(401);
    let log = logged(&lab, 2);
    assert!(log.iter().any(|line| line.contains("revoked") && line.contains(LABEL)), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("rk_")), "{log:?}");
}

#[test]
fn the_daemon_shows_the_log() {
    let lab = Lab::new();
    lab.scim.post("/Groups", &json!({"displayName": ""})).expect(400);
    lab.scim.delete("/Users/6c5bb468-14b2-4183-baf2-06d523e03bd3").expect(404);
    logged(&lab, 2);
    let daemon = lab.db.daemon();
    let shown = daemon.run(&["scim", "log"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    for word in ["POST", "/Groups", "400", "invalidValue", "DELETE", "404", LABEL] {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    let json = daemon.run(&["scim", "log", "--json"]);
    assert_eq!(json.code, Some(0), "{json:?}");
    let parsed: Value = serde_json::from_str(&json.out).unwrap_or_else(|e| panic!("{e}: {}", json.out));
    assert!(parsed.to_string().contains("invalidValue"), "{parsed}");
}

#[test]
fn readers_see_the_log_and_others_do_not() {
    let lab = Lab::new();
    lab.scim.get("/Users?filter=x").expect(400);
    logged(&lab, 1);
    assert_eq!(lab.db.login(&["roster_reader"]).lines("SELECT iam FROM roster.scim_log"), [IAM]);
    assert!(lab.db.login(&[]).error("SELECT * FROM roster.scim_log").contains("[42501]"));
}

#[test]
fn a_throng_of_refusals_holds_up_nobody() {
    let lab = Lab::new();
    std::thread::scope(|threads| {
        for worker in 0..4 {
            let scim = &lab.scim;
            threads.spawn(move || {
                for n in 0..150 {
                    let answer = scim.get(&format!("/Users/no-{worker}-{n}"));
                    assert!(matches!(answer.status, 404 | 429), "{answer:?}");
                }
            });
        }
    });
    lab.scim.get("/ServiceProviderConfig").expect(200);
}

#[test]
fn the_log_keeps_the_newest_and_nothing_old() {
    let lab = Lab::new();
    let source = lab.db.line("SELECT source_id FROM roster_private.source WHERE kind = 'scim'");
    lab.db.run(&format!(
        "SELECT roster_private.note_scim_refusal({source}, '{IAM}', 'k', 'GET', '/Users/' || n, 404, NULL, 'gone', NULL)
         FROM generate_series(1, 10050) n;
         UPDATE roster_private.scim_refusal SET last_at = now() - interval '31 days' WHERE path = '/Users/10050'"
    ));
    lab.db.run("SELECT roster_private.purge_scim_log()");
    assert_eq!(lab.db.number("SELECT count(*) FROM roster.scim_log"), 10_000);
    assert_eq!(
        lab.db.lines("SELECT path FROM roster.scim_log WHERE path IN ('/Users/49', '/Users/50', '/Users/10049', '/Users/10050') ORDER BY 1"),
        ["/Users/10049", "/Users/50"]
    );
}
