//! What must hold at the end, whatever happened in between.

use std::collections::{BTreeMap, BTreeSet};

use roster_tests::Session;

use super::readers::{self, Read};
use super::world::{Stated, Values, World};
use crate::model::Model;

pub fn everything(world: &World, stated: &Stated, read: Read) {
    let session = world.session();
    acknowledged_is_effective(&session, stated);
    removals_are_explained(&session, stated);
    history_adds_up(&session);
    runs_acted_once(&session);
    assert_same(
        "the feed",
        &read.all(&session),
        &session.lines(&format!("SELECT {} FROM roster.changes ORDER BY change_id", readers::COLUMNS)),
    );
}

/// Both ways, and only what differs is shown.
#[track_caller]
fn assert_same(what: &str, found: &[String], expected: &[String]) {
    let (found_set, expected_set): (BTreeSet<_>, BTreeSet<_>) =
        (found.iter().collect(), expected.iter().collect());
    let lacks: Vec<_> = expected_set.difference(&found_set).take(20).collect();
    let has: Vec<_> = found_set.difference(&expected_set).take(20).collect();
    assert!(lacks.is_empty() && has.is_empty(), "{what} lacks {lacks:#?} and has {has:#?}");
    assert_eq!(found.len(), expected.len(), "{what}: something is there twice");
}

fn acknowledged_is_effective(session: &Session, stated: &Stated) {
    let mut expected = Vec::new();
    let gone = &stated.directory.gone;
    let mut values = |source: &str, values: &Values| {
        for ((owner, name), values) in values.iter().filter(|((owner, _), _)| !gone.contains(owner)) {
            expected.extend(values.iter().map(|value| format!("{source}|{owner}|{name}|{value}")));
        }
    };
    values("corp-ldap", &stated.directory.values);
    values("corp-badges", &stated.remote.values);
    values("corp-crm", &stated.endpoint.values);
    stated.tables.iter().for_each(|table| values("corp-hr", &table.values));
    stated.services.iter().for_each(|service| values("corp-apps", &service.values));
    let active = "JOIN roster.users u ON u.iam = a.iam AND u.username = a.owner AND u.active";
    assert_same("corp", &session.lines(&format!(
        "SELECT a.source, a.owner, a.name, a.value FROM roster.user_attributes a {active} WHERE a.iam = 'corp'"
    )), &expected);

    let ours = stated.services.iter().flat_map(|service| &service.members);
    let mut members: Vec<_> = ours.map(|(group, user)| format!("corp-apps|{group}|{user}")).collect();
    let theirs = stated.directory.members.iter().filter(|(_, user)| !gone.contains(user));
    members.extend(theirs.map(|(group, user)| format!("corp-ldap|{group}|{user}")));
    members.extend(
        stated.directory.nestings.iter().map(|(group, inside)| format!("corp-ldap|{group}|{inside}")),
    );
    assert_same("groups of corp", &session.lines(
        "SELECT source, group_name, member_name FROM roster.memberships m WHERE iam = 'corp'
           AND (member_kind = 'group' OR EXISTS (SELECT FROM roster.users u WHERE u.user_id = m.member_id AND u.active))",
    ), &members);

    let people: Vec<_> = stated.provider.users.iter().filter(|(_, person)| person.active).collect();
    assert_same("idp", &session.lines(
        "SELECT owner, value FROM roster.user_attributes a JOIN roster.users u ON u.iam = a.iam AND u.username = a.owner AND u.active
         WHERE a.iam = 'idp' AND name LIKE '%department'",
    ), &people.iter().map(|(name, person)| format!("{name}|{}", person.title)).collect::<Vec<_>>());
    let members: Vec<_> =
        stated.provider.members.iter().map(|(group, user)| format!("{group}|{user}")).collect();
    assert_same(
        "groups of idp",
        &session.lines("SELECT group_name, member_name FROM roster.memberships WHERE iam = 'idp'"),
        &members,
    );

    Model::stated_in(session).assert_derived_in(session);
}

/// Nothing was ever removed that nobody took back, and what services took back was removed as often as they did.
fn removals_are_explained(session: &Session, stated: &Stated) {
    let removed = |source: &str, change: &str| {
        let mut times = BTreeMap::<String, usize>::new();
        for line in session.lines(&format!(
            "SELECT kind, subject, coalesce(name, ''), CASE WHEN kind LIKE '%attribute' THEN coalesce(before, after) #>> '{{}}' END
             FROM roster.changes WHERE source = '{source}' AND change = '{change}'
               AND kind IN ('user', 'group', 'membership', 'nesting', 'user_attribute', 'group_attribute')",
        )) {
            *times.entry(line).or_default() += 1;
        }
        times
    };
    let explained = |source: &str, retracted: &BTreeSet<String>| {
        let all = removed(source, "remove");
        // Who is gone for a while has nothing meanwhile.
        let gone = |fact: &str| {
            fact.split('|')
                .nth(1)
                .is_some_and(|user| stated.directory.retracted.contains(&format!("user|{user}||")))
        };
        let odd: Vec<_> =
            all.keys().filter(|fact| !retracted.contains(*fact) && !gone(fact)).take(20).collect();
        assert!(odd.is_empty(), "{source} removed what nobody took back: {odd:#?}");
    };
    explained("corp-ldap", &stated.directory.retracted);
    explained("corp-badges", &stated.remote.retracted);
    explained("corp-crm", &stated.endpoint.retracted);
    explained("corp-hr", &stated.tables.iter().flat_map(|table| table.retracted.clone()).collect());
    let times = |facts: &mut dyn Iterator<Item = &String>| {
        let mut times = BTreeMap::<String, usize>::new();
        for fact in facts {
            *times.entry(fact.clone()).or_default() += 1;
        }
        times
    };
    let services = &stated.services;
    assert_eq!(
        removed("corp-apps", "remove"),
        times(&mut services.iter().flat_map(|service| &service.retracted))
    );
    let mut added = removed("corp-apps", "add");
    added.retain(|fact, _| fact.starts_with("user_attribute|") || fact.starts_with("membership|"));
    assert_eq!(added, times(&mut services.iter().flat_map(|service| &service.added)));
}

/// Each fact was added and removed by turns, by its own source, and is there if it was added last.
fn history_adds_up(session: &Session) {
    let events = "SELECT kind, iam, subject, name, source, change, change_id,
                         CASE WHEN kind LIKE '%attribute' THEN coalesce(after, before) #>> '{}' END AS value
                  FROM roster.changes WHERE kind IN ('membership', 'nesting', 'user_attribute', 'group_attribute')";
    let numbered = format!(
        "SELECT e.*, row_number() OVER (PARTITION BY kind, iam, subject, name, value, source ORDER BY change_id) AS n FROM ({events}) e"
    );
    assert_eq!(
        session
            .lines(&format!("SELECT * FROM ({numbered}) e WHERE (change = 'add') <> (n % 2 = 1) LIMIT 20")),
        [""; 0],
        "added when it was there, or removed when it was not"
    );
    let present = format!(
        "SELECT kind, iam, subject, name, coalesce(value, ''), source FROM ({events}) e GROUP BY 1, 2, 3, 4, 5, 6 HAVING count(*) % 2 = 1"
    );
    let facts = "SELECT 'user_attribute' AS kind, iam, owner AS subject, name, value, source FROM roster.user_attributes
                 UNION ALL SELECT 'group_attribute', iam, owner, name, value, source FROM roster.group_attributes
                 UNION ALL SELECT CASE member_kind WHEN 'group' THEN 'nesting' ELSE 'membership' END, iam, group_name, member_name, '', source FROM roster.memberships";
    assert_same("the history", &session.lines(&present), &session.lines(facts));
}

/// One actor at any moment, and what did not succeed did nothing.
fn runs_acted_once(session: &Session) {
    let none = |what: &str, sql: &str| assert_eq!(session.lines(sql), [""; 0], "{what}");
    none(
        "two runs of a source at the same time",
        "SELECT a.run_id, b.run_id FROM roster.sync_runs a JOIN roster.sync_runs b USING (source)
         WHERE a.run_id < b.run_id AND a.state = 'succeeded' AND b.state = 'succeeded'
           AND a.started_at < b.finished_at AND b.started_at < a.finished_at",
    );
    none(
        "a run that did not succeed changed something",
        "SELECT DISTINCT r.run_id, r.state FROM roster.sync_runs r JOIN roster.changes c USING (run_id) WHERE r.state <> 'succeeded'",
    );
    none(
        "a run changed something else than it says",
        "SELECT r.run_id, r.added + r.changed + r.removed, count(c.change_id)
         FROM roster.sync_runs r LEFT JOIN roster.changes c ON c.run_id = r.run_id
         WHERE r.state = 'succeeded' AND r.mode = 'apply' GROUP BY 1, 2
         HAVING count(c.change_id) <> r.added + r.changed + r.removed",
    );
    none(
        "a number was given twice",
        "SELECT change_id FROM roster.changes GROUP BY 1 HAVING count(*) > 1 OR change_id IS NULL",
    );
    none(
        "something is left over",
        "SELECT 'running', run_id::text FROM roster.sync_runs WHERE state IN ('running', 'queued')
         UNION ALL SELECT 'lease', run_id::text FROM roster_private.source_lease l
         WHERE EXISTS (SELECT FROM roster_private.sync_run r WHERE r.run_id = l.run_id AND r.state = 'running')
         UNION ALL SELECT 'dead', reason FROM roster.dead_letters WHERE state = 'dead'",
    );
}

pub fn summary(world: &World) -> String {
    let session = world.session();
    let runs =
        session.lines("SELECT state || ' ' || count(*) FROM roster.sync_runs GROUP BY state ORDER BY state");
    let feed = session.line("SELECT count(*) FROM roster.changes");
    let waiting = session.line("SELECT count(*) FROM roster.dead_letters");
    format!("runs: {}; {feed} changes in the feed; {waiting} events wait for users who left", runs.join(", "))
}
