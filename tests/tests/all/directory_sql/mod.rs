//! What the database makes of runs of a directory, as any daemon could stage them: complete ones, and partial ones that know
//! only of what changed.

mod bookkeeping;
mod guard;
mod live;
mod memberships;
mod partial;
mod primary;
mod users;

use roster_tests::{Db, Session};
use serde_json::{Value, json};

/// A directory source, and a session with the rights of the daemon.
struct Lab {
    db: Db,
    daemon: Session,
}

impl Lab {
    fn new() -> Lab {
        Lab::with(&json!({}))
    }

    fn with(config: &Value) -> Lab {
        let db = Db::fresh();
        db.run("SELECT roster.create_identity_manager('corp', kind => 'ldap')");
        db.run(&format!(
            "SELECT roster.create_source('ad', iam => 'corp', kind => 'ldap', config => '{config}')"
        ));
        let daemon = db.login(&["roster_syncd"]);
        Lab { db, daemon }
    }

    fn begin(&self) -> Stage<'_> {
        self.begin_by("source => 'ad'")
    }

    fn begin_by(&self, how: &str) -> Stage<'_> {
        let claimed = self.daemon.line(&format!("SELECT run_id, slot FROM roster_private.claim_run({how})"));
        self.stage(&claimed)
    }

    /// The run that was asked for.
    fn begin_next(&self) -> Stage<'_> {
        let claimed = self.daemon.line("SELECT run_id, slot FROM roster_private.claim_next_run()");
        self.stage(&claimed)
    }

    fn stage(&self, claimed: &str) -> Stage<'_> {
        let (run_id, slot) = claimed.split_once('|').expect("two columns");
        Stage {
            lab: self,
            run_id: run_id.to_owned(),
            slot: slot.to_owned(),
            entities: 0,
            values: 0,
            edges: 0,
            quarantined: 0,
            pending: 0,
        }
    }

    fn sets_config(&self, config: &Value) {
        self.db.run(&format!("SELECT roster.alter_source('ad', config => '{config}')"));
    }

    fn users(&self) -> Vec<String> {
        self.db.lines("SELECT username FROM roster.users WHERE active ORDER BY 1")
    }

    fn members(&self) -> Vec<String> {
        self.db.lines("SELECT group_name || '/' || member_name FROM roster.memberships ORDER BY 1")
    }

    fn pending(&self) -> Vec<String> {
        self.db.lines(
            "SELECT g.group_name, m.former FROM roster_private.member_pending m
             JOIN roster_private.group_claim k ON k.source_id = m.source_id AND k.key = m.group_key
             JOIN roster_private.app_group g USING (group_id) ORDER BY 1, 2",
        )
    }

    /// Rows ever written to anything but the record of the runs.
    fn rows_written(&self) -> i64 {
        self.daemon.run("SELECT pg_stat_force_next_flush()");
        self.db.run("SELECT pg_stat_force_next_flush()");
        self.db.run("SELECT pg_stat_clear_snapshot()");
        self.db.number(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables
             WHERE schemaname = 'roster_private' AND relname !~ '^(staged|plan)_'
               AND relname NOT IN ('sync_run', 'source', 'source_lease', 'source_retry', 'source_state', 'run_total')",
        )
    }
}

/// What a run is going to state. Keys and references are digests of what tests call them.
struct Stage<'a> {
    lab: &'a Lab,
    run_id: String,
    slot: String,
    entities: usize,
    values: usize,
    edges: usize,
    quarantined: usize,
    pending: usize,
}

fn key(id: &str) -> String {
    format!("md5('id {id}')::uuid")
}

fn reference(dn: &str) -> String {
    format!("md5('dn {dn}')::uuid")
}

impl Stage<'_> {
    fn user(self, id: &str, name: &str) -> Self {
        self.user_in(id, name, None)
    }

    /// Called by its name; `primary` = the group that the user names.
    fn user_in(mut self, id: &str, name: &str, primary: Option<&str>) -> Self {
        let primary_key = primary.map_or("NULL".to_owned(), key);
        self.row(
            "staged_entity",
            "kind, present, key, external_id, name, profile, active, fingerprint, reference, primary_group",
            &format!(
                "'user', true, {}, '{id}', '{name}', '{{}}', true, md5('{id} {name} {primary:?}')::uuid, {}, {primary_key}",
                key(id),
                reference(name)
            ),
        );
        self.entities += 1;
        self
    }

    /// With members by kind and id, and names that lead to nobody.
    fn group(mut self, id: &str, name: &str, members: &[(&str, &str)], nobody: &[&str]) -> Self {
        self.row(
            "staged_entity",
            "kind, present, key, external_id, name, profile, active, fingerprint, reference",
            &format!(
                "'group', true, {}, '{id}', '{name}', '{{}}', true, md5('{id} {name} ' || $${members:?} {nobody:?}$$)::uuid, {}",
                key(id),
                reference(name)
            ),
        );
        self.entities += 1;
        for (kind, member) in members {
            self.row(
                "staged_edge",
                "group_key, kind, member_key",
                &format!("{}, '{kind}', {}", key(id), key(member)),
            );
            self.edges += 1;
        }
        for dn in nobody {
            self.row("staged_pending", "group_key, reference", &format!("{}, {}", key(id), reference(dn)));
            self.pending += 1;
        }
        self
    }

    fn gone(mut self, kind: &str, id: &str) -> Self {
        self.row("staged_entity", "kind, present, key", &format!("'{kind}', false, {}", key(id)));
        self.entities += 1;
        self
    }

    fn value(mut self, kind: &str, id: &str, name: &str, value: &str) -> Self {
        self.row(
            "staged_value",
            "kind, key, name, value",
            &format!("'{kind}', {}, '{name}', '{value}'", key(id)),
        );
        self.values += 1;
        self
    }

    fn quarantined(mut self, id: &str, reason: Option<&str>) -> Self {
        let reason = reason.map_or("NULL".to_owned(), |reason| format!("'{reason}'"));
        self.row(
            "staged_quarantine",
            "kind, key, reason, entry, entry_key",
            &format!("'user', 'uid={id}', {reason}, '{{\"external_id\": \"{id}\"}}', {}", key(id)),
        );
        self.quarantined += 1;
        self
    }

    fn row(&self, table: &str, columns: &str, row: &str) {
        self.lab.daemon.run(&format!(
            "INSERT INTO roster_private.{table} (slot, run_id, {columns}) VALUES ({}, {}, {row})",
            self.slot, self.run_id
        ));
    }

    /// Everything was read.
    fn complete(self) -> String {
        self.end("complete => true")
    }

    /// What changed was read.
    fn partial(self) -> String {
        self.end("complete => false, cursor => '{\"at\": 2}'")
    }

    /// State, added, changed, removed.
    fn end(&self, how: &str) -> String {
        let Stage { run_id, entities, values, edges, quarantined, pending, .. } = self;
        self.lab.daemon.line(&format!(
            "SELECT state, added, changed, removed FROM roster_private.complete_run(
                 {run_id}, {entities}, {entities}, {values}, {edges}, {quarantined}, pending => {pending}, {how})"
        ))
    }

    fn asks(&self, what: &str) -> Vec<String> {
        self.lab.daemon.lines(&what.replace("RUN", &self.run_id))
    }

    fn waiting(&self, dn: &str) -> Vec<String> {
        self.asks(&format!(
            "SELECT * FROM roster_private.ldap_waiting(RUN, ARRAY[{}]) ORDER BY 1",
            reference(dn)
        ))
    }
}
