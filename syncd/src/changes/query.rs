//! The parameters of `/v1/changes`.

use std::time::Duration;

const LONGEST_WAIT: u64 = 60;
const LARGEST_PAGE: i32 = 10_000;
const USUAL_PAGE: i32 = 1000;

#[derive(Debug, PartialEq, Eq)]
pub struct Query {
    pub after: i64,
    pub limit: i32,
    pub wait: Duration,
    /// None: all.
    pub kinds: Option<Vec<String>>,
}

impl Query {
    /// An error says which parameter is wrong, and what it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self { after: 0, limit: USUAL_PAGE, wait: Duration::ZERO, kinds: None };
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "after" => {
                    query.after =
                        number(&value, 0..=i64::MAX, "after", "a change_id, or 0 for the beginning")?
                }
                "limit" => {
                    query.limit = number(&value, 1..=LARGEST_PAGE, "limit", "a number from 1 to 10000")?
                }
                "wait" => {
                    let seconds = number(&value, 0..=LONGEST_WAIT, "wait", "seconds from 0 to 60")?;
                    query.wait = Duration::from_secs(seconds);
                }
                "kind" => query.kinds.get_or_insert_default().extend(kinds(&value)?),
                other => {
                    let other: String = other.chars().take(50).collect();
                    return Err(format!(
                        "parameter \"{other}\" is not known; there are after, limit, wait and kind"
                    ));
                }
            }
        }
        Ok(query)
    }
}

fn number<N: std::str::FromStr + PartialOrd>(
    text: &str,
    range: std::ops::RangeInclusive<N>,
    name: &str,
    form: &str,
) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("parameter \"{name}\" must be {form}"))
}

/// Several are divided by commas, or given one by one.
fn kinds(text: &str) -> Result<Vec<String>, String> {
    let is_kind =
        |kind: &str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let kinds: Vec<String> = text.split(',').map(str::to_owned).collect();
    if kinds.iter().all(|kind| is_kind(kind)) {
        return Ok(kinds);
    }
    Err("parameter \"kind\" must be kinds of changes divided by commas, such as user,user_attribute"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let query = Query::parse("after=7&limit=10&wait=30&kind=user,group&kind=membership").unwrap();
        let kinds = ["user", "group", "membership"].map(str::to_owned).to_vec();
        assert_eq!(query, Query { after: 7, limit: 10, wait: Duration::from_secs(30), kinds: Some(kinds) });
        let usual = Query { after: 0, limit: 1000, wait: Duration::ZERO, kinds: None };
        assert_eq!(Query::parse(""), Ok(usual));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, name) in [
            ("after=x", "after"),
            ("after=-1", "after"),
            ("after=9223372036854775808", "after"),
            ("limit=0", "limit"),
            ("limit=10001", "limit"),
            ("wait=61", "wait"),
            ("wait=1.5", "wait"),
            ("kind=", "kind"),
            ("kind=USER", "kind"),
            ("since=1", "since"),
        ] {
            let told = Query::parse(text).unwrap_err();
            assert!(told.contains(&format!("\"{name}\"")), "{text}: {told}");
        }
    }
}
