//! The small parser reads what the grammar's own parser reads.

use cel::IdedExpr;
use cel::parser::{Parser, PrattParser};
use proptest::prelude::*;
use regex_lite::Regex;

/// An expression without the numbers of its parts, which are each parser's own.
fn plain(expression: &IdedExpr) -> String {
    let numbers = Regex::new(r"id: \d+").unwrap();
    numbers
        .replace_all(&format!("{expression:?}"), "")
        .into_owned()
}

/// The results of both parsers for a text.
fn both(source: &str) -> [Option<String>; 2] {
    let small = PrattParser::new().parse(source).ok();
    let grammar = Parser::new().parse(source).ok();
    [small, grammar].map(|parsed| parsed.as_ref().map(plain))
}

fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("image.tag".to_owned()),
        Just("image.labels[\"a.b\"]".to_owned()),
        Just("has(image.labels.tier)".to_owned()),
        Just("b'\\x00\\377'".to_owned()),
        Just("r\"a\\\"".to_owned()),
        "[0-9]{1,3}u?",
        "-?[0-9]{1,2}\\.[0-9]{1,2}(e-?[0-9])?",
        "0x[0-9a-f]{1,4}",
        "\"[a-z0-9/:.*-]{0,5}\"",
        "'(\\\\n|\\\\u00e9|[a-z ]){0,4}'",
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let binary = prop_oneof![
            Just("=="),
            Just("!="),
            Just("<"),
            Just("<="),
            Just(">"),
            Just(">="),
            Just("&&"),
            Just("||"),
            Just("in"),
            Just("+"),
            Just("-"),
            Just("*"),
            Just("/"),
            Just("%"),
        ];
        prop_oneof![
            (inner.clone(), binary, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.clone().prop_map(|a| format!("-({a})")),
            inner.clone().prop_map(|a| format!("size({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}).startsWith({b})")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("[{a}, {b}].exists(x, x == {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{\"k\": {a}, {b}: 1}}")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("{a} ? ({b}) : {c}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn both_make_the_same_of_expressions(source in expressions()) {
        let [small, grammar] = both(&source);
        prop_assert!(grammar.is_some(), "{source}");
        prop_assert_eq!(small, grammar, "{}", source);
    }

    /// It may take more: `!-1`, which has no meaning.
    #[test]
    fn both_make_the_same_of_texts(source in "[a-c .()!=&|<\"'\\[\\]0-9?:+-]{0,12}") {
        let [small, grammar] = both(&source);
        prop_assert!(grammar.is_none() || small == grammar, "{}", source);
    }
}
