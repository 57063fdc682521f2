//! Whatever happens in a directory: reading changes comes to the same as reading everything.

mod world;

use roster_tests::{Cutter, Db, Directory, Dirsrv, Rng, SAMBA_ADMIN_DN, SAMBA_PASSWORD, STAFF, Samba, Slapd};
use serde_json::json;

use super::super::Lab;
use world::{Server, World};

const OPERATIONS: usize = 24;

#[test]
fn a_few_rounds_on_openldap() {
    openldap(Slapd::options().session_log(10_000), 4);
}

#[test]
fn a_few_rounds_on_openldap_without_a_session_log() {
    openldap(Slapd::options().syncprov(), 2);
}

#[test]
fn a_few_rounds_on_a_server_without_any_help() {
    openldap(Slapd::options(), 2);
}

#[test]
fn a_few_rounds_on_active_directory() {
    active_directory("usn", 2);
}

#[test]
#[ignore = "long"]
fn many_rounds_on_openldap() {
    openldap(Slapd::options().session_log(10_000), 50);
}

#[test]
#[ignore = "long"]
fn many_rounds_on_openldap_without_a_session_log() {
    openldap(Slapd::options().syncprov(), 50);
}

#[test]
#[ignore = "long"]
fn many_rounds_on_a_server_without_any_help() {
    openldap(Slapd::options(), 50);
}

#[test]
#[ignore = "long"]
fn many_rounds_on_active_directory() {
    active_directory("usn", 50);
}

#[test]
#[ignore = "long"]
fn many_rounds_with_dirsync() {
    active_directory("dirsync", 50);
}

#[test]
#[ignore = "long"]
fn many_rounds_on_389_ds() {
    let dirsrv = Dirsrv::start(&units());
    let cutter = Cutter::before(dirsrv.port);
    let url = format!("ldap://127.0.0.1:{}", cutter.port);
    let mut lab = Lab::of(Db::fresh(), dirsrv, &url);
    play(&mut lab, &cutter, 50);
}

fn units() -> Directory {
    let mut directory = Directory::default();
    for unit in world::OPENLDAP_UNITS {
        directory.unit(unit);
    }
    directory
}

fn openldap(options: roster_tests::SlapdOptions, rounds: usize) {
    let slapd = options.start(&units());
    let cutter = Cutter::before(slapd.port);
    let url = format!("ldap://127.0.0.1:{}", cutter.port);
    let mut lab = Lab::of(Db::fresh(), slapd, &url);
    play(&mut lab, &cutter, rounds);
}

fn active_directory(mode: &str, rounds: usize) {
    let Some(samba) = Samba::start() else { return };
    samba.tools().add(|more| more.unit(&format!("OU=Inner,{STAFF}")));
    let cutter = Cutter::before_address(&format!("{}:389", samba.address));
    let url = format!("ldap://127.0.0.1:{}", cutter.port);
    let mut lab = Lab::of(Db::fresh(), samba, &url);
    lab.daemon = lab.daemon.clone().with("LDAP_PASSWORD", SAMBA_PASSWORD);
    lab.configure(json!({
        "bind_dn": SAMBA_ADMIN_DN, "incremental": mode,
        "user_base": STAFF, "user_filter": null, "username_attribute": null,
        "group_base": roster_tests::GROUPS, "group_filter": null, "group_name_attribute": null, "membership": null,
        "profile": {"display_name": "displayName", "email": "mail"},
        "attributes": {"country": "department"}, "group_attributes": {}
    }));
    play(&mut lab, &cutter, rounds);
}

fn play<S: Server>(lab: &mut Lab<S>, cutter: &Cutter, rounds: usize) {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("SEED={seed}");
    let mut rng = Rng::seeded(seed);
    lab.db.run(
        "SELECT roster.set_guard('corp-ldap', kind, 100000, 100)
         FROM unnest('{user,group,membership,nesting}'::text[]) kind",
    );
    let mut world = World::new(&lab.slapd);
    for _ in 0..2 * OPERATIONS {
        world.add(&mut rng, &mut lab.slapd);
    }
    lab.sync();
    let mut in_part = 0;
    for round in 0..rounds {
        eprintln!("round {round}");
        for _ in 0..OPERATIONS {
            match rng.below(40) {
                0 => {
                    cutter.cut();
                    let done = lab.daemon.run(&["sync", "corp-ldap"]);
                    assert_eq!(done.code, Some(1), "{done:?}");
                    cutter.pass();
                    eprintln!("  a sync without a network");
                }
                1 => {
                    lab.slapd.restart();
                    eprintln!("  the server restarted");
                }
                2 => drop(sync(lab)),
                _ => eprintln!("  {}", world.step(&mut rng, &mut lab.slapd)),
            }
        }
        in_part += usize::from(sync(lab) == "f");
        lab.agrees_with_a_first_read();
    }
    assert!(in_part * 2 >= rounds, "only {in_part} of {rounds} runs read changes only");
}

/// Whether everything was read.
fn sync<S>(lab: &Lab<S>) -> String {
    let done = lab.daemon.run(&["sync", "corp-ldap"]);
    if done.code == Some(3) {
        // More than half of something goes: the guard wants to know whether that is meant.
        lab.db.run("SELECT roster.apply_run(max(run_id), override_guard => true) FROM roster.sync_runs");
    } else {
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    let complete = lab.db.line("SELECT complete FROM roster_private.sync_run ORDER BY run_id DESC LIMIT 1");
    eprintln!("  sync: everything {complete}, {}", lab.last_run("read, added, changed, removed, message"));
    complete
}
