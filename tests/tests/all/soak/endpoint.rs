//! An HTTP service that is asked about everybody. Now and then it does not answer well, and that must change nothing.

use std::collections::BTreeSet;

use roster_tests::{Reply, Rng};
use serde_json::json;

use super::tables::TableModel;
use super::world::World;
use super::{Signal, USERS, username};

pub fn work(world: &World, mut rng: Rng, signal: &Signal) -> TableModel {
    let mut model = TableModel::default();
    while !signal.is_over() {
        let user = username(rng.below(USERS));
        let values: BTreeSet<String> =
            (0..rng.below(3)).map(|_| format!("account {}", rng.below(15))).collect();
        let good = Reply::ok(&json!({"groups": [], "authorizations": {"account": values}}).to_string());
        let bad = match rng.below(12) {
            0 => Some(Reply::status(500)),
            1 => Some(Reply::ok("{\"groups\": [], \"authorizations\": {}}").cut()),
            2 => Some(Reply::ok("<html>")),
            _ => None,
        };
        world.web.answers(&user, bad.into_iter().chain([good]).collect());
        model.sets(&user, "crm.account", values);
        signal.pause(&mut rng, 300);
    }
    model
}

pub fn nothing() -> Reply {
    Reply::ok(&json!({"groups": [], "authorizations": {}}).to_string())
}
