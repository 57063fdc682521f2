//! What a server remembers, forgets, refuses, or was restored from.

use roster_tests::fake_ldap::{FakeLdap, Script, Trick};
use roster_tests::{BASE, Cutter, Db, Directory, Slapd, group_dn, user_dn};
use serde_json::json;

use super::super::Lab;
use super::{lab, of};

#[test]
fn without_a_session_log_removals_arrive_by_who_is_left() {
    let lab = of(Slapd::options().syncprov().start(&Directory::generated(100, 5)));
    lab.slapd.delete(&user_dn("u0007"));
    lab.slapd.delete(&group_dn("g03"));
    lab.slapd.set(&user_dn("u0001"), "labCountry", &["Chad"]);
    lab.sync_changes();
    assert_eq!(lab.active_users().len(), 99);
    assert_eq!(lab.last_run("read"), "1", "only what changed is read in full");
    lab.agrees_with_a_first_read();
}

#[test]
fn a_restarted_server_has_forgotten_and_names_who_is_left() {
    let mut lab = lab(&Directory::generated(100, 5));
    lab.slapd.delete(&user_dn("u0011"));
    lab.slapd.set(&user_dn("u0001"), "labCountry", &["Chad"]);
    lab.slapd.stop();
    lab.slapd.restart();
    lab.slapd.delete(&user_dn("u0012"));
    lab.sync_changes();
    assert_eq!(lab.active_users().len(), 98);
    lab.agrees_with_a_first_read();
}

#[test]
fn a_cookie_that_the_server_does_not_accept_has_everything_read() {
    let lab = lab(&Directory::reference());
    // As after a restore of the directory from a dump: the last run has seen more than the server has.
    lab.db.run(
        "UPDATE roster_private.source_state SET cursor = jsonb_set(cursor, '{users}',
         to_jsonb(regexp_replace(cursor ->> 'users', 'csn=\\d{4}', 'csn=2099')))",
    );
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Chad"]);
    lab.sync_everything("the server refused the cookie");
    lab.agrees_with_a_first_read();
    lab.sync_changes();
}

#[test]
fn another_configuration_or_mode_has_everything_read() {
    let lab = lab(&Directory::reference());
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Chad"]);
    lab.configure(json!({"incremental": "modify_timestamp"}));
    lab.sync();
    assert_eq!(lab.mode(), "modify_timestamp");
    assert_eq!(lab.db.line("SELECT complete FROM roster_private.sync_run ORDER BY run_id DESC LIMIT 1"), "t");
    lab.configure(json!({"incremental": "off"}));
    lab.sync();
    assert_eq!(lab.mode(), "");
    let done = lab.daemon.run(&["sync", "corp-ldap", "--full"]);
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn asked_for_a_full_read_it_reads_everything() {
    let lab = lab(&Directory::reference());
    let done = lab.daemon.run(&["sync", "corp-ldap", "--full"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(lab.last_run("read"), "7");
    assert!(lab.last_run("message").contains("no difference"), "{}", lab.last_run("message"));
    lab.sync_changes();
}

#[test]
fn a_run_that_fails_leaves_the_cursor_where_it_was() {
    let slapd = Slapd::options().session_log(1000).start(&Directory::reference());
    let cutter = Cutter::before(slapd.port);
    let url = format!("ldap://127.0.0.1:{}", cutter.port);
    let lab = Lab::of(Db::fresh(), slapd, &url);
    lab.sync();
    let cursor = lab.cursor();
    lab.slapd.set(&user_dn("sam"), "labCountry", &["Chad"]);
    lab.slapd.delete(&user_dn("steve"));
    cutter.cut();
    lab.sync_fails();
    assert_eq!(lab.cursor(), cursor);
    cutter.pass();
    lab.sync_changes();
    assert_ne!(lab.cursor(), cursor);
    assert_eq!(lab.active_users(), ["fiona", "sam", "sara", "stephanie"]);
    lab.agrees_with_a_first_read();
}

#[test]
fn without_help_of_the_server_everyone_is_listed_with_the_time_of_change() {
    let slapd = Slapd::start(&Directory::generated(100, 5));
    let url = slapd.url();
    let lab = Lab::of(Db::fresh(), slapd, &url);
    lab.sync();
    assert_eq!(lab.mode(), "modify_timestamp");
    lab.slapd.delete(&user_dn("u0007"));
    lab.slapd.rename(&user_dn("u0008"), "uid=u8000");
    lab.slapd.add(|more| more.user("later", &[]));
    lab.slapd.tools().add_value(&group_dn("g01"), "member", &user_dn("later"));
    lab.sync_changes();
    lab.agrees_with_a_first_read();
    lab.slapd.rename(&format!("ou=people,{BASE}"), "ou=people2");
    lab.configure(json!({"user_base": format!("ou=people2,{BASE}")}));
    lab.sync();
    lab.agrees_with_a_first_read();
}

/// A server that says what no real one does, to who comes with a cookie.
fn faked(trick: Trick) -> Lab<FakeLdap> {
    let lab = Lab::faked(Script::openldap(&Directory::reference()));
    lab.configure(json!({"incremental": "syncrepl"}));
    lab.sync();
    assert_eq!(lab.mode(), "syncrepl", "{}", lab.last_run("message"));
    lab.fake().change(|script| script.tricks.push((String::new(), trick)));
    lab
}

#[test]
fn an_empty_list_of_who_is_left_is_not_believed() {
    let lab = faked(Trick::EmptyPresentPhase);
    let facts = lab.facts();
    lab.sync_everything("nobody");
    assert_eq!(lab.facts(), facts, "nobody was removed");
}

#[test]
fn refused_cookies_have_everything_read() {
    for code in [53, 4096] {
        let lab = faked(Trick::RefuseCookie(code));
        let facts = lab.facts();
        lab.sync_everything(&format!("rc {code}"));
        assert_eq!(lab.facts(), facts);
    }
}

#[test]
fn a_list_of_changes_that_breaks_off_changes_nothing() {
    for trick in [Trick::Cut { page: 0 }, Trick::HalfMessage { page: 0 }, Trick::Silence { page: 0 }] {
        let lab = faked(trick.clone());
        let cursor = lab.cursor();
        lab.sync_fails();
        assert_eq!(lab.cursor(), cursor, "{trick:?}");
    }
}
