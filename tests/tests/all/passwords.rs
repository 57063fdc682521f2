//! Passwords: whom they authenticate, how they compare, and when they lock out.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use roster_tests::{Db, Session};

/// `correct horse` as the reference implementation of argon2 hashes it.
const PHC: &str =
    "$argon2id$v=19$m=4096,t=3,p=4$c2FsdHNhbHRzYWx0$xVOPh+ft1L5LRAYpF15vPIY06lnxZjft7j3nnMn0WA8";

fn with_sam() -> Db {
    let db = Db::fresh();
    db.run("SELECT roster.create_user('sam', password => 'correct horse')");
    db
}

/// The user_id, or nothing.
pub(crate) fn authenticated(db: &Session, username: &str, password: &str) -> String {
    db.line(&format!("SELECT roster.authenticate('{username}', '{password}')"))
}

pub(crate) fn sams_id(db: &Session) -> String {
    db.line("SELECT user_id FROM roster.users WHERE username = 'sam'")
}

#[test]
fn a_password_authenticates_its_user_and_nobody_else() {
    let db = with_sam();
    let sam = sams_id(&db);
    db.run("SELECT roster.create_user('eve'); SELECT roster.create_user('bare')");
    db.run("SELECT roster.set_password('eve', 'horse correct')");
    assert_eq!(authenticated(&db, "sam", "correct horse"), sam);
    assert_ne!(authenticated(&db, "eve", "horse correct"), sam);
    for (username, password) in [
        ("sam", "horse correct"),
        ("sam", "Correct horse"),
        ("sam", ""),
        ("SAM", "correct horse"),
        ("bare", "correct horse"),
        ("bare", ""),
        ("nobody", "correct horse"),
        ("", ""),
    ] {
        assert_eq!(authenticated(&db, username, password), "", "{username} {password}");
    }
    assert_eq!(db.line("SELECT roster.authenticate('sam', NULL)"), "");
    assert_eq!(db.line("SELECT roster.authenticate(NULL, 'correct horse')"), "");
    assert_eq!(db.line("SELECT roster.authenticate(repeat('s', 5000), repeat('x', 1000000))"), "");
    let told = db.error("SELECT roster.authenticate('sam', 'correct horse', iam => 'nowhere')");
    assert!(told.contains("iam") && told.contains("nowhere"), "{told}");
}

#[test]
fn names_and_passwords_compare_as_their_owners_type_them() {
    let db = Db::fresh();
    db.run(
        "SELECT roster.create_identity_manager('corp', kind => 'ldap');
         SELECT roster.create_user(U&'Jos\\00e9', iam => 'corp', password => U&'caf\\00e9 au lait')",
    );
    assert_ne!(
        db.line("SELECT roster.authenticate(U&'JOSE\\0301', U&'cafe\\0301\\00a0au lait', iam => 'corp')"),
        ""
    );
    assert_eq!(
        db.line("SELECT roster.authenticate(U&'Jos\\00e9', U&'CAF\\00c9 au lait', iam => 'corp')"),
        ""
    );
}

#[test]
fn a_hash_made_elsewhere_is_taken_as_it_is_and_others_are_refused() {
    let db = with_sam();
    db.run(&format!("SELECT roster.set_password('sam', '{PHC}')"));
    assert_eq!(authenticated(&db, "sam", "correct horse"), sams_id(&db));
    assert_eq!(authenticated(&db, "sam", PHC), "", "the hash is not the password");
    for other in [
        "$argon2i$v=19$m=4096,t=3,p=4$c2FsdHNhbHRzYWx0$xVOPh+ft1L5LRAYpF15vPIY06lnxZjft7j3nnMn0WA8",
        "$argon2id$v=19$m=9999999,t=3,p=4$c2FsdHNhbHRzYWx0$xVOPh+ft1L5LRAYpF15vPIY06lnxZjft7j3nnMn0WA8",
        "$2b$12$abcdefghijklmnopqrstuuMw1tDZ8WnLcXcY5hOaSkEwLsZqZfJ2K",
        "$6$salt$abcdefghijklmnopqrstuvw",
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    ] {
        let told = db.error(&format!("SELECT roster.set_password('sam', '{other}')"));
        assert!(told.contains("password") && told.contains("argon2id") && told.contains("[22023]"), "{told}");
        assert!(!told.contains(&other[10..25]), "{told}");
    }
    assert_eq!(authenticated(&db, "sam", "correct horse"), sams_id(&db), "it stayed as it was");
}

#[test]
fn what_is_no_password_is_refused_without_being_repeated() {
    let db = with_sam();
    for (literal, word) in [
        ("'hunter2'", "8 characters"),
        ("''", "8 characters"),
        (r"E'hunter2 hunter2\n'", "control character"),
        ("repeat('hunter2', 200)", "1000 bytes"),
        ("NULL", "NULL"),
    ] {
        for call in ["set_password('sam', ", "create_user('new', password => "] {
            if literal == "NULL" && call.starts_with("create") {
                continue;
            }
            let told = db.error(&format!("SELECT roster.{call}{literal})"));
            assert!(told.contains("argument \"password\"") && told.contains(word), "{call}{literal}: {told}");
            assert!(told.contains("[22023]") && told.contains('\n') && !told.contains("hunter2"), "{told}");
        }
    }
    for call in [
        "set_password('nobody', 'correct horse')",
        "set_password('sam', 'correct horse', iam => 'nowhere')",
        "remove_password('nobody')",
    ] {
        assert!(db.error(&format!("SELECT roster.{call}")).contains("[42704]"), "{call}");
    }
    assert_eq!(db.lines("SELECT username FROM roster.users"), ["sam"]);
}

#[test]
fn disabled_deleted_and_without_password_nobody_is_authenticated() {
    let db = with_sam();
    db.run("SELECT roster.disable_user('sam')");
    assert_eq!(authenticated(&db, "sam", "correct horse"), "");
    db.run("SELECT roster.enable_user('sam')");
    assert_eq!(authenticated(&db, "sam", "correct horse"), sams_id(&db));
    assert_eq!(db.line("SELECT roster.remove_password('sam')"), "t");
    assert_eq!(db.line("SELECT roster.remove_password('sam')"), "f");
    assert_eq!(authenticated(&db, "sam", "correct horse"), "");
    db.run("SELECT roster.set_password('sam', 'correct horse'); SELECT roster.delete_user('sam')");
    assert_eq!(db.lines("SELECT * FROM roster_private.user_password"), [""; 0]);
    db.run("SELECT roster.create_user('sam')");
    assert_eq!(authenticated(&db, "sam", "correct horse"), "", "a namesake inherits nothing");
}

#[test]
fn five_wrong_passwords_in_a_row_lock_the_user_out_for_a_while() {
    let db = with_sam();
    let guess = |times: usize| (0..times).for_each(|_| assert_eq!(authenticated(&db, "sam", "wrong"), ""));
    guess(4);
    assert_eq!(authenticated(&db, "sam", "correct horse"), sams_id(&db), "four are forgiven");
    guess(4);
    assert_eq!(authenticated(&db, "sam", "correct horse"), sams_id(&db), "success starts the count afresh");
    guess(5);
    assert_eq!(authenticated(&db, "sam", "correct horse"), "", "locked out");
    assert_eq!(
        db.lines("SELECT locked_until - clock_timestamp() BETWEEN interval '14 minutes' AND interval '15 minutes' FROM roster_private.user_password"),
        ["t"]
    );
    guess(3);
    // Fifteen minutes later.
    let pass = "UPDATE roster_private.user_password SET locked_until = locked_until - interval '15 minutes'";
    db.run(pass);
    guess(4);
    assert_eq!(
        authenticated(&db, "sam", "correct horse"),
        sams_id(&db),
        "a lock-out that is over counts afresh"
    );
    guess(5);
    assert_eq!(authenticated(&db, "sam", "correct horse"), "");
    db.run("SELECT roster.set_password('sam', 'another horse')");
    assert_eq!(authenticated(&db, "sam", "another horse"), sams_id(&db), "a new password lifts it");
    assert_eq!(
        db.lines("SELECT change, kind, iam, subject FROM roster.read_changes(0, 100) WHERE kind = 'lockout'"),
        ["add|lockout|builtin|sam"; 2]
    );
}

#[test]
fn guesses_in_many_sessions_count_as_well() {
    let db = with_sam();
    let start = Barrier::new(6);
    thread::scope(|scope| {
        for _ in 0..6 {
            let (session, start) = (db.login(&["roster_authenticator"]), &start);
            scope.spawn(move || {
                start.wait();
                for _ in 0..2 {
                    assert_eq!(authenticated(&session, "sam", "wrong"), "");
                }
            });
        }
    });
    assert_eq!(authenticated(&db, "sam", "correct horse"), "");
    assert_eq!(db.lines("SELECT failures FROM roster_private.user_password"), ["5"]);
    assert_eq!(db.number("SELECT count(*) FROM roster.read_changes(0, 100) WHERE kind = 'lockout'"), 1);
}

#[test]
fn the_time_an_answer_takes_tells_nothing() {
    let db = with_sam();
    db.run("SELECT roster.create_user('bare'); SELECT roster.create_user('off', password => 'correct horse'); SELECT roster.disable_user('off')");
    let fastest = |username: &str, password: &str| -> Duration {
        let timed = |_| {
            let start = Instant::now();
            authenticated(&db, username, password);
            start.elapsed()
        };
        (0..5).map(timed).min().expect("five times")
    };
    for (username, password) in [
        ("nobody", "wrong"),
        ("bare", "wrong"),
        ("off", "correct horse"),
        ("sam", "wrong"),
        ("sam", "locked"),
    ] {
        // A busy machine slows down some of them; an answer that is cheaper than the others always is.
        let alike = (0..10).any(|_| {
            let (right, time) = (fastest("sam", "correct horse"), fastest(username, password));
            time * 3 > right && right * 3 > time
        });
        assert!(alike, "{username}, {password}: the time tells it from a right password");
    }
}
