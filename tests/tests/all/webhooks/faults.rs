//! At least once, in order, whatever goes wrong.

use roster_tests::{Cluster, Db, Reaction, Receiver, Session, wait_until};

use super::{Lab, await_rest, lab, order_of};

const USERS: usize = 10;
const CHANGES: usize = 12;

/// Attribute `n` of every user, again and again, each time another value.
fn disturb(db: &Session, rounds: std::ops::Range<usize>) {
    for round in rounds {
        db.run(&format!(
            "SELECT roster.add_user_attribute('u' || i, 'n', '{round}') FROM generate_series(1, {USERS}) i"
        ));
    }
}

fn crowd(arguments: &str) -> Lab {
    let lab = lab(&format!(", events => '{{attributeAdded}}'{arguments}"));
    lab.db.run(&format!("SELECT roster.create_user('u' || i) FROM generate_series(1, {USERS}) i"));
    lab
}

#[track_caller]
fn assert_complete_and_ordered(db: &Session, receiver: &Receiver) {
    await_rest(db);
    let taken = receiver.taken();
    let expected: Vec<String> = (0..CHANGES).map(|round| round.to_string()).collect();
    for user in 1..=USERS {
        assert_eq!(order_of(&taken, &format!("u{user}")), expected, "u{user}");
    }
    assert_eq!(taken.len(), USERS * CHANGES);
}

#[test]
fn what_happened_while_the_receiver_was_down_arrives_in_order() {
    let mut lab = crowd("");
    let served = lab.serve();
    disturb(&lab.db, 0..4);
    lab.receiver.close();
    disturb(&lab.db, 4..CHANGES);
    wait_until("the trouble is seen", || {
        !lab.db
            .lines("SELECT last_error FROM roster.webhooks WHERE last_error IS NOT NULL AND pending > 0")
            .is_empty()
    });
    lab.receiver.open();
    assert_complete_and_ordered(&lab.db, &lab.receiver);
    drop(served);
}

#[test]
fn a_receiver_that_refuses_everything_for_a_while_loses_nothing() {
    let lab = crowd("");
    lab.receiver.answer(|_| Reaction::Status(503));
    let _served = lab.serve();
    disturb(&lab.db, 0..CHANGES);
    wait_until("it was tried", || lab.receiver.received().len() > USERS * 2);
    lab.receiver.answer(|_| Reaction::Status(200));
    assert_complete_and_ordered(&lab.db, &lab.receiver);
}

#[test]
fn a_subject_that_fails_does_not_hold_up_the_others() {
    let lab = crowd("");
    lab.receiver.answer(|one| match one.text("/subject") {
        "u1" => Reaction::Status(500),
        "u2" => Reaction::Stall,
        "u3" => Reaction::Status(302),
        _ => Reaction::Status(200),
    });
    let _served = lab.serve();
    disturb(&lab.db, 0..CHANGES);
    lab.await_taken((USERS - 3) * CHANGES);
    let refused = lab.receiver.received().iter().filter(|one| one.text("/subject") == "u1").count();
    assert!(refused >= 1);
    let of = |subject: &str| {
        let all = lab.receiver.received();
        let ids: std::collections::HashSet<_> = all
            .iter()
            .filter(|one| one.text("/subject") == subject)
            .map(|one| one.text("/id").to_owned())
            .collect();
        ids.len()
    };
    assert_eq!((of("u1"), of("u2"), of("u3")), (1, 1, 1), "what comes later waits for what failed");
    wait_until("the reasons are noted", || {
        let errors = lab.db.lines("SELECT DISTINCT subject, status, last_error FROM roster.webhook_deliveries WHERE last_error IS NOT NULL ORDER BY 1");
        errors.len() == 3
            && errors[0].starts_with("u1|500|")
            && errors[0].ends_with("why?")
            && errors[1].contains("no answer within")
            && errors[2].contains("redirects are not followed")
    });
    lab.receiver.answer(|_| Reaction::Status(200));
    assert_complete_and_ordered(&lab.db, &lab.receiver);
}

#[test]
fn a_daemon_that_is_killed_amid_deliveries_loses_nothing() {
    let lab = crowd("");
    let daemon = lab.daemon();
    let writer = lab.db.session();
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || disturb(&writer, 0..CHANGES));
        for kill in 1..=4 {
            let mut served = daemon.serve(&[]);
            let some = kill * USERS;
            wait_until("some are delivered", || lab.receiver.taken().len() >= some);
            served.running.kill();
        }
        writing.join().expect("it writes");
    });
    let _served = daemon.serve(&[]);
    assert_complete_and_ordered(&lab.db, &lab.receiver);
}

#[test]
fn of_two_daemons_one_delivers_and_the_other_takes_over() {
    let lab = crowd("");
    let (mut one, mut other) = (lab.serve(), lab.serve());
    disturb(&lab.db, 0..6);
    lab.await_taken(USERS * 6);
    assert_eq!(lab.receiver.received().len(), USERS * 6, "nothing is delivered by both");
    assert_eq!(lab.db.number("SELECT count(DISTINCT holder) FROM roster_private.webhook_lease"), 1);
    // Whichever it is: the one that goes leaves its webhooks to the other.
    let holder = lab.db.line("SELECT holder FROM roster_private.webhook_lease");
    one.running.terminate();
    one.running.ends_within(std::time::Duration::from_secs(10));
    wait_until("the other has it", || {
        lab.db.lines("SELECT holder FROM roster_private.webhook_lease WHERE until > clock_timestamp()").len()
            == 1
    });
    disturb(&lab.db, 6..9);
    lab.await_taken(USERS * 9);
    // Killed, it cannot say so: the lease has to run out.
    other.running.kill();
    let _third = lab.serve();
    disturb(&lab.db, 9..CHANGES);
    assert_complete_and_ordered(&lab.db, &lab.receiver);
    assert_ne!(lab.db.line("SELECT holder FROM roster_private.webhook_lease"), holder);
}

#[test]
fn deliveries_go_on_when_postgresql_is_back() {
    static CLUSTER: std::sync::OnceLock<Cluster> = std::sync::OnceLock::new();
    let cluster = CLUSTER.get_or_init(Cluster::start);
    let receiver = Receiver::start();
    let db = Db::fresh_in(cluster);
    db.run(&format!(
        "SELECT roster.create_webhook('hook', 'builtin', '{}', '{{attributeAdded}}')",
        receiver.url()
    ));
    db.run(&format!("SELECT roster.create_user('u' || i) FROM generate_series(1, {USERS}) i"));
    let lab = Lab { db, receiver };
    let _served = lab.serve();
    disturb(&lab.db, 0..6);
    lab.await_taken(USERS);
    cluster.stop();
    cluster.start_again();
    let again = lab.db.session();
    disturb(&again, 6..CHANGES);
    assert_complete_and_ordered(&again, &lab.receiver);
}
