//! docs/policies.md: every SQL block runs, in order, in one session.

use std::fs;

use roster_tests::{Cluster, Db, repository};

use crate::readme::sql_blocks;

#[test]
fn every_block_of_the_cookbook_runs() {
    // It makes roles by name, which belong to the whole cluster.
    let cluster = Box::leak(Box::new(Cluster::start()));
    let db = Db::fresh_in(cluster);
    let text = fs::read_to_string(repository().join("docs/policies.md")).expect("there is a cookbook");
    let blocks = sql_blocks(&text);
    assert!(blocks.len() > 10, "it shows SQL");
    for (line, block) in blocks {
        let rows =
            db.try_lines(&block).unwrap_or_else(|told| panic!("the block at line {line}:\n{block}\n{told}"));
        // `-- = 2` promises a row.
        let promised: Vec<_> =
            block.lines().filter_map(|line| line.split_once("-- = ")).map(|(_, rest)| rest.trim()).collect();
        for promise in promised {
            assert!(
                rows.iter().any(|row| row == promise),
                "the block at line {line} promises {promise}, got {rows:?}\n{block}"
            );
        }
    }
}
