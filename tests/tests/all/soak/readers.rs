//! A reader of the change feed, who must miss nothing.

use super::Signal;
use super::world::World;

/// What was read, line by line, and where to go on.
#[derive(Debug, Default)]
pub struct Read {
    pub lines: Vec<String>,
    pub last: i64,
}

pub const COLUMNS: &str =
    "change_id, actor, source, change, kind, iam, subject, name, before::text, after::text, run_id";

pub fn read(world: &World, signal: &Signal) -> Read {
    let mut read = Read::default();
    let mut session = None;
    while !signal.is_over() {
        session = session.or_else(|| world.try_session());
        let more = session.as_ref().and_then(|session| read.on(session).ok());
        if more.is_none() {
            session = None;
        }
        if more.is_none_or(|more| more == 0) {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    read
}

impl Read {
    /// The next stretch.
    pub fn on(&mut self, session: &roster_tests::Session) -> Result<usize, String> {
        let lines =
            session.try_lines(&format!("SELECT {COLUMNS} FROM roster.read_changes({}, 100)", self.last))?;
        for line in &lines {
            let id: i64 =
                line.split('|').next().and_then(|id| id.parse().ok()).expect("every change has a number");
            assert!(id > self.last, "{line} was told after {}", self.last);
            self.last = id;
        }
        let count = lines.len();
        self.lines.extend(lines);
        Ok(count)
    }

    /// To the end.
    pub fn all(mut self, session: &roster_tests::Session) -> Vec<String> {
        while self.on(session).expect("the feed can be read") > 0 {}
        self.lines
    }
}
