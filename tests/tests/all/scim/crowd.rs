//! Many clients at once on the same resources.

use std::sync::Barrier;

use roster_tests::Rng;
use serde_json::{Value, json};

use super::{Lab, group, shown_members, user};
use crate::model::Model;

const CLIENTS: usize = 16;

/// Runs `work(n)` in sixteen threads that start together.
fn together<T: Send>(work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(CLIENTS);
    std::thread::scope(|threads| {
        let workers: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (barrier, work) = (&barrier, &work);
                threads.spawn(move || {
                    barrier.wait();
                    work(n)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    })
}

#[test]
fn sixteen_clients_on_one_group() {
    let lab = Lab::with(&json!({"attributes": {"title": "title"}}));
    let users: Vec<Vec<String>> =
        (0..CLIENTS).map(|n| (0..3).map(|m| lab.new_user(&format!("u{n:02}{m}"))).collect()).collect();
    let staff = lab.new_group("Staff", &[]);
    lab.db.run("SELECT roster.set_group_attribute('Staff', 'badge', 'blue', iam => 'idp')");
    let path = format!("/Groups/{staff}");
    // Every client has users of its own, so that it knows who must be in at the end.
    let inside: Vec<Vec<String>> = together(|n| {
        let (scim, mut rng) = (&lab.scim, Rng::seeded(n as u64));
        let mut inside = vec![false; 3];
        for round in 0..12 {
            let at = rng.below(3);
            let id = &users[n][at];
            match rng.below(6) {
                0 | 1 => {
                    scim.patch(&path, &json!([{"op": "add", "path": "members", "value": [{"value": id}]}]))
                        .expect(200);
                    inside[at] = true;
                }
                2 => {
                    scim.patch(
                        &path,
                        &json!([{"op": "remove", "path": format!("members[value eq \"{id}\"]")}]),
                    )
                    .expect(200);
                    inside[at] = false;
                }
                3 => {
                    scim.patch(
                        &format!("/Users/{id}"),
                        &json!([{"op": "replace", "path": "title", "value": format!("t{round}")}]),
                    )
                    .expect(200);
                }
                4 => {
                    scim.patch(
                        &path,
                        &json!([{"op": "replace", "value": {"externalId": format!("e-{n}-{round}")}}]),
                    )
                    .expect(200);
                }
                _ => {
                    let shown = shown_members(scim, &staff);
                    assert_eq!(shown.contains(id), inside[at], "one reads one's own writes");
                }
            }
        }
        users[n].iter().zip(inside).filter(|(_, inside)| *inside).map(|(id, _)| id.clone()).collect()
    });
    let mut expected = inside.concat();
    expected.sort();
    assert_eq!(shown_members(&lab.scim, &staff), expected);
    assert_eq!(lab.members("Staff").len(), expected.len());
    let badges = lab.db.number("SELECT count(*) FROM roster.effective_attributes WHERE name = 'badge'");
    assert_eq!(badges as usize, expected.len());
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
}

#[test]
fn of_sixteen_who_make_the_same_user_one_does() {
    let lab = Lab::new();
    let body = user("alice", json!({"externalId": "e-1"}));
    let mut statuses = together(|_| lab.scim.post("/Users", &body).status);
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert_eq!(&statuses[1..], [409; CLIENTS - 1]);
    let mut statuses = together(|_| lab.scim.post("/Groups", &group("Staff", &[])).status);
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert_eq!(&statuses[1..], [409; CLIENTS - 1]);
    assert_eq!(lab.scim.get("/Users").total() + lab.scim.get("/Groups").total(), 2);
}

#[test]
fn users_and_their_memberships_cross_on_the_way() {
    let lab = Lab::new();
    let known = lab.new_user("known");
    let groups: Vec<_> = (0..CLIENTS / 2).map(|n| lab.new_group(&format!("g{n}"), &[])).collect();
    // One of each pair creates users, the other names them as members at the same time.
    together(|n| {
        let pair = n / 2;
        for m in 0..6 {
            let external = format!("e-{pair}-{m}");
            if n % 2 == 0 {
                lab.scim.create("/Users", &user(&external, json!({"externalId": external})));
            } else {
                let add = json!([{"op": "add", "path": "members", "value": [{"value": known}, {"value": external}]}]);
                lab.scim.patch(&format!("/Groups/{}", groups[pair]), &add).expect(200);
            }
        }
    });
    for n in 0..CLIENTS / 2 {
        assert_eq!(lab.members(&format!("g{n}")).len(), 7, "g{n}: {:?}", lab.members(&format!("g{n}")));
    }
    assert_eq!(lab.db.number("SELECT count(*) FROM roster_private.scim_pending"), 0);
}

#[test]
fn whole_sessions_side_by_side() {
    let lab = Lab::with(&json!({"attributes": {"title": "title"}}));
    let shared = lab.new_group("Shared", &[]);
    together(|n| {
        let scim = &lab.scim;
        let name = format!("s{n:02}");
        let id = scim.create("/Users", &user(&name, json!({"title": "a"})));
        let own = scim.create("/Groups", &group(&format!("g{n:02}"), &[&id]));
        let member = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        scim.patch(&format!("/Groups/{shared}"), &member).expect(200);
        scim.patch(
            &format!("/Groups/{own}"),
            &json!([{"op": "add", "path": "members", "value": [{"value": shared, "type": "Group"}]}]),
        )
        .expect(200);
        scim.put(&format!("/Users/{id}"), &user(&name, json!({"title": "b"}))).expect(200);
        assert_eq!(scim.find("/Users", &format!("userName eq \"{name}\"")).expect(200).each("title"), ["b"]);
        if n % 4 == 0 {
            scim.delete(&format!("/Users/{id}")).expect(204);
        }
        if n % 4 == 1 {
            scim.delete(&format!("/Groups/{own}")).expect(204);
        }
    });
    assert_eq!(shown_members(&lab.scim, &shared).len(), 12);
    assert_eq!(lab.scim.query("/Groups", &[("count", "100")]).total(), 13);
    Model::stated_in(&lab.db).assert_derived_in(&lab.db);
    let list = lab.scim.query("/Groups", &[("count", "100"), ("excludedAttributes", "members")]).expect(200);
    let named: Vec<&Value> = list.resources().iter().collect();
    assert_eq!(named.len(), 13);
}
