//! Webhooks: what is told, to whom, and that nothing is lost on the way.

mod admin;
mod events;
mod faults;

use roster_tests::{Daemon, Db, Received, Receiver, Served, Session, wait_until};

const SECRET: &str = "c2VjcmV0 of the webhook";

struct Lab {
    db: Db,
    receiver: Receiver,
}

/// A webhook `hook` on the built-in identity manager.
fn lab(arguments: &str) -> Lab {
    let db = Db::fresh();
    let receiver = Receiver::start();
    db.run(&format!("SELECT roster.create_webhook('hook', 'builtin', '{}'{arguments})", receiver.url()));
    Lab { db, receiver }
}

impl Lab {
    fn daemon(&self) -> Daemon {
        self.db.daemon().with("HOOK_SECRET", SECRET)
    }

    fn serve(&self) -> Served {
        self.daemon().serve(&[])
    }

    #[track_caller]
    fn await_taken(&self, count: usize) -> Vec<Received> {
        wait_until(&format!("{count} deliveries are taken"), || self.receiver.taken().len() >= count);
        self.receiver.taken()
    }

    #[track_caller]
    fn await_rest(&self) {
        await_rest(&self.db);
    }
}

/// Everything that happened so far is told.
#[track_caller]
fn await_rest(db: &Session) {
    wait_until("nothing is left to deliver", || {
        // In this order: what is numbered in between counts.
        if db.number("SELECT unnumbered_runs FROM roster_private.feed_lag()") > 0 {
            return false;
        }
        let last =
            db.number("SELECT coalesce(max(first_change_id + changes - 1), 0) FROM roster_private.run");
        db.number(&format!("SELECT count(*) FROM roster.webhooks WHERE position >= {last} AND pending = 0"))
            == 1
    });
}

/// `type subject name +added -removed`
fn told(received: &[Received]) -> Vec<String> {
    let list = |values: &serde_json::Value| -> Vec<String> {
        let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(|value| value.as_str()).map(str::to_owned).collect()
    };
    received
        .iter()
        .map(|one| {
            let data = &one.body["data"];
            let mut words = vec![one.text("/type").to_owned(), one.text("/subject").to_owned()];
            words.extend(data["name"].as_str().map(str::to_owned));
            words.extend(list(&data["added"]).iter().map(|value| format!("+{value}")));
            words.extend(list(&data["removed"]).iter().map(|value| format!("-{value}")));
            words.join(" ")
        })
        .collect()
}

/// The numbers that a subject was told of, in the order in which it was.
fn order_of(received: &[Received], subject: &str) -> Vec<String> {
    let of_subject = received.iter().filter(|one| one.text("/subject") == subject);
    of_subject.filter_map(|one| one.body["data"]["added"][0].as_str()).map(str::to_owned).collect()
}
