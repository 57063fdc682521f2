//! What the commands print: tables for people, one JSON document for programs.

use std::io::{self, Write};

use chrono::{DateTime, Local, Utc};
use comfy_table::{ContentArrangement, Table, TableComponent, presets};
use serde::Serialize;

use crate::database::DatabaseError;

const LONGEST_IN_TABLE: usize = 80;

#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Run(#[from] crate::pipeline::RunError),
    #[error(transparent)]
    Discover(#[from] crate::connector::ldap::DiscoverError),
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error("source {0} does not exist; syncd status lists the sources")]
    NoSuchSource(String),
}

pub fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

pub fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .remove_style(TableComponent::HorizontalLines)
        .remove_style(TableComponent::MiddleIntersections)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    // Pseudo terminals of build servers say that they have no width at all.
    if table.width().is_some_and(|columns| columns < 40) {
        table.set_width(120);
    }
    table
}

/// Local time, to the second.
pub fn moment(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.with_timezone(&Local).format("%F %T").to_string())
}

pub fn or_dash(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("-")
}

/// Text of a directory must not move a terminal's cursor or fake a line of ours.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// For a column of a table: what is long is told in full elsewhere.
pub fn brief(text: Option<&str>) -> String {
    let text = printable(or_dash(text));
    match text.char_indices().nth(LONGEST_IN_TABLE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(super::LONGEST_IN_TABLE + 1);
        assert_eq!(super::brief(Some(&long)).chars().count(), super::LONGEST_IN_TABLE + 1);
        assert_eq!(super::brief(Some("short")), "short");
        assert_eq!(super::brief(None), "-");
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(super::printable("a\x1b[2Jb\nc é"), "a\\u{1b}[2Jb\\nc é");
    }
}
