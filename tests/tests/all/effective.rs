//! Effective attributes against the naive model, over random graphs and random changes to them.

use roster_tests::{Db, Rng, Session};

use crate::model::Model;

const USERS: [&str; 6] = ["u1", "u2", "u3", "u4", "u5", "u6"];
const GROUPS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const NAMES: [&str; 2] = ["n", "m"];
const VALUES: [&str; 3] = ["1", "2", "3"];

#[test]
fn random_graphs_derive_what_the_naive_model_derives() {
    for seed in 1..=4 {
        random_walk(seed, 25, 12);
    }
}

#[test]
fn dense_graphs_full_of_cycles_and_diamonds_derive_right() {
    for seed in 101..=104 {
        let db = Db::fresh();
        let mut model = populated(&db);
        let mut rng = Rng::seeded(seed);
        for _ in 0..15 {
            let (parent, child) = (*rng.pick(&GROUPS), *rng.pick(&GROUPS));
            if parent != child {
                add_subgroup(&db, &mut model, parent, child);
            }
        }
        compare(&db, &model, seed);
        for edge in model.nestings.clone() {
            if rng.one_in(2) {
                db.call("SELECT roster.remove_subgroup($1, $2)", &[&edge.0, &edge.1]);
                model.nestings.remove(&edge);
                compare(&db, &model, seed);
            }
        }
    }
}

#[test]
fn a_long_chain_a_cycle_of_all_and_a_diamond_derive_right() {
    let db = Db::fresh();
    let mut model = Model::default();
    let groups: Vec<_> = (0..40).map(|i| format!("g{i}")).collect();
    create_user(&db, &mut model, "u");
    for group in &groups {
        create_group(&db, &mut model, group);
    }
    for pair in groups.windows(2) {
        add_subgroup(&db, &mut model, &pair[1], &pair[0]);
    }
    db.run("SELECT roster.add_member('g0', 'u'); SELECT roster.set_group_attribute('g39', 'top', 'yes')");
    model.members.insert(("g0".into(), "u".into()));
    model.group_values.insert(("g39".into(), "top".into(), "yes".into()));
    compare(&db, &model, 0);
    add_subgroup(&db, &mut model, "g20", "g0");
    compare(&db, &model, 0);
    add_subgroup(&db, &mut model, "g0", "g39");
    compare(&db, &model, 0);
    db.run("SELECT roster.delete_group('g10')");
    delete_group(&mut model, "g10");
    compare(&db, &model, 0);
}

fn random_walk(seed: u64, batches: usize, batch: usize) {
    let db = Db::fresh();
    let mut rng = Rng::seeded(seed);
    let mut model = populated(&db);
    for _ in 0..batches {
        let before = model.clone();
        let (in_transaction, rolls_back) = (rng.one_in(3), rng.one_in(3));
        if in_transaction {
            db.run("BEGIN");
        }
        for _ in 0..batch {
            step(&db, &mut model, &mut rng);
        }
        compare(&db, &model, seed);
        if in_transaction {
            db.run(if rolls_back { "ROLLBACK" } else { "COMMIT" });
            model = if rolls_back { before } else { model };
            compare(&db, &model, seed);
        }
    }
}

fn populated(db: &Session) -> Model {
    let mut model = Model::default();
    for user in USERS {
        create_user(db, &mut model, user);
    }
    for (group, value) in GROUPS.iter().zip(VALUES.iter().cycle()) {
        create_group(db, &mut model, group);
        set_group_value(db, &mut model, group, NAMES[0], value);
    }
    for (group, user) in GROUPS.iter().zip(USERS) {
        add_member(db, &mut model, group, user);
    }
    model
}

#[track_caller]
fn compare(db: &Session, model: &Model, seed: u64) {
    assert_eq!(&Model::stated_in(db), model, "stated facts, seed {seed}");
    model.assert_derived_in(db);
}

/// One random call, to the database and to the model.
fn step(db: &Session, model: &mut Model, rng: &mut Rng) {
    let (user, group, other) = (*rng.pick(&USERS), *rng.pick(&GROUPS), *rng.pick(&GROUPS));
    let (name, value) = (*rng.pick(&NAMES), *rng.pick(&VALUES));
    let (has_user, has_group) = (model.users.contains_key(user), model.groups.contains(group));
    match rng.below(22) {
        0..=4 if group != other && has_group && model.groups.contains(other) => {
            add_subgroup(db, model, group, other)
        }
        5..=7 => {
            if let Some(edge) = some(rng, &model.nestings) {
                db.call("SELECT roster.remove_subgroup($1, $2)", &[&edge.0, &edge.1]);
                model.nestings.remove(&edge);
            }
        }
        8..=9 if has_group && has_user => add_member(db, model, group, user),
        10..=11 => {
            if let Some(edge) = some(rng, &model.members) {
                db.call("SELECT roster.remove_member($1, $2)", &[&edge.0, &edge.1]);
                model.members.remove(&edge);
            }
        }
        12..=13 if has_group => set_group_value(db, model, group, name, value),
        14 if has_group => {
            db.call("SELECT roster.remove_group_attribute($1, $2, $3)", &[&group, &name, &value]);
            model.group_values.remove(&(group.into(), name.into(), value.into()));
        }
        15 if has_user => {
            db.call("SELECT roster.add_user_attribute($1, $2, $3)", &[&user, &name, &value]);
            model.user_values.insert((user.into(), name.into(), value.into()));
        }
        16 if has_user => {
            db.call("SELECT roster.remove_user_attribute($1, $2)", &[&user, &name]);
            model.user_values.retain(|(owner, n, _)| !(owner == user && n == name));
        }
        17 if has_user => {
            db.call("SELECT roster.disable_user($1)", &[&user]);
            model.users.insert(user.into(), false);
        }
        18 if has_user => {
            db.call("SELECT roster.enable_user($1)", &[&user]);
            model.users.insert(user.into(), true);
        }
        19 if has_group => {
            db.call("SELECT roster.delete_group($1)", &[&group]);
            delete_group(model, group);
        }
        20 if has_user => {
            db.call("SELECT roster.delete_user($1)", &[&user]);
            model.users.remove(user);
            model.members.retain(|(_, member)| member != user);
            model.user_values.retain(|(owner, ..)| owner != user);
        }
        _ if !has_group => create_group(db, model, group),
        _ if !has_user => create_user(db, model, user),
        _ => {}
    }
}

fn some<T: Clone>(rng: &mut Rng, of: &std::collections::BTreeSet<T>) -> Option<T> {
    (!of.is_empty()).then(|| of.iter().nth(rng.below(of.len())).expect("below its length").clone())
}

fn create_user(db: &Session, model: &mut Model, user: &str) {
    db.call("SELECT roster.create_user($1)", &[&user]);
    model.users.insert(user.into(), true);
}

fn create_group(db: &Session, model: &mut Model, group: &str) {
    db.call("SELECT roster.create_group($1)", &[&group]);
    model.groups.insert(group.into());
}

fn delete_group(model: &mut Model, group: &str) {
    model.groups.remove(group);
    model.members.retain(|(in_group, _)| in_group != group);
    model.nestings.retain(|(parent, child)| parent != group && child != group);
    model.group_values.retain(|(owner, ..)| owner != group);
}

fn add_member(db: &Session, model: &mut Model, group: &str, user: &str) {
    db.call("SELECT roster.add_member($1, $2)", &[&group, &user]);
    model.members.insert((group.into(), user.into()));
}

fn add_subgroup(db: &Session, model: &mut Model, parent: &str, child: &str) {
    db.call("SELECT roster.add_subgroup($1, $2)", &[&parent, &child]);
    model.nestings.insert((parent.into(), child.into()));
}

/// Replaces the set of values.
fn set_group_value(db: &Session, model: &mut Model, group: &str, name: &str, value: &str) {
    db.call("SELECT roster.set_group_attribute($1, $2, $3::text)", &[&group, &name, &value]);
    model.group_values.retain(|(owner, n, _)| !(owner == group && n == name));
    model.group_values.insert((group.into(), name.into(), value.into()));
}
