//! Everybody in one answer.

use roster_tests::Reply;
use serde_json::{Value, json};

use super::Lab;

fn lab(users: &[&str]) -> Lab {
    Lab::configured(users, json!({"mode": "bulk"}))
}

fn item(user: &str, value: &str) -> Value {
    json!({"userid": user, "groups": [{"name": "g"}], "authorizations": {"x": [value]}})
}

fn array(items: &[Value]) -> Reply {
    Reply::ok(&Value::from(items.to_vec()).to_string())
}

fn lines(items: &[Value]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

fn five() -> Vec<Value> {
    ["a", "b", "c", "d", "e"].iter().map(|user| item(user, "1")).collect()
}

const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

#[test]
fn an_array_is_read_and_who_is_missing_is_gone() {
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()));
    lab.sync();
    assert_eq!(lab.attributes().len(), 5);
    assert_eq!(lab.groups(), ["a|g", "b|g", "c|g", "d|g", "e|g"]);
    lab.web.answer("/facts", array(&five()[1..]));
    lab.sync();
    assert_eq!(lab.attributes(), ["b|x|1", "c|x|1", "d|x|1", "e|x|1"]);
    assert_eq!(lab.last_run("read"), "4");
}

#[test]
fn lines_are_read() {
    let lab = lab(&FIVE);
    lab.web.answer(
        "/facts",
        Reply::ok(&lines(&five())).with("Content-Type", "application/x-ndjson; charset=utf-8"),
    );
    lab.sync();
    assert_eq!(lab.attributes().len(), 5);
    lab.web.answer("/facts", Reply::ok(&lines(&five()[1..])));
    lab.sync();
    assert_eq!(lab.attributes().len(), 4, "known by the first byte as well");
}

#[test]
fn pages_are_followed() {
    let lab = lab(&FIVE);
    let all = five();
    lab.web.answer("/facts", array(&all[..2]).with("Link", "</facts?page=2>; rel=\"next\""));
    lab.web
        .answer("/facts?page=2", array(&all[2..4]).with("Link", "<?page=1>; rel=prev, <?page=3>; rel=next"));
    lab.web.answer("/facts?page=3", array(&all[4..]));
    lab.sync();
    assert_eq!(lab.attributes().len(), 5);
    let asked: Vec<_> = lab.web.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(asked, ["/facts", "/facts?page=2", "/facts?page=3"]);
}

/// Everybody is known; then the endpoint answers so, and nothing may be removed.
#[track_caller]
fn fails(reply: Reply, reason: &str) {
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()));
    lab.sync();
    lab.web.answer("/facts", reply);
    let message = lab.sync_fails();
    assert!(message.contains(reason) && message.contains("nothing was changed"), "{message}");
    assert_eq!(lab.attributes().len(), 5);
}

#[test]
fn a_truncated_page_removes_nobody() {
    fails(array(&five()).cut(), "page 1 could not be read to its end");
    fails(Reply::ok(&lines(&five())).cut(), "page 1 could not be read to its end");
}

#[test]
fn an_answer_that_ends_in_the_middle_removes_nobody() {
    let whole = Value::from(five()).to_string();
    fails(Reply::ok(&whole[..whole.len() - 1]), "ends in the middle");
    fails(Reply::ok(""), "ends in the middle");
    let cut = lines(&five());
    fails(Reply::ok(&cut[..cut.len() - 5]), "ends in the middle");
}

#[test]
fn lines_without_a_length_are_not_trusted() {
    fails(Reply::ok(&lines(&five()[..3])).unmeasured(), "has no length");
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()).unmeasured());
    lab.sync();
    assert_eq!(lab.attributes().len(), 5, "an array tells its end itself");
}

#[test]
fn a_missing_page_removes_nobody() {
    fails(
        array(&five()[..2]).with("Link", "</facts?page=2>; rel=next"),
        "page 2 could not be read to its end: status 404",
    );
}

#[test]
fn pages_in_a_circle_are_noticed() {
    fails(array(&five()[..2]).with("Link", "</facts>; rel=next"), "leads back");
}

#[test]
fn another_server_gets_no_credentials() {
    fails(
        array(&five()[..2]).with("Link", "<http://localhost:1/facts>; rel=next"),
        "leads to another server",
    );
}

#[test]
fn what_is_no_list_removes_nobody() {
    fails(Reply::ok("null"), "neither a JSON array nor lines");
    fails(Reply::ok("<html>"), "neither a JSON array nor lines");
    fails(Reply::ok(r#"{"error": "no"}"#), "none of 1 items has a userid");
    fails(Reply::status(500), "status 500");
}

#[test]
fn an_item_that_cannot_be_taken_keeps_its_user() {
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()));
    lab.sync();
    let mut items = five();
    items[0] = json!({"userid": "a", "groups": "g", "authorizations": {}});
    items.remove(1);
    lab.web.answer("/facts", array(&items));
    lab.sync();
    assert_eq!(lab.attributes(), ["a|x|1", "c|x|1", "d|x|1", "e|x|1"], "a keeps, b is gone");
    assert!(lab.quarantine()[0].contains("groups is missing or no array"), "{:?}", lab.quarantine());
}

#[test]
fn an_item_without_a_userid_keeps_everybody() {
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()));
    lab.sync();
    lab.web.answer("/facts", array(&[item("a", "2"), json!({"groups": [], "authorizations": {}})]));
    lab.sync();
    assert_eq!(lab.attributes(), ["a|x|2", "b|x|1", "c|x|1", "d|x|1", "e|x|1"]);
    let message = lab.last_run("message");
    assert!(message.contains("nobody was removed, because 1 items had no readable userid"), "{message}");
    assert_eq!(lab.quarantine().len(), 1, "{:?}", lab.quarantine());
}

#[test]
fn a_user_who_comes_twice_is_quarantined() {
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()));
    lab.sync();
    let mut items = five();
    items.push(item("a", "2"));
    lab.web.answer("/facts", array(&items));
    lab.sync();
    assert_eq!(lab.attributes()[0], "a|x|1");
    assert!(lab.quarantine()[0].starts_with("a|"), "{:?}", lab.quarantine());
}

#[test]
fn unknown_users_are_told() {
    let lab = lab(&["a"]);
    lab.web.answer("/facts", array(&five()[..2]));
    lab.sync();
    assert_eq!(lab.quarantine(), [r#"b|no user "b" in identity manager "corp""#]);
}

#[test]
fn an_empty_answer_is_for_the_guard() {
    let lab = lab(&FIVE);
    lab.web.answer("/facts", array(&five()));
    lab.sync();
    lab.web.answer("/facts", array(&[]));
    assert_eq!(lab.daemon.run(&["sync", "facts"]).code, Some(3));
    assert_eq!((lab.attributes().len(), lab.last_run("state").as_str()), (5, "blocked"));
}

#[test]
fn many_items_pass_without_being_kept() {
    let lab = lab(&[]);
    lab.db.run("SELECT count(roster.create_user('u' || n, iam => 'corp')) FROM generate_series(1, 20000) n");
    let items: Vec<_> = (1..=20000).map(|n| item(&format!("u{n}"), &"long ".repeat(200))).collect();
    lab.web.answer("/facts", Reply::ok(&lines(&items)));
    let begun = std::time::Instant::now();
    lab.sync();
    println!("20,000 items of 1 KB: {:?}", begun.elapsed());
    assert_eq!(lab.last_run("read, added"), "20000|40001");
}
