//! TLS, and who we are, against a real server: another syncd.

use roster_tests::{Db, Tls};
use serde_json::json;

use super::Lab;

/// A daemon that serves HTTPS; what it answers does not matter as long as it is reached.
#[test]
fn the_server_must_prove_who_it_is() {
    let tls = Tls::shared();
    let other = Db::fresh();
    let path = |path: &std::path::Path| path.to_str().expect("a path in UTF-8").to_owned();
    let served = other.daemon().serve(&["--tls-cert", &path(&tls.certificate), "--tls-key", &path(&tls.key)]);
    let url = format!("https://localhost:{}/user-info", served.port);
    let lab = Lab::with(&["sam"]);

    lab.configure(json!({"url": url, "ca_file": path(&tls.other_ca)}));
    let message = lab.sync_fails();
    assert!(message.contains("no TLS") && message.contains("ca_file"), "{message}");
    lab.configure(json!({"url": url, "ca_file": path(&tls.ca)}));
    let message = lab.sync_fails();
    assert!(message.contains("status 40"), "it is reached: {message}");
    lab.configure(json!({"url": url, "ca_file": "/nowhere/ca.pem"}));
    let message = lab.sync_fails();
    assert!(message.contains("certificates cannot be read from /nowhere/ca.pem"), "{message}");
}
