//! Provisioning by SCIM 2.0, over HTTP: what a provider sends, what it is answered, and what holds in the database after it.

mod bulk;
mod cases_14_to_26;
mod cases_1_to_13;
mod conditional;
mod crashes;
mod crowd;
mod discovery;
mod entra;
mod errors;
mod filters;
mod groups;
mod isolation;
mod keys;
mod large;
mod lifecycle;
mod limits;
mod lists;
mod log;
mod mapping;
mod okta;
mod others;
mod ownership;
mod patches;
mod profiles;
mod projection;
mod suites;
mod toggles;

use roster_tests::{Answer, Db, Scim, Served};
use serde_json::{Value, json};

pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// An extension that only a source's configuration knows.
pub const TEAM: &str = "urn:example:params:scim:schemas:extension:team:2.0:User";

/// The label of the key, which is the actor of all that it does.
pub const LABEL: &str = "provider key";
pub const IAM: &str = "idp";
pub const SOURCE: &str = "idp-scim";

/// A database with the SCIM source `idp-scim` of the iam `idp`, the daemon, and a provider with the key of that source.
#[derive(Debug)]
pub struct Lab {
    pub scim: Scim,
    pub served: Served,
    pub db: Db,
}

impl Lab {
    pub fn new() -> Lab {
        Lab::with(&json!({}))
    }

    pub fn of_profile(profile: &str) -> Lab {
        Lab::with(&json!({"profile": profile}))
    }

    pub fn with(config: &Value) -> Lab {
        Lab::on(Db::fresh(), config)
    }

    pub fn on(db: Db, config: &Value) -> Lab {
        let key = new_source(&db, IAM, SOURCE, LABEL, config);
        let served = db.daemon().serve(&[]);
        Lab { scim: Scim::new(served.port, IAM, &key), served, db }
    }

    /// One more identity manager with a source of its own, and its provider.
    pub fn neighbour(&self, iam: &str) -> Scim {
        let key = new_source(&self.db, iam, &format!("{iam}-scim"), &format!("{iam} key"), &json!({}));
        Scim::new(self.served.port, iam, &key)
    }

    /// Replaces the configuration of the source, and waits until the daemon goes by it.
    pub fn configure(&self, config: &Value) {
        self.db.call("SELECT roster.alter_source($1, config => $2)", &[&SOURCE, config]);
    }

    /// `name=value` of what a user effectively has.
    pub fn effective(&self, username: &str) -> Vec<String> {
        self.db.lines(&format!(
            r#"SELECT name || '=' || value FROM roster.effective_attributes WHERE username = '{username}'
               ORDER BY name COLLATE "C", value COLLATE "C""#
        ))
    }

    /// Columns of the user who has this name now.
    #[track_caller]
    pub fn user(&self, username: &str, columns: &str) -> String {
        self.db.line(&format!("SELECT {columns} FROM roster.users WHERE username = '{username}'"))
    }

    /// Columns of the user of this external id.
    #[track_caller]
    pub fn external(&self, external_id: &str, columns: &str) -> String {
        self.db.line(&format!("SELECT {columns} FROM roster.users WHERE external_id = '{external_id}'"))
    }

    /// Names of the direct members of a group, users and groups.
    pub fn members(&self, group: &str) -> Vec<String> {
        self.db.lines(&format!(
            r#"SELECT member_name FROM roster.memberships WHERE group_name = '{group}' ORDER BY member_name COLLATE "C""#
        ))
    }

    pub fn permissions(&self, username: &str) -> Vec<String> {
        self.db.lines(&format!(
            r#"SELECT DISTINCT permission FROM roster.effective_permissions WHERE username = '{username}' ORDER BY 1"#
        ))
    }

    /// `change kind subject name` of all changes by the key, in their order.
    pub fn audit(&self) -> Vec<String> {
        self.db.run("SELECT * FROM roster.read_changes(0, 100000)");
        self.db.lines(&format!(
            "SELECT change || ' ' || kind || ' ' || coalesce(subject, '') || ' ' || coalesce(name, '')
             FROM roster.changes WHERE actor = '{LABEL}' ORDER BY change_id"
        ))
    }

    /// Everything that a refused request must leave as it is.
    pub fn facts(&self) -> Vec<String> {
        self.db.lines(
            "SELECT u::text FROM roster.users u UNION ALL SELECT g::text FROM roster.groups g
             UNION ALL SELECT m::text FROM roster.memberships m UNION ALL SELECT a::text FROM roster.user_attributes a
             UNION ALL SELECT a::text FROM roster.group_attributes a
             UNION ALL SELECT version || document::text FROM roster_private.scim_user
             UNION ALL SELECT version || document::text FROM roster_private.scim_group ORDER BY 1",
        )
    }

    /// A request that must be refused and change nothing.
    #[track_caller]
    pub fn refused(&self, status: u16, scim_type: &str, request: impl FnOnce(&Scim) -> Answer) {
        let before = self.facts();
        let answer = request(&self.scim);
        assert_eq!((answer.status, answer.scim_type()), (status, scim_type), "{answer:#?}");
        assert_eq!(self.facts(), before, "a refused request changes nothing");
    }

    /// Creates the user and returns the id.
    #[track_caller]
    pub fn new_user(&self, username: &str) -> String {
        self.scim.create("/Users", &user(username, json!({})))
    }

    /// Creates the group and returns the id.
    #[track_caller]
    pub fn new_group(&self, name: &str, members: &[&str]) -> String {
        self.scim.create("/Groups", &group(name, members))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.served.running.said());
        }
    }
}

/// An identity manager with a SCIM source, and the key of that source.
pub fn new_source(db: &Db, iam: &str, source: &str, label: &str, config: &Value) -> String {
    db.run(&format!("SELECT roster.create_identity_manager('{iam}', kind => 'scim')"));
    db.call(
        "SELECT roster.create_source($1, iam => $2, kind => 'scim', config => $3)",
        &[&source, &iam, config],
    );
    db.line(&format!("SELECT roster.create_api_key('{label}', iam => '{iam}', scopes => '{{scim}}')"))
}

/// A user as a provider creates it, with more attributes.
pub fn user(username: &str, more: Value) -> Value {
    let mut user = json!({"schemas": [USER], "userName": username});
    merge(&mut user, more);
    user
}

pub fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    let mut group = json!({"schemas": [GROUP], "displayName": name});
    if !members.is_empty() {
        group["members"] = members.into();
    }
    group
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { panic!("an object expected: {more}") };
    into.as_object_mut().expect("an object").extend(more);
}

/// The ids of the members that a group shows, sorted.
#[track_caller]
pub fn shown_members(scim: &Scim, group: &str) -> Vec<String> {
    let answer = scim.get(&format!("/Groups/{group}")).expect(200);
    values(&answer.json["members"])
}

/// The `value` of all elements, sorted.
#[track_caller]
pub fn values(of: &Value) -> Vec<String> {
    let elements = of.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut values: Vec<_> =
        elements.iter().map(|e| e["value"].as_str().expect("a value").to_owned()).collect();
    values.sort();
    values
}

pub fn sorted<const N: usize>(ids: [&String; N]) -> Vec<String> {
    let mut ids: Vec<_> = ids.into_iter().cloned().collect();
    ids.sort();
    ids
}
