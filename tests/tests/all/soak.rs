//! Everything at once, for some minutes: sources of every kind, two daemons, writers who repeat what was not
//! acknowledged, daemons that are killed and stopped, PostgreSQL that restarts and crashes. At the end, what was
//! acknowledged is effective, and nothing else has happened.
//!
//! `SOAK_SECONDS` says for how long (default 300), `SOAK_SEED` repeats the decisions of a run.

mod chaos;
mod checks;
mod directory;
mod endpoint;
mod http;
mod latency;
mod provider;
mod readers;
mod second;
mod services;
mod tables;
mod told;
mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use roster_tests::Rng;

use latency::Latencies;
use world::World;

/// Leavers come from here; services push about all others.
pub const USERS: usize = 200;
pub const STAYING: usize = 150;
pub const TABLE_WRITERS: usize = 2;
pub const SERVICES: usize = 3;

pub fn username(n: usize) -> String {
    format!("u{n:03}")
}

/// For how long, and with which decisions.
#[derive(Debug, Clone, Copy)]
struct Setting {
    time: Duration,
    seed: u64,
}

impl Setting {
    fn from_environment() -> Setting {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let clock = || SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_millis() as u64;
        Setting {
            time: Duration::from_secs(number("SOAK_SECONDS").unwrap_or(300)),
            seed: number("SOAK_SEED").unwrap_or_else(clock),
        }
    }

    /// A sequence of its own for each who decides something.
    fn rng(self, who: u64) -> Rng {
        Rng::seeded(self.seed.wrapping_mul(1000).wrapping_add(who))
    }
}

/// When everybody stops.
#[derive(Debug)]
pub struct Signal {
    stop: AtomicBool,
}

impl Signal {
    pub fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits for up to that time; a soak is mostly waiting, and nothing announces that it is time for more.
    pub fn pause(&self, rng: &mut Rng, most_ms: usize) {
        let until = Instant::now() + Duration::from_millis(rng.below(most_ms.max(1)) as u64);
        while !self.is_over() && Instant::now() < until {
            thread::sleep(Duration::from_millis(20).min(until.saturating_duration_since(Instant::now())));
        }
    }
}

/// Whoever fails ends it for all.
struct EndOnPanic<'s>(&'s Signal);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
#[ignore = "long: SOAK_SECONDS (default 300) and a minute"]
fn what_was_acknowledged_is_effective_and_nothing_else_happened() {
    let setting = Setting::from_environment();
    println!("soak of {} s, SOAK_SEED={}", setting.time.as_secs(), setting.seed);
    let mut world = World::new();
    let signal = Signal { stop: AtomicBool::new(false) };
    let (mut stated, trouble, read, subscribed) = under_load(&world, setting, &signal);
    world.quiet();
    let latencies = Latencies::measure(&world, &mut stated);
    world.settle();
    checks::everything(&world, &stated, read);
    told::assert_complete(&world, subscribed);
    second::assert_same(&world, &stated);
    println!("{stated}\n{trouble}\n{}\n{latencies}", checks::summary(&world));
}

fn under_load(
    world: &World,
    setting: Setting,
    signal: &Signal,
) -> (world::Stated, chaos::Trouble, readers::Read, told::Subscribed) {
    thread::scope(|threads| {
        macro_rules! at_work {
            ($work:expr) => {
                threads.spawn(move || {
                    let _end = EndOnPanic(signal);
                    $work
                })
            };
        }
        let directory = at_work!(directory::work(world, setting.rng(1), signal));
        let tables: Vec<_> = (0..TABLE_WRITERS)
            .map(|n| at_work!(tables::work(world, n, setting.rng(10 + n as u64), signal)))
            .collect();
        let remote = at_work!(tables::work_elsewhere(world, setting.rng(20), signal));
        let endpoint = at_work!(endpoint::work(world, setting.rng(25), signal));
        let services: Vec<_> = (0..SERVICES)
            .map(|n| at_work!(services::work(world, n, setting.rng(30 + n as u64), signal)))
            .collect();
        let provider = at_work!(provider::work(world, setting.rng(40), signal));
        let reader = at_work!(readers::read(world, signal));
        let subscriber = at_work!(told::subscribe(world, signal));
        let operator = at_work!(world.operate(setting.rng(50), signal));
        let chaos = at_work!(chaos::work(world, setting.rng(60), signal));
        let until = Instant::now() + setting.time;
        while !signal.is_over() && Instant::now() < until {
            thread::sleep(Duration::from_millis(100));
        }
        signal.stop.store(true, Ordering::Relaxed);
        let stated = world::Stated {
            directory: directory.join().expect("the directory's writer"),
            tables: tables.into_iter().map(|writer| writer.join().expect("a table's writer")).collect(),
            remote: remote.join().expect("the other database's writer"),
            endpoint: endpoint.join().expect("the endpoint's writer"),
            services: services.into_iter().map(|service| service.join().expect("a service")).collect(),
            provider: provider.join().expect("the provider"),
        };
        operator.join().expect("the operator");
        let trouble = chaos.join().expect("the trouble maker");
        // Everything is back: the reader comes to the end of the feed later, with what is still to come.
        let reader = reader.join().expect("the reader of the feed");
        (stated, trouble, reader, subscriber.join().expect("the subscriber"))
    })
}
