//! Expressions that are refused before any image is looked at.

use regcarve_policy_kit::policy::configure;
use serde_json::json;

use crate::Where;

#[test]
fn wrong_expressions_are_explained() {
    for (expression, expected) in [
        ("", "column 1: "),
        ("image.tag ==", "column 13: "),
        ("image.tag = \"a\"", "column 11: "),
        ("image.size > 1 &&\n  image.tag ==", "line 2, column 15: "),
        ("\"a", "column 1: "),
        (
            "image.labls.tier == \"gold\"",
            "column 7: `image` has no `labls`; it has repository, tag, ",
        ),
        (
            "tag == \"1\"",
            "column 1: there is no name `tag`; write `image.tag`",
        ),
        (
            "tier == \"gold\"",
            "column 1: there is no name `tier`; all names start with `image`",
        ),
        ("image == 1", "column 1: `image` is not a value"),
        ("has(image.tagg)", "`image` has no `tagg`"),
        (
            "image.labels.org.example.team == \"a\"",
            "a key with a dot in it is written `image.labels[\"org.example.team\"]`",
        ),
        (
            "image.tag.upper() == \"A\"",
            "column 11: there is no function `upper`; there are ",
        ),
        (
            "now() > image.created",
            "column 1: there is no function `now`",
        ),
        (
            "image.labels.exists(k, v == \"a\")",
            "column 24: there is no name `v`",
        ),
        (
            "image.size > \"1GB\"",
            "column 12: `>` cannot be done with int and string",
        ),
        // Also where no run might come to it.
        (
            "image.tag == \"x\" && image.size > \"1GB\"",
            "`>` cannot be done with int and string",
        ),
        (
            "image.created > \"2026-01-01\"",
            "column 15: `>` cannot be done with timestamp and string",
        ),
        (
            "image.tag.startsWith(1)",
            "`startsWith` cannot be done with string and int",
        ),
        ("image.tag.matches(\"(\")", "column 11: `(`: "),
        (
            "image.created > timestamp(\"yesterday\")",
            "column 17: `yesterday` is neither a time",
        ),
        (
            "version(image.tag) > version(\"new\")",
            "`new` is not a version",
        ),
        (
            "image.tag",
            "it gives a string; it has to give true or false",
        ),
        (
            "image.labels",
            "it gives a map; it has to give true or false",
        ),
        ("image.labels.tier && true", "cannot be done with"),
        ("Image{tag: \"1\"}", "there is no type `Image`"),
        ("image.?labels.tier == \"a\"", ""),
    ] {
        let wrong = configure::<Where>(&json!(expression).to_string());
        let wrong = wrong
            .err()
            .unwrap_or_else(|| panic!("{expression} is accepted"));
        assert_eq!(wrong[0].path, "/expression", "{expression}: {wrong:?}");
        assert!(
            wrong[0].message.contains(expected),
            "{expression}: {wrong:?}"
        );
    }
}

#[test]
fn all_that_is_wrong_is_said() {
    let wrong = configure::<Where>(r#""image.labls == 1 || nam == 2""#)
        .err()
        .unwrap();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

#[test]
fn wrong_settings_are_named() {
    for (settings, path) in [
        ("{}", ""),
        ("7", ""),
        ("[]", ""),
        (r#"{"expression":7}"#, "/expression"),
        (r#"{"expression":"true","verdict":"warn"}"#, "/verdict"),
        (r#"{"expr":"true"}"#, "/expr"),
    ] {
        let wrong = configure::<Where>(settings).err().unwrap();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
    let long = format!("{}true", "true || ".repeat(3000));
    assert!(configure::<Where>(&json!(long).to_string()).is_err());
}

#[test]
fn deep_expressions_end_well() {
    for (source, accepted) in [
        (
            format!("{}true{}", "(".repeat(5000), ")".repeat(5000)),
            true,
        ),
        (format!("{}true", "!".repeat(5001)), true),
        (format!("true{}", " || image.size > 1".repeat(500)), true),
        (
            format!("size(image.tag{}) > 0", " + \"a\"".repeat(90)),
            true,
        ),
        (
            format!("size(image.tag{}) > 0", " + \"a\"".repeat(2000)),
            false,
        ),
        (format!("image.labels.a{} == 1", ".b".repeat(5000)), false),
        (
            format!("{}true{}", "[".repeat(5000), "]".repeat(5000)),
            false,
        ),
        (format!("{}true", "true ? true : ".repeat(1000)), false),
    ] {
        let wrong = configure::<Where>(&json!(source).to_string());
        assert_eq!(
            wrong.is_ok(),
            accepted,
            "{} {:?}",
            &source[..40],
            wrong.err()
        );
    }
}

#[test]
fn every_function_is_there() {
    assert!(crate::functions::NAMES.is_sorted());
    for call in [
        "bool(\"true\")",
        "bytes(\"a\") == b\"a\"",
        "\"ab\".contains(\"b\")",
        "double(1) == 1.0",
        "dyn(1) == 1",
        "\"ab\".endsWith(\"b\")",
        "int(\"1\") == 1",
        "\"ab\".matches(\"b\")",
        "size(\"ab\") == 2",
        "\"ab\".startsWith(\"a\")",
        "string(1) == \"1\"",
        "timestamp(\"2026-01-01\") < timestamp(\"2026-01-02\")",
        "type(1) == int",
        "uint(1) == 1u",
        "version(\"1.10\") > version(\"1.9\")",
    ] {
        let parsed = cel::parser::PrattParser::new().parse(call).unwrap();
        let context = cel::Context::with_env(std::sync::Arc::new(crate::functions::environment()));
        let value = cel::Value::resolve(&parsed, &context);
        assert_eq!(value, Ok(cel::Value::Bool(true)), "{call}");
        let names = parsed.references();
        assert!(
            crate::functions::NAMES
                .iter()
                .any(|name| names.has_function(name)),
            "{call}"
        );
    }
}
