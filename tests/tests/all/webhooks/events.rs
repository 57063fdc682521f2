//! Each event, in the order of the feed, signed.

use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use roster_tests::{Db, Received, Receiver, Tls, repository, wait_until};

use super::{SECRET, lab, told};

#[test]
fn every_event_is_told_once_in_order() {
    let lab = lab("");
    let _served = lab.serve();
    lab.db.run("SELECT roster.create_user('sam', display_name => 'Sam')");
    lab.db.run("SELECT roster.set_user_attribute('sam', 'region', ARRAY['Ohio', 'Iowa'])");
    lab.db.run("SELECT roster.set_user_attribute('sam', 'region', ARRAY['Iowa', 'Texas'])");
    lab.db.run("SELECT roster.remove_user_attribute('sam', 'region')");
    lab.db.run("SELECT roster.create_group('dev'); SELECT roster.create_group('all')");
    lab.db.run("SELECT roster.set_group_attribute('dev', 'floor', '1')");
    lab.db.run("SELECT roster.set_group_attribute('dev', 'floor', '2')");
    lab.db.run("SELECT roster.remove_group_attribute('dev', 'floor')");
    lab.db.run("SELECT roster.add_member('dev', 'sam'); SELECT roster.add_subgroup('all', 'dev')");
    lab.db.run("SELECT roster.remove_member('dev', 'sam'); SELECT roster.remove_subgroup('all', 'dev')");
    lab.db.run("SELECT roster.disable_user('sam')");
    lab.db.run("SELECT roster.enable_user('sam')");
    lab.db.run("SELECT roster.delete_user('sam'); SELECT roster.delete_group('dev')");
    lab.await_rest();
    let taken = lab.receiver.taken();
    // Users and groups go side by side: only the order about each is promised.
    let about = |subject: &str| -> Vec<String> {
        let of: Vec<Received> = taken.iter().filter(|one| one.text("/subject") == subject).cloned().collect();
        told(&of)
    };
    assert_eq!(
        about("sam"),
        [
            "userAdded sam",
            "attributeAdded sam region +Iowa +Ohio",
            "attributeUpdated sam region +Texas -Ohio",
            "attributeRemoved sam region -Iowa -Texas",
            "userRemoved sam",
            "userAdded sam",
            "userRemoved sam",
        ]
    );
    assert_eq!(
        about("dev"),
        [
            "groupAdded dev",
            "attributeAdded dev floor +1",
            "attributeUpdated dev floor +2 -1",
            "attributeRemoved dev floor -2",
            "memberAdded dev sam",
            "memberRemoved dev sam",
            "groupRemoved dev",
        ]
    );
    assert_eq!(about("all"), ["groupAdded all", "memberAdded all dev", "memberRemoved all dev"]);
    assert_eq!(lab.receiver.received().len(), taken.len(), "nothing twice while nothing fails");
    let kinds: std::collections::BTreeSet<_> = taken
        .iter()
        .filter(|one| one.text("/type") == "memberAdded")
        .map(|one| format!("{} {}", one.text("/data/kind"), one.text("/data/name")))
        .collect();
    let expected = ["group dev", "user sam"].map(str::to_owned);
    assert_eq!(kinds, expected.into(), "what the member is");
}

#[test]
fn a_message_says_who_what_when_and_why() {
    let lab = lab(", secret => '{\"env\": \"HOOK_SECRET\"}'");
    let admin = lab.db.login(&["roster_user_admin"]);
    admin.run("SELECT roster.create_user('sam', email => 'sam@example.org')");
    let _served = lab.serve();
    let taken = lab.await_taken(1);
    let one = &taken[0];
    assert_eq!(one.path, "/hook");
    assert_eq!(one.header("content-type"), "application/cloudevents+json; charset=utf-8");
    assert_eq!(
        (one.text("/specversion"), one.text("/type"), one.text("/subject")),
        ("1.0", "userAdded", "sam")
    );
    assert_eq!(one.text("/source"), "/roster/builtin");
    assert_eq!(one.text("/data/after/email"), "sam@example.org");
    assert_eq!(
        (one.text("/data/iam"), one.text("/data/kind"), one.text("/data/source")),
        ("builtin", "user", "manual")
    );
    assert_eq!(one.text("/data/actor"), admin.line("SELECT current_user"));
    let change = lab.db.line(
        "SELECT change_id, to_char(changed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM roster.changes WHERE kind = 'user'",
    );
    assert_eq!(format!("{}|{}", one.body["data"]["change_id"], one.text("/time")), change);
    assert_eq!(one.header("webhook-id"), one.text("/id"));
    let sent: u64 = one.header("webhook-timestamp").parse().expect("seconds");
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    assert!(now.abs_diff(sent) < 120, "{sent} {now}");
    assert_eq!(one.header("webhook-signature"), signature(SECRET, one), "computed by openssl");
}

/// What the specification says, by another program than the one that is tested.
fn signature(secret: &str, one: &Received) -> String {
    let mut signed =
        format!("{}.{}.", one.header("webhook-id"), one.header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&one.raw);
    let code = openssl(&["dgst", "-sha256", "-hmac", secret, "-binary"], &signed);
    format!("v1,{}", String::from_utf8_lossy(&openssl(&["base64", "-A"], &code)))
}

fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads all");
    child.wait_with_output().expect("it is our child").stdout
}

#[test]
fn a_webhook_tells_its_events_of_its_identity_manager_and_no_others() {
    let lab = lab(", events => '{attributeAdded,userRemoved}'");
    lab.db.run(
        "SELECT roster.create_identity_manager('corp'); SELECT roster.create_user('eve', iam => 'corp')",
    );
    lab.db.run("SELECT roster.set_user_attribute('eve', 'a', '1', iam => 'corp')");
    lab.db.run("SELECT roster.create_user('sam'); SELECT roster.set_user_attribute('sam', 'a', '1')");
    lab.db.run("SELECT roster.disable_user('sam')");
    let _served = lab.serve();
    lab.await_rest();
    assert_eq!(told(&lab.receiver.taken()), ["attributeAdded sam a +1", "userRemoved sam"]);
}

#[test]
fn a_value_that_comes_and_goes_in_one_transaction_is_not_told() {
    let lab = lab("");
    lab.db.run("SELECT roster.create_user('sam')");
    lab.db.run(
        "BEGIN; SELECT roster.add_user_attribute('sam', 'a', '1'); SELECT roster.remove_user_attribute('sam', 'a');
         SELECT roster.add_user_attribute('sam', 'b', '1'); COMMIT",
    );
    let _served = lab.serve();
    lab.await_rest();
    assert_eq!(told(&lab.receiver.taken()), ["userAdded sam", "attributeAdded sam b +1"]);
}

#[test]
fn an_attribute_whose_changes_lie_far_apart_in_a_large_run_is_one_event() {
    let lab = lab("");
    lab.db.run(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap'); SELECT roster.create_source('s', iam => 'corp', kind => 'ldap')",
    );
    let sync = |value: &str| {
        let claimed = lab.db.line("SELECT run_id, slot FROM roster_private.claim_run('s')");
        let (run_id, slot) = claimed.split_once('|').expect("two columns");
        lab.db.run(&format!(
            "INSERT INTO roster_private.staged_entity (slot, run_id, kind, present, key, external_id, name, profile, active, fingerprint)
             SELECT {slot}, {run_id}, 'user', true, md5('u' || i)::uuid, 'u' || i, 'u' || i, '{{}}'::jsonb, true, md5('{value}' || i)::uuid
             FROM generate_series(1, 1500) i;
             INSERT INTO roster_private.staged_value (slot, run_id, kind, key, name, value)
             SELECT {slot}, {run_id}, 'user', md5('u' || i)::uuid, 'a', '{value}' FROM generate_series(1, 1500) i"
        ));
        lab.db.run(&format!(
            "SELECT * FROM roster_private.complete_run({run_id}, 1500, 1500, 1500, 0, 0, NULL)"
        ));
    };
    sync("one");
    lab.db.run(&format!("SELECT roster.create_webhook('corp', 'corp', '{}')", lab.receiver.url()));
    sync("two");
    let _served = lab.serve();
    lab.await_taken(1500);
    wait_until("nothing is left", || lab.db.number("SELECT sum(pending) FROM roster.webhooks") == 0);
    let all = told(&lab.receiver.taken());
    assert_eq!(all.len(), 1500);
    assert!(
        all.iter().all(|one| one.starts_with("attributeUpdated u") && one.ends_with(" a +two -one")),
        "{:?}",
        all[0]
    );
}

#[test]
fn a_change_is_delivered_about_a_second_after_its_commit() {
    let lab = lab("");
    let _served = lab.serve();
    lab.db.run("SELECT roster.create_user('first')");
    lab.await_taken(1);
    let began = Instant::now();
    lab.db.run("SELECT roster.create_user('second')");
    lab.await_taken(2);
    // A loaded machine is no bug; the next look of the housekeeping would be one.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn the_certificate_of_a_receiver_is_verified() {
    let lab = lab("");
    let tls = Tls::shared();
    // Nobody speaks TLS there: but whoever does must have a certificate that the system, or SSL_CERT_FILE, trusts.
    lab.db.run(&format!(
        "SELECT roster.alter_webhook('hook', url => 'https://127.0.0.1:{}/hook')",
        lab.receiver.port
    ));
    let daemon = lab.daemon().with("SSL_CERT_FILE", tls.ca.to_str().expect("UTF-8"));
    let _served = daemon.serve(&[]);
    lab.db.run("SELECT roster.create_user('sam')");
    wait_until("the error is noted", || {
        lab.db.number("SELECT count(*) FROM roster.webhook_deliveries WHERE last_error IS NOT NULL AND state = 'pending'") == 1
    });
    assert!(lab.receiver.taken().is_empty(), "nothing is sent in clear text instead");
}

/// The example of the documentation, run as it stands.
#[test]
fn the_receiver_of_the_documentation_verifies_and_prints() {
    let page =
        std::fs::read_to_string(repository().join("docs/connectors/webhooks.md")).expect("the page is there");
    let program =
        page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a program");
    let place = Receiver::start();
    let port = place.port;
    drop(place);
    let db = Db::fresh();
    let secret = "whsec_c2VjcmV0IG9mIHRoZSB3ZWJob29r";
    let mut python = Command::new("python3")
        .args(["-c", program, &port.to_string()])
        .env("AUDIT_HOOK_SECRET", secret)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    let out = python.stdout.take().expect("a pipe");
    let call = "SELECT roster.create_webhook('audit', 'builtin', 'http://127.0.0.1";
    db.run(&format!("{call}:{port}/', secret => '{{\"env\": \"AUDIT_HOOK_SECRET\"}}')"));
    let _served = db.daemon().with("AUDIT_HOOK_SECRET", secret).serve(&[]);
    db.run("SELECT roster.create_user('sam')");
    let mut line = String::new();
    std::io::BufReader::new(out).read_line(&mut line).expect("it prints");
    let _ = python.kill();
    let _ = python.wait();
    assert!(line.starts_with("userAdded sam {"), "{line}");
}
