use proptest::prelude::*;

use super::*;

fn literals() -> impl Strategy<Value = Literal> {
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        any::<i32>().prop_filter_map("finite", |number| Number::from_f64(f64::from(number) / 8.0)
            .map(Literal::Number)),
        "[^\0]{0,8}".prop_map(Literal::Text),
        "(work|home|true|a|b){0,2}".prop_map(Literal::Text),
    ]
}

fn leaves(names: &'static [&'static str]) -> impl Strategy<Value = Filter> {
    let name = proptest::sample::select(names).prop_map(str::to_owned);
    let op = proptest::sample::select(&CompareOp::ALL);
    prop_oneof![
        name.clone().prop_map(Filter::Present),
        (name, op, literals()).prop_map(|(name, op, literal)| Filter::Compare { name, op, literal }),
    ]
}

fn combined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let names = &[
        "userName",
        "title",
        "active",
        "emails",
        "emails.type",
        "nosuch",
        "urn:x:2.0:Ext:Words",
        "meta.created",
    ];
    let element = combined(leaves(&["value", "type", "primary", "nosuch"]))
        .prop_map(|filter| Filter::Element { name: "emails".to_owned(), filter: Box::new(filter) });
    combined(prop_oneof![leaves(names), element])
}

proptest! {
    #[test]
    fn a_filter_reads_back_from_its_text(filter in filters()) {
        prop_assert_eq!(parse(&filter.to_string()).unwrap(), filter);
    }

    #[test]
    fn no_text_panics(text in r#"([a-z.:\[\]()" \\]|eq|pr|not|and|or|emails|true){0,40}"#, noise in ".*") {
        for text in [text, noise] {
            if let Ok(filter) = parse(&text) {
                matches(&filter, &registry(), ResourceKind::User, &sam());
                let _ = compile(&filter, &registry(), ResourceKind::Group);
            }
        }
    }

    #[test]
    fn not_is_the_complement(filter in filters()) {
        let negated = Filter::Not(Box::new(filter.clone()));
        if compile(&filter, &registry(), ResourceKind::User).is_ok() {
            let user = ResourceKind::User;
            prop_assert_ne!(matches(&filter, &registry(), user, &sam()), matches(&negated, &registry(), user, &sam()));
        }
    }

    #[test]
    fn ne_is_not_eq_for_single_values(value in "[^\0]{0,4}", other in "[^\0]{0,4}") {
        let title = fold(&registry(), ResourceKind::User, json!({ "title": value }).as_object().unwrap());
        let holds = |op| {
            let filter = Filter::Compare { name: "title".to_owned(), op, literal: Literal::Text(other.clone()) };
            matches(&filter, &registry(), ResourceKind::User, &title)
        };
        prop_assert_ne!(holds(CompareOp::Eq), holds(CompareOp::Ne));
        prop_assert_ne!(holds(CompareOp::Gt), holds(CompareOp::Le));
        prop_assert_ne!(holds(CompareOp::Lt), holds(CompareOp::Ge));
        prop_assert!(!holds(CompareOp::Eq) || (holds(CompareOp::Co) && holds(CompareOp::Sw) && holds(CompareOp::Ew)));
    }
}
