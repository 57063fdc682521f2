//! A planned change as a sentence.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;

use crate::output::printable;

mod counts;
pub use counts::Counts;

/// A row of roster.sync_changes.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    pub change: String,
    pub kind: String,
    pub iam: Option<String>,
    pub subject: Option<String>,
    pub name: Option<String>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

impl Change {
    pub fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            change: row.try_get("change")?,
            kind: row.try_get("kind")?,
            iam: row.try_get("iam")?,
            subject: row.try_get("subject")?,
            name: row.try_get("name")?,
            before: row.try_get("before")?,
            after: row.try_get("after")?,
        })
    }

    /// `+ user sam (Sam Smith)`, `- membership developers: sam`, `~ user steve: email a -> b`
    pub fn line(&self) -> String {
        let subject = printable(self.subject.as_deref().unwrap_or("?"));
        let head = format!("{} {} {subject}", self.sign(), self.kind);
        match self.kind.as_str() {
            "user" | "group" => head + &self.entity_tail(),
            "membership" | "nesting" => format!("{head}: {}", self.name_or_value()),
            _ => head + &self.value_tail(),
        }
    }

    fn sign(&self) -> char {
        match self.change.as_str() {
            "add" => '+',
            "remove" => '-',
            _ => '~',
        }
    }

    fn entity_tail(&self) -> String {
        if self.change == "change" {
            return format!(": {}", self.differences().join(", "));
        }
        let document = self.after.as_ref().or(self.before.as_ref());
        let display_name = document.and_then(|document| document.get("display_name")).and_then(Value::as_str);
        display_name.map_or_else(String::new, |name| format!(" ({})", printable(name)))
    }

    fn name_or_value(&self) -> String {
        let value = || self.after.as_ref().or(self.before.as_ref()).map(shown);
        self.name.as_deref().map(printable).or_else(value).unwrap_or_else(|| "?".to_owned())
    }

    fn value_tail(&self) -> String {
        let name = self.name.as_deref().map_or_else(String::new, |name| format!(" {}", printable(name)));
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{name}: {} -> {}", shown(before), shown(after)),
            (Some(value), None) | (None, Some(value)) => format!("{name} = {}", shown(value)),
            (None, None) => name,
        }
    }

    fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        let nothing = Value::Null;
        let before = self.before.as_ref().unwrap_or(&nothing);
        let after = self.after.as_ref().unwrap_or(&nothing);
        collect_differences(self.name.as_deref().unwrap_or(""), before, after, &mut found);
        found
    }
}

/// Field by field, where both sides are documents.
fn collect_differences(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    let (Some(old), Some(new)) = (as_fields(before), as_fields(after)) else {
        let separator = if path.is_empty() { "" } else { " " };
        found.push(format!("{}{separator}{} -> {}", printable(path), shown(before), shown(after)));
        return;
    };
    let only_new = new.keys().filter(|name| !old.contains_key(*name));
    for name in old.keys().chain(only_new) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let field =
            |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or(Value::Null);
        collect_differences(&path, &field(&old), &field(&new), found);
    }
}

fn as_fields(value: &Value) -> Option<serde_json::Map<String, Value>> {
    value.as_object().cloned()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) if is_plain(text) => text.clone(),
        Value::String(text) => format!("{text:?}"),
        other => printable(&other.to_string()),
    }
}

/// Reads unambiguously without quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(|c| c.is_control() || c == '"' || c == ',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(
        change: &str,
        kind: &str,
        subject: &str,
        name: Option<&str>,
        before: Value,
        after: Value,
    ) -> String {
        let present = |value: Value| (!value.is_null()).then_some(value);
        let change = Change {
            change: change.into(),
            kind: kind.into(),
            iam: Some("corp".into()),
            subject: Some(subject.into()),
            name: name.map(Into::into),
            before: present(before),
            after: present(after),
        };
        change.line()
    }

    #[test]
    fn users_come_and_go() {
        let sam = json!({"display_name": "Sam Smith"});
        assert_eq!(change("add", "user", "sam", None, json!(null), sam.clone()), "+ user sam (Sam Smith)");
        assert_eq!(change("remove", "user", "sam", None, sam, json!(null)), "- user sam (Sam Smith)");
        assert_eq!(change("add", "group", "devs", None, json!(null), json!({})), "+ group devs");
    }

    #[test]
    fn a_changed_user_shows_the_changed_fields_only() {
        let before = json!({"username": "steve", "email": "a", "profile": {"title": "Clerk"}});
        let after = json!({"username": "steve", "email": "b", "profile": {"phone": "1, 2"}});
        assert_eq!(
            change("change", "user", "steve", None, before, after),
            "~ user steve: email a -> b, profile.title Clerk -> (none), profile.phone (none) -> \"1, 2\""
        );
        let line = change("change", "user", "steve", Some("email"), json!("a"), json!("b"));
        assert_eq!(line, "~ user steve: email a -> b");
    }

    #[test]
    fn memberships_name_the_group_and_the_member() {
        let line = change("remove", "membership", "developers", Some("sam"), json!(null), json!(null));
        assert_eq!(line, "- membership developers: sam");
        let line = change("add", "nesting", "company", Some("developers"), json!(null), json!(null));
        assert_eq!(line, "+ nesting company: developers");
    }

    #[test]
    fn attribute_values_are_an_equation() {
        let line = change("add", "user_attribute", "steve", Some("country"), json!(null), json!("USA"));
        assert_eq!(line, "+ user_attribute steve country = USA");
        let line = change("remove", "group_attribute", "g", Some("x"), json!(" a"), json!(null));
        assert_eq!(line, "- group_attribute g x = \" a\"");
    }

    #[test]
    fn a_value_cannot_fake_a_line() {
        let line = change("add", "user_attribute", "s\n- user all", Some("x"), json!(null), json!("a\n+ b"));
        assert_eq!(line.lines().count(), 1);
    }
}
