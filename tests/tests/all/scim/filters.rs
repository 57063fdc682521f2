//! Filters: whatever is asked of whomever, the database answers as a model in memory does.

mod model;

use std::collections::BTreeMap;

use roster_tests::Rng;
use serde_json::{Value, json};

use super::{ENTERPRISE, Lab, user};
use model::{Filter, Operator};

const USERS: usize = 40;
const FILTERS: usize = 800;

/// Texts with everything in them that JSON, jsonpath, LIKE and regular expressions hold dear.
const TEXTS: [&str; 28] = [
    "a",
    "A",
    "ab",
    "Ab",
    "b",
    "ba",
    "abc",
    "x y",
    " x",
    "50%",
    "_",
    "a_b",
    "a.b",
    "a*b",
    "$",
    "^a",
    "a|b",
    "(a)",
    "[a]",
    "a\\b",
    "say \"hi\"",
    "it's",
    "line\nbreak",
    "tab\t",
    "É",
    "e\u{301}",
    "ß",
    "😀 a",
];

fn text(rng: &mut Rng) -> &'static str {
    TEXTS[rng.below(TEXTS.len())]
}

/// A value three times in four.
fn perhaps(rng: &mut Rng, into: &mut Value, name: &str) {
    if !rng.one_in(4) {
        into[name] = json!(text(rng));
    }
}

fn random_user(rng: &mut Rng, n: usize) -> Value {
    let mut person = user(&format!("u{n}{}", ["", "A", "b"][rng.below(3)]), json!({"active": rng.one_in(2)}));
    for name in ["displayName", "title", "nickName"] {
        perhaps(rng, &mut person, name);
    }
    if rng.one_in(2) {
        // Unique, by the number.
        person["externalId"] = json!(format!("{} {n}", text(rng).trim()));
    }
    let mut name = json!({});
    perhaps(rng, &mut name, "givenName");
    perhaps(rng, &mut name, "familyName");
    person["name"] = name;
    for list in ["emails", "roles"] {
        let elements: Vec<Value> = (0..rng.below(4)).map(|at| random_element(rng, at)).collect();
        person[list] = elements.into();
    }
    let mut extension = json!({});
    perhaps(rng, &mut extension, "department");
    perhaps(rng, &mut extension, "costCenter");
    person[ENTERPRISE] = extension;
    person
}

fn random_element(rng: &mut Rng, at: usize) -> Value {
    // The same element twice would be one; the first of a list may be primary.
    let mut element = json!({"value": text(rng), "display": format!("element {at}")});
    if !rng.one_in(4) {
        element["type"] = json!(["work", "home", "Other"][rng.below(3)]);
    }
    if at == 0 && rng.one_in(2) {
        element["primary"] = json!(true);
    }
    element
}

fn random_filter(rng: &mut Rng, depth: usize) -> Filter {
    if depth == 0 || rng.one_in(3) {
        return random_test(rng);
    }
    match rng.below(6) {
        0 | 1 => Filter::And(vec![random_filter(rng, depth - 1), random_filter(rng, depth - 1)]),
        2 | 3 => Filter::Or(vec![random_filter(rng, depth - 1), random_filter(rng, depth - 1)]),
        4 => Filter::Not(Box::new(random_filter(rng, depth - 1))),
        _ => Filter::Element(rng.pick(&["emails", "roles"]).to_string(), Box::new(random_inner(rng, 2))),
    }
}

fn random_test(rng: &mut Rng) -> Filter {
    let department = format!("{ENTERPRISE}:department");
    let names = [
        "userName",
        "displayName",
        "title",
        "nickName",
        "externalId",
        "name.givenName",
        "name.familyName",
        "emails",
        "emails.value",
        "emails.type",
        "emails.display",
        "roles.value",
        "roles",
        "noSuchAttribute",
        department.as_str(),
    ];
    match rng.below(10) {
        0 => boolean(rng, "active"),
        1 => boolean(rng, "emails.primary"),
        _ => compared(rng, &names),
    }
}

fn random_inner(rng: &mut Rng, depth: usize) -> Filter {
    if depth > 0 && rng.one_in(2) {
        return match rng.below(3) {
            0 => Filter::And(vec![random_inner(rng, depth - 1), random_inner(rng, depth - 1)]),
            1 => Filter::Or(vec![random_inner(rng, depth - 1), random_inner(rng, depth - 1)]),
            _ => Filter::Not(Box::new(random_inner(rng, depth - 1))),
        };
    }
    if rng.one_in(6) { boolean(rng, "primary") } else { compared(rng, &["value", "type", "display"]) }
}

fn boolean(rng: &mut Rng, name: &str) -> Filter {
    let operator = *rng.pick(&[Operator::Eq, Operator::Ne, Operator::Pr]);
    Filter::Compare(name.to_owned(), operator, json!(rng.one_in(2)))
}

fn compared(rng: &mut Rng, names: &[&str]) -> Filter {
    let operator = *rng.pick(&Operator::ALL);
    let literal = match rng.below(12) {
        0 if matches!(operator, Operator::Eq | Operator::Ne) => Value::Null,
        1 | 2 => json!(["work", "HOME", "other", "u1", "U2a"][rng.below(5)]),
        _ => json!(text(rng)),
    };
    Filter::Compare(rng.pick(names).to_string(), operator, literal)
}

#[test]
fn the_database_answers_as_the_model_does() {
    let lab = Lab::new();
    let mut rng = Rng::seeded(7644);
    let mut users = BTreeMap::new();
    for n in 0..USERS {
        let person = random_user(&mut rng, n);
        lab.scim.create("/Users", &person);
        users.insert(person["userName"].as_str().expect("a name").to_owned(), person);
    }
    let mut hits = 0;
    for n in 0..FILTERS {
        let filter = random_filter(&mut rng, n % 5);
        let written = filter.written(&mut rng);
        let expected: Vec<_> =
            users.iter().filter(|(_, user)| filter.holds(user)).map(|(name, _)| name.clone()).collect();
        let answer =
            lab.scim.query("/Users", &[("filter", &written), ("attributes", "userName")]).expect(200);
        let mut found = answer.each("userName");
        found.sort();
        assert_eq!(found, expected, "filter {n}: {written}\n{}", differing(&users, &found, &expected));
        assert_eq!(answer.total() as usize, expected.len());
        hits += usize::from(!expected.is_empty() && expected.len() < USERS);
    }
    assert!(hits > FILTERS / 4, "only {hits} of {FILTERS} filters told some users from others");
}

/// The first user about whom the two do not agree.
fn differing(users: &BTreeMap<String, Value>, found: &[String], expected: &[String]) -> String {
    let odd = users.iter().find(|(name, _)| found.contains(name) != expected.contains(name));
    odd.map(|(_, user)| format!("{user:#}")).unwrap_or_default()
}

#[test]
fn dates_compare_as_moments() {
    let lab = Lab::new();
    let id = lab.new_user("alice");
    let meta = lab.scim.get(&format!("/Users/{id}")).json["meta"].clone();
    let created = meta["created"].as_str().expect("a time").to_owned();
    for (filter, hits) in [
        (format!("meta.created eq \"{created}\""), 1),
        (format!("meta.created ge \"{created}\""), 1),
        (format!("meta.created gt \"{created}\""), 0),
        ("meta.created lt \"2999-01-01T00:00:00Z\"".to_owned(), 1),
        (
            "meta.created lt \"2999-01-01T00:00:00+14:00\" and meta.lastModified gt \"1999-01-01T00:00:00Z\""
                .to_owned(),
            1,
        ),
        ("meta.lastModified lt \"1999-01-01T00:00:00Z\"".to_owned(), 0),
        ("meta.lastModified pr".to_owned(), 1),
        ("meta.resourceType eq \"User\"".to_owned(), 1),
        (format!("id eq \"{id}\""), 1),
        (format!("id eq \"{}\"", id.to_uppercase()), 0),
        (format!("id ne \"{id}\""), 0),
        ("id pr".to_owned(), 1),
    ] {
        assert_eq!(lab.scim.find("/Users", &filter).expect(200).total(), hits, "{filter}");
    }
}

#[test]
fn spaces_and_letter_case_do_not_matter() {
    let lab = Lab::new();
    lab.scim.create(
        "/Users",
        &user("alice", json!({"title": "Clerk", "emails": [{"value": "a@x.example", "type": "work"}]})),
    );
    for filter in [
        "userName eq \"alice\"",
        "  userName   eq   \"alice\"  ",
        "USERNAME EQ \"ALICE\"",
        "(userName eq \"alice\")",
        "((userName eq \"alice\"))",
        "not(userName eq \"bob\")",
        "NOT (userName eq \"bob\")",
        "title pr and not (nickName pr)",
        "title PR AND userName sw \"A\"",
        "emails[type eq \"work\"]",
        "emails[ type eq \"work\" and value co \"@\" ]",
        "emails [type eq \"work\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"alice\"",
        "URN:IETF:params:scim:schemas:core:2.0:user:USERNAME eq \"alice\"",
        "userName eq \"bob\" or title eq \"clerk\" and emails pr",
        "\tuserName\teq\t\"alice\"",
    ] {
        let answer = lab.scim.find("/Users", filter);
        // RFC 7644 has one space; more is kindness. A space before the bracket is none of the grammar's.
        let forgiven = answer.status == 400
            && (filter.contains("  ")
                || filter.contains('\t')
                || filter.contains(" [")
                || filter.contains("[ "));
        assert!(forgiven || answer.status == 200 && answer.total() == 1, "{filter:?}: {answer:?}");
    }
}

#[test]
fn precedence_is_not_before_and_before_or() {
    let lab = Lab::new();
    for (name, title, nick) in [("a", "x", "p"), ("b", "x", "q"), ("c", "y", "q")] {
        lab.scim.create("/Users", &user(name, json!({"title": title, "nickName": nick})));
    }
    let found = |filter: &str| lab.scim.find("/Users", filter).expect(200).each("userName").concat();
    assert_eq!(found("nickName eq \"p\" or title eq \"x\" and nickName eq \"q\""), "ab");
    assert_eq!(found("(nickName eq \"p\" or title eq \"x\") and nickName eq \"q\""), "b");
    assert_eq!(found("not (title eq \"x\") or nickName eq \"p\""), "ac");
    assert_eq!(found("not (title eq \"x\" or nickName eq \"p\")"), "c");
}
