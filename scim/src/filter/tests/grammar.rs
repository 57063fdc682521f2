use super::*;

fn text(name: &str, op: CompareOp, value: &str) -> Filter {
    Filter::Compare { name: name.to_owned(), op, literal: Literal::Text(value.to_owned()) }
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    let a = || Filter::Present("a".to_owned());
    assert_eq!(
        parse("a pr or not(a pr) AND a pr").unwrap(),
        Filter::Or(vec![a(), Filter::And(vec![Filter::Not(Box::new(a())), a()])])
    );
    assert_eq!(parse("(a pr or a pr) and a pr").unwrap(), Filter::And(vec![Filter::Or(vec![a(), a()]), a()]));
    assert_eq!(parse(" ( ( a\tpr ) ) ").unwrap(), a());
}

#[test]
fn reads_names_and_literals() {
    assert_eq!(parse(r#"a.$ref eq "\u0041\"""#).unwrap(), text("a.$ref", CompareOp::Eq, "A\""));
    let literal = |filter: &str| match parse(filter).unwrap() {
        Filter::Compare { literal, .. } => literal,
        other => panic!("{other:?}"),
    };
    assert_eq!(literal("a EQ True"), Literal::Bool(true));
    assert_eq!(literal("a eq null"), Literal::Null);
    assert_eq!(literal("a eq -1.5e3"), Literal::Number(Number::from_f64(-1500.0).unwrap()));
}

#[test]
fn brackets_mean_one_element() {
    let inside = Filter::And(vec![text("type", CompareOp::Eq, "]work["), text("value", CompareOp::Sw, "x")]);
    let element = Filter::Element { name: "emails".to_owned(), filter: Box::new(inside) };
    assert_eq!(parse(r#"emails[type eq "]work[" and value sw "x"]"#).unwrap(), element);
    assert_eq!(parse(r#"emails[type eq "]work["].value sw "x""#).unwrap(), element);
}

#[test]
fn refuses_what_is_no_filter() {
    for filter in [
        "",
        " ",
        "a",
        "a eq",
        "a eq jyoung",
        "a is \"x\"",
        "a eq \"x",
        "a eq \"\\q\"",
        "a eq \"\\ud800\"",
        "a eq \"\\u0000\"",
        "a eq \"\n\"",
        "a eq 'x'",
        "a eq 1.",
        "a eq 1e999",
        "(a pr",
        "a pr)",
        "a pr and",
        "and a pr",
        "a pr b pr",
        "a[b pr",
        "a[b pr]]",
        "a[b[c pr]]",
        "a[]",
        "a[b pr].",
        "a[b pr].c",
        "not (a pr",
        ".a pr",
        "a. pr",
        "a pr \"x\"",
        "\"a\" pr",
        "a\0b pr",
    ] {
        refused(filter);
    }
}

#[test]
fn length_depth_and_parts_are_limited() {
    for open in ["(", "not (", "a[", "not(("] {
        refused(&open.repeat(4000));
        refused(&format!("{}a pr{}", open.repeat(1000), ")".repeat(1000)));
    }
    assert!(parse(&format!("{}a pr{}", "(".repeat(30), ")".repeat(30))).is_ok());
    refused(&format!("{}a pr{}", "(".repeat(31), ")".repeat(31)));
    let parts = |count: usize| vec!["a pr"; count].join(" and ");
    assert!(parse(&parts(200)).is_ok());
    assert!(refused(&parts(201)).detail.contains("more than 200"));
    assert!(refused(&format!("a eq \"{}\"", "x".repeat(10_240))).detail.contains("longer than"));
}
