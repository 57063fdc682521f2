//! What services push, over HTTP: events, attribute calls, and what /user-info answers.

mod batches;
mod crashes;
mod crowd;
mod docs;
mod gate;
mod letters;
mod lifecycle;
mod load;
mod order;
mod shuffled;
mod signature;
mod types;
mod user_info;

use roster_tests::{Answer, Db, Scim, Served};
use serde_json::{Value, json};

pub const LABEL: &str = "hr key";
pub const STRUCTURED: &str = "application/cloudevents+json";
pub const BATCH: &str = "application/cloudevents-batch+json";

/// A database with the push source `hr` of the iam `corp`, the daemon, and a service with the key of that source.
#[derive(Debug)]
pub struct Lab {
    pub push: Push,
    pub served: Served,
    pub db: Db,
}

impl Lab {
    /// Users whom nobody knows are created.
    pub fn new() -> Lab {
        Lab::with(&json!({"create_users": true}))
    }

    pub fn with(config: &Value) -> Lab {
        let db = Db::fresh();
        db.run("SELECT roster.create_identity_manager('corp')");
        let key = new_source(&db, "corp", "hr", LABEL, config);
        let served = db.daemon().serve(&[]);
        Lab { push: Push::new(served.port, &key), served, db }
    }

    pub fn facts(&self) -> Vec<String> {
        facts(&self.db)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.served.running.said());
        }
    }
}

/// A push source, and the key of that source.
pub fn new_source(db: &Db, iam: &str, source: &str, label: &str, config: &Value) -> String {
    db.call(
        "SELECT roster.create_source($1, iam => $2, kind => 'push', config => $3)",
        &[&source, &iam, config],
    );
    db.line(&format!(
        "SELECT roster.create_api_key('{label}', iam => '{iam}', scopes => '{{push,user-info}}', source => '{source}')"
    ))
}

/// All that is stated and all that has happened to it: a request that must change nothing leaves it as it was.
pub fn facts(db: &Db) -> Vec<String> {
    let mut facts = stated(db);
    facts.push(db.line("SELECT count(*), max(run_id) FROM roster_private.run"));
    facts
}

/// Users, groups, attributes and members.
pub fn stated(db: &Db) -> Vec<String> {
    db.lines(
        r#"SELECT line FROM (
             SELECT format('user %s %s %s %s %s', username, active, display_name, email, profile) AS line FROM roster.users
             UNION ALL SELECT format('group %s %s %s', group_name, display_name, profile) FROM roster.groups
             UNION ALL SELECT format('user %s: %s=%s (%s)', owner, name, value, source) FROM roster.user_attributes
             UNION ALL SELECT format('group %s: %s=%s (%s)', owner, name, value, source) FROM roster.group_attributes
             UNION ALL SELECT format('%s in %s (%s)', member_name, group_name, source) FROM roster.memberships) l
           ORDER BY line COLLATE "C""#,
    )
}

/// A service with its key.
#[derive(Debug, Clone)]
pub struct Push {
    http: Scim,
}

impl Push {
    pub fn new(port: u16, key: &str) -> Push {
        let mut http = Scim::new(port, "", key);
        http.prefix = String::new();
        Push { http }
    }

    pub fn authorized(&self, authorization: &str) -> Push {
        Push { http: self.http.authorized(authorization) }
    }

    /// Whatever the answer, it has an id, and an error is a problem that says something.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let answer = self.try_request(method, path, headers, body);
        let answer = answer.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        assert!(answer.header("x-request-id").is_some(), "{answer:#?}");
        if answer.status >= 400 {
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:#?}");
            assert_eq!(answer.json["status"], json!(answer.status), "{answer:#?}");
            assert!(answer.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{answer:#?}");
        }
        answer
    }

    pub fn try_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Answer, String> {
        self.http.try_request(method, path, headers, body)
    }

    #[track_caller]
    pub fn send(&self, event: &Value) -> Answer {
        self.request("POST", "/v1/events", &[("content-type", STRUCTURED)], Some(&event.to_string()))
    }

    #[track_caller]
    pub fn batch(&self, events: &[Value]) -> Answer {
        self.request("POST", "/v1/events", &[("content-type", BATCH)], Some(&json!(events).to_string()))
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string);
        self.request(method, path, &[("content-type", "application/json")], body.as_deref())
    }

    /// Sends it and returns its outcome.
    #[track_caller]
    pub fn outcome(&self, event: &Value) -> String {
        outcome(&self.send(event).json)
    }
}

pub fn outcome(answer: &Value) -> String {
    answer["outcome"].as_str().unwrap_or_else(|| panic!("an outcome expected: {answer}")).to_owned()
}

/// Without a time.
pub fn event(id: &str, kind: &str, subject: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/tests", "type": format!("roster.{kind}"), "subject": subject, "data": data})
}

/// At that second of a certain minute.
pub fn event_at(second: u32, id: &str, kind: &str, subject: &str, data: Value) -> Value {
    let mut event = event(id, kind, subject, data);
    event["time"] =
        json!(format!("2026-01-02T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60));
    event
}

pub fn attributes(name: &str, values: &[&str]) -> Value {
    json!({"attributes": {name: values}})
}

pub fn members(names: &[&str]) -> Value {
    json!({"members": names})
}
