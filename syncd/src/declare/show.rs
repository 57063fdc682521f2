//! The difference for people: a line per property, aligned, in colour on a terminal.

use std::io::{self, Write};

use serde_json::Value;

use super::Applied;
use super::compare::{Change, Field, Sign};
use super::perform::Blocked;
use super::values::told;
use crate::output::printable;

const RESET: &str = "\x1b[0m";

impl Sign {
    fn mark(self) -> char {
        match self {
            Sign::Add => '+',
            Sign::Change => '~',
            Sign::Remove => '-',
        }
    }

    fn colour(self) -> &'static str {
        match self {
            Sign::Add => "\x1b[32m",
            Sign::Change => "\x1b[33m",
            Sign::Remove => "\x1b[31m",
        }
    }
}

pub fn show(out: &mut impl Write, applied: &Applied, coloured: bool) -> io::Result<()> {
    let changes = &applied.difference.changes;
    for change in changes {
        show_change(out, change, coloured)?;
    }
    for left in &applied.difference.left {
        writeln!(out, "  {} is not in the file and stays", printable(left))?;
    }
    for blocked in &applied.blocked {
        show_blocked(out, blocked)?;
    }
    let changes = match changes.len() {
        0 => return writeln!(out, "no changes"),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    match (applied.is_final, applied.dry_run) {
        (true, _) => writeln!(out, "{changes} applied"),
        (false, true) if applied.blocked.is_empty() => writeln!(out, "{changes}; nothing was written"),
        (false, _) => writeln!(out, "{changes}; blocked, and nothing was written"),
    }
}

fn show_change(out: &mut impl Write, change: &Change, coloured: bool) -> io::Result<()> {
    let head = format!("{} {}", change.kind, printable(&change.name));
    line(out, change.sign, &head, coloured)?;
    if change.sign == Sign::Remove && change.kind == "source" {
        return Ok(());
    }
    let width = change.fields.iter().map(|field| field.field.chars().count()).max().unwrap_or_default();
    for field in &change.fields {
        let name = printable(&field.field);
        let text = format!("    {name:width$}  {}", values(field));
        line(out, sign(field), &text, coloured)?;
    }
    Ok(())
}

fn sign(field: &Field) -> Sign {
    match (&field.before, &field.after) {
        (None, _) => Sign::Add,
        (_, None) => Sign::Remove,
        _ => Sign::Change,
    }
}

fn values(field: &Field) -> String {
    let text = |value: &Value| printable(&told(value));
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => format!("{} -> {}", text(before), text(after)),
        (Some(only), None) | (None, Some(only)) => text(only),
        (None, None) => String::new(),
    }
}

fn line(out: &mut impl Write, sign: Sign, text: &str, coloured: bool) -> io::Result<()> {
    let mark = sign.mark();
    match coloured {
        true => writeln!(out, "{}{mark} {text}{RESET}", sign.colour()),
        false => writeln!(out, "{mark} {text}"),
    }
}

fn show_blocked(out: &mut impl Write, blocked: &Blocked) -> io::Result<()> {
    writeln!(
        out,
        "dropping source {} is blocked by the guard: {}",
        printable(&blocked.source),
        printable(&blocked.reason)
    )?;
    writeln!(out, "  if that is right, drop it first, and apply again: {}", printable(&blocked.release))
}
