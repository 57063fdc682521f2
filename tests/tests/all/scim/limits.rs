//! What is too much is refused, and the server goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use roster_tests::{Tls, wait_until};
use serde_json::json;

use super::{Lab, user};

#[test]
fn a_body_may_have_sixteen_mebibytes() {
    let lab = Lab::new();
    let body = |size: usize| user("alice", json!({"title": "x".repeat(size)})).to_string();
    let id = lab.scim.request("POST", "/Users", &[], Some(&body(15 << 20))).expect(201).id();
    assert_eq!(lab.scim.get(&format!("/Users/{id}")).json["title"].as_str().map(str::len), Some(15 << 20));
    lab.refused(413, "", |scim| scim.request("POST", "/Users", &[], Some(&body(17 << 20))));
    lab.scim.get("/Users?attributes=userName").expect(200);
}

#[test]
fn a_body_may_be_so_deep() {
    let lab = Lab::new();
    let deep =
        |depth: usize| format!("{{\"userName\":\"a\",\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    for depth in [200, 100_000] {
        lab.refused(400, "invalidSyntax", |scim| scim.request("POST", "/Users", &[], Some(&deep(depth))));
    }
    lab.scim.get("/ServiceProviderConfig").expect(200);
}

#[test]
fn what_is_no_http_ends_the_connection_and_nothing_else() {
    let lab = Lab::new();
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        &[0xFF; 2000],
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", lab.scim.port)).expect("syncd listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let _ = stream.write_all(request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 4") || said.starts_with("HTTP/1.1 5"),
            "{said}"
        );
    }
    lab.scim.get("/Users").expect(200);
}

#[test]
fn a_client_that_leaves_halfway_leaves_nothing() {
    let lab = Lab::new();
    let before = lab.facts();
    let head = format!(
        "POST {}/Users HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Type: application/scim+json\r\nContent-Length: 1000\r\n\r\n{{\"userName\":\"al",
        lab.scim.prefix, lab.scim.authorization
    );
    for _ in 0..5 {
        let mut stream = TcpStream::connect(("127.0.0.1", lab.scim.port)).expect("syncd listens");
        stream.write_all(head.as_bytes()).expect("it reads");
    }
    lab.scim.get("/Users").expect(200);
    assert_eq!(lab.facts(), before);
}

#[test]
fn two_hundred_idle_connections_hold_up_nobody() {
    let lab = Lab::new();
    let idle: Vec<_> =
        (0..200).map(|_| TcpStream::connect(("127.0.0.1", lab.scim.port)).expect("syncd listens")).collect();
    lab.new_user("alice");
    assert_eq!(lab.scim.get("/Users").total(), 1);
    assert_eq!(idle.len(), 200);
}

#[test]
fn an_open_address_needs_tls_or_consent() {
    let lab = Lab::new();
    let done = lab.db.daemon().run(&["run", "--listen", "0.0.0.0:0"]);
    assert!(matches!(done.code, Some(1 | 2)), "{done:?}");
    assert!(done.said().contains("--insecure-http") && done.said().contains("--tls-cert"), "{done:?}");
}

#[test]
fn an_address_that_is_taken_stops_only_who_asked_for_it() {
    let lab = Lab::new();
    let usual = lab.db.daemon().without("SYNCD_LISTEN");
    let mut both = [usual.spawn(&["run"]), usual.spawn(&["run"])];
    for daemon in &mut both {
        wait_until("syncd is ready, with or without the usual port", || {
            assert!(!daemon.ends_within(Duration::ZERO), "{}", daemon.said());
            daemon.said().contains("syncd is ready")
        });
    }
    assert!(
        both.iter().any(|daemon| daemon.said().contains("HTTP is not served")),
        "one port serves one of them"
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let done = usual.run(&["run", "--listen", &address]);
    assert!(done.code == Some(1) && done.said().contains(&address), "{done:?}");
}

#[test]
fn the_daemon_speaks_tls_itself() {
    let db = roster_tests::Db::fresh();
    let key = super::new_source(&db, super::IAM, super::SOURCE, super::LABEL, &json!({}));
    let tls = Tls::shared();
    let (certificate, secret) = (tls.certificate.display().to_string(), tls.key.display().to_string());
    let served = db.daemon().serve(&["--tls-cert", &certificate, "--tls-key", &secret]);
    let request = format!(
        "GET /scim/{}/v2/ServiceProviderConfig HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n",
        super::IAM,
        served.port
    );
    let said = tls.ask(served.port, &request);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    assert!(said.contains(&format!("https://localhost:{}/scim/", served.port)), "{said}");
    // And nobody is served in clear text there.
    let clear = roster_tests::Scim::new(served.port, super::IAM, &key).raw(request.as_bytes());
    assert!(!clear.contains("200 OK"), "{clear}");
}

#[test]
fn the_address_is_what_a_trusted_proxy_says() {
    let db = roster_tests::Db::fresh();
    let key = super::new_source(&db, super::IAM, super::SOURCE, super::LABEL, &json!({}));
    let location = |served: &roster_tests::Served, header: &str| {
        let request = format!(
            "GET /scim/{}/v2/ServiceProviderConfig HTTP/1.1\r\nHost: inner:1\r\n{header}Authorization: Bearer {key}\r\nConnection: close\r\n\r\n",
            super::IAM
        );
        let said = roster_tests::Scim::new(served.port, super::IAM, &key).raw(request.as_bytes());
        let at = said.find("\"location\":\"").unwrap_or_else(|| panic!("a location expected: {said}")) + 12;
        said[at..].split("/scim/").next().expect("a first part").to_owned()
    };
    let forwarded = "Forwarded: for=192.0.2.7;host=scim.example.org;proto=https\r\n";
    let trusting = db.daemon().serve(&["--trusted-proxy", "127.0.0.1"]);
    assert_eq!(location(&trusting, forwarded), "https://scim.example.org");
    assert_eq!(location(&trusting, ""), "http://inner:1");
    let wary = db.daemon().serve(&[]);
    assert_eq!(location(&wary, forwarded), "http://inner:1", "anybody could say so");
}
