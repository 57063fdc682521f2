//! A filter as text that reads back as the same filter.

use std::fmt::{Display, Formatter, Result};

use super::{Filter, Literal};

impl Display for Filter {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Filter::And(branches) => joined(f, branches, " and "),
            Filter::Or(branches) => joined(f, branches, " or "),
            Filter::Not(filter) => write!(f, "not ({filter})"),
            Filter::Present(name) => write!(f, "{name} pr"),
            Filter::Compare { name, op, literal } => write!(f, "{name} {} {literal}", op.as_str()),
            Filter::Element { name, filter } => write!(f, "{name}[{filter}]"),
        }
    }
}

fn joined(f: &mut Formatter<'_>, branches: &[Filter], word: &str) -> Result {
    for (at, branch) in branches.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        match branch {
            Filter::And(_) | Filter::Or(_) => write!(f, "({branch})")?,
            _ => write!(f, "{branch}")?,
        }
    }
    Ok(())
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Literal::Null => f.write_str("null"),
            Literal::Bool(truth) => write!(f, "{truth}"),
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
        }
    }
}
