//! A server of its own that speaks TLS and wants a password.

use std::fs;
use std::path::Path;

use roster_tests::{Cluster, Db, Tls, wait_until};

use super::{LONG, Lab, long};

fn secured() -> &'static Cluster {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start()));
    let db = Db::fresh_in(cluster);
    let tls = Tls::shared();
    let put = |file: &str, text: &str| {
        // Written by the server, so that it is the server's own and nobody else's to read.
        let lines =
            text.trim_end().split('\n').map(|line| format!("('{line}')")).collect::<Vec<_>>().join(", ");
        let path = db.line("SHOW data_directory") + "/" + file;
        db.run(&format!("COPY (VALUES {lines}) TO '{path}'"));
    };
    let read = |path: &Path| fs::read_to_string(path).expect("a file of ours");
    put("server.crt", &read(&tls.certificate));
    put("server.key", &read(&tls.key));
    put(
        "pg_hba.conf",
        "hostssl all reader 127.0.0.1/32 scram-sha-256\nhost all reader all reject\nhost all all 127.0.0.1/32 trust",
    );
    db.run("CREATE ROLE reader LOGIN PASSWORD 's3cret of the table'");
    db.run("ALTER SYSTEM SET ssl = on");
    db.run("SELECT pg_reload_conf()");
    wait_until("it speaks TLS", || db.session().line("SHOW ssl") == "on");
    cluster
}

#[test]
fn the_server_must_prove_who_it_is_and_the_account_who_it_is() {
    let lab = Lab::with("", long());
    let other = Db::fresh_in(secured());
    other.run(&format!(
        "CREATE SCHEMA hr; {LONG} GRANT USAGE ON SCHEMA hr TO reader; GRANT SELECT ON hr.facts TO reader"
    ));
    let tls = Tls::shared();
    let url = |password: &str, query: &str| {
        format!("postgres://reader:{password}@127.0.0.1:{}/{}?{query}", other.cluster.port, other.name)
    };
    let password = "s3cret%20of%20the%20table";
    let full = |ca: &Path| format!("sslmode=verify-full&sslrootcert={}", ca.display());
    let sync = |url: &str| lab.daemon.clone().with("HR_URL", url).run(&["sync", "hr"]);

    for (url, reason) in [
        (url(password, &full(&tls.other_ca)), "UnknownIssuer"),
        (url("wrong", &full(&tls.ca)), "password authentication failed"),
        (url(password, "sslmode=disable"), "reject"),
        (url(password, "sslmode=verify-full&sslrootcert=/nowhere.pem"), "/nowhere.pem"),
    ] {
        let done = sync(&url);
        assert_eq!(done.code, Some(1), "{done:?}");
        let message = lab.last_run("message");
        assert!(message.contains(reason) && !message.contains("s3cret"), "{reason}: {message}");
    }
    let good = url(password, &full(&tls.ca));
    assert_eq!(sync(&good).code, Some(0));
    assert_eq!(lab.attributes().len(), 3);
    let done = lab.daemon.clone().with("HR_URL", &good).run(&["check", "hr"]);
    assert!(done.out.contains("certificate and host name verified"), "{done:?}");
}
