//! Trouble: daemons are killed or stand still, PostgreSQL restarts or crashes, at random.

use std::fmt;
use std::time::Duration;

use roster_tests::Rng;

use super::Signal;
use super::world::World;

#[derive(Debug, Default)]
pub struct Trouble {
    kills: usize,
    stops: usize,
    restarts: usize,
    crashes: usize,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Trouble { kills, stops, restarts, crashes } = self;
        write!(
            f,
            "trouble: {kills} daemons killed, {stops} stopped for a while; PostgreSQL restarted {restarts} times, crashed {crashes} times"
        )
    }
}

pub fn work(world: &World, mut rng: Rng, signal: &Signal) -> Trouble {
    let mut trouble = Trouble::default();
    while !signal.is_over() {
        signal.pause(&mut rng, 12_000);
        match rng.below(10) {
            0..=2 => {
                kill(world, &mut rng, signal);
                trouble.kills += 1;
            }
            3..=5 => {
                stop(world, &mut rng, signal);
                trouble.stops += 1;
            }
            6..=7 => {
                world.cluster.stop();
                trouble.restarts += 1;
                back(world, &mut rng, signal);
            }
            _ => {
                world.cluster.crash();
                trouble.crashes += 1;
                back(world, &mut rng, signal);
            }
        }
    }
    trouble
}

fn back(world: &World, rng: &mut Rng, signal: &Signal) {
    signal.pause(rng, 3000);
    world.cluster.start_again();
}

fn kill(world: &World, rng: &mut Rng, signal: &Signal) {
    let which = rng.below(2);
    let mut daemon = world.daemons[which].lock().expect("no panic while held");
    drop(daemon.take());
    signal.pause(rng, 5000);
    *daemon = Some(world.daemon.serve_at(world.ports[which]));
}

/// Often longer than a lease lasts.
fn stop(world: &World, rng: &mut Rng, signal: &Signal) {
    let which = rng.below(2);
    let daemon = world.daemons[which].lock().expect("no panic while held");
    let running = &daemon.as_ref().expect("started again after each kill").running;
    running.stop();
    signal.pause(rng, Duration::from_secs(18).as_millis() as usize);
    running.cont();
}
