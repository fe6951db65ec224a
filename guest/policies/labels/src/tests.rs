use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};
use regcarve_policy_kit::testing::{self, Node, index, index_of, layer};
use serde_json::{Value, json};

use super::Labels;

/// A part with labels and annotations.
fn part(labels: Value, annotations: Value) -> Node {
    let config = json!({"os": "linux", "config": {"Labels": labels}});
    testing::manifest_of(config, annotations, [layer("base", 10)])
}

/// Images by name.
fn image(shape: &str) -> Image {
    let gold = || part(json!({"tier": "gold", "team": "search"}), Value::Null);
    let node = match shape {
        "gold" => gold(),
        "silver" => part(json!({"tier": "silver"}), Value::Null),
        "bare" => part(Value::Null, Value::Null),
        "annotated" => part(Value::Null, json!({"tier": "gold"})),
        "both" => part(json!({"tier": "silver"}), json!({"tier": "gold"})),
        "dev" => part(json!({"tier": "gold", "stage": "dev-3"}), Value::Null),
        "two" => index([
            gold().on("linux/amd64"),
            part(json!({"tier": "gold"}), Value::Null).on("linux/arm64"),
        ]),
        "half" => index([
            gold().on("linux/amd64"),
            part(json!({"tier": "tin"}), Value::Null).on("linux/arm64"),
        ]),
        "index" => index_of(
            json!({"tier": "gold"}),
            [part(Value::Null, Value::Null).on("linux/amd64")],
        ),
        "empty" => index([]),
        "empty gold" => index_of(json!({"tier": "gold"}), []),
        "chart" => testing::artifact(
            "application/vnd.cncf.helm.config.v1+json",
            json!({"config": {"Labels": {"tier": "gold"}}}),
            json!({"team": "charts"}),
            [layer("chart", 5)],
        ),
        other => panic!("no image {other}"),
    };
    node.image("1")
}

fn decide(settings: &str, shape: &str) -> (String, usize) {
    let image = image(shape);
    let mut policy: Labels = configure(settings).unwrap();
    testing::take_reads();
    let words = match policy.decide("team/app", &image).unwrap() {
        Decision::Keep => "keep".into(),
        Decision::Drop(why) => why,
        Decision::Missing(why) => format!("missing: {why}"),
        other => panic!("{other:?}"),
    };
    (words, testing::take_reads().len())
}

#[test]
fn decisions() {
    let gold = r#""tier=gold""#;
    let labels_only = r#"{"require":{"tier":"gold"},"in":["labels"]}"#;
    let fail = r#"{"require":{"tier":"gold"},"verdict":"fail"}"#;
    let either = r#"{"require":{"tier":["gold","silver"]}}"#;
    for (settings, shape, expected, reads) in [
        (gold, "gold", "keep", 1),
        (gold, "silver", "`tier` is `silver`; required is `gold`", 2),
        (gold, "bare", "it has no `tier`; required is `gold`", 2),
        (gold, "annotated", "keep", 2),
        (gold, "both", "keep", 2),
        (gold, "two", "keep", 2),
        (
            gold,
            "half",
            "`tier` is `tin`; required is `gold` (linux/arm64)",
            4,
        ),
        (gold, "index", "keep", 3),
        (gold, "empty", "it has no `tier`; required is `gold`", 1),
        (gold, "empty gold", "keep", 1),
        (gold, "chart", "it has no `tier`; required is `gold`", 1),
        (r#""team""#, "chart", "keep", 1),
        (
            labels_only,
            "annotated",
            "it has no `tier`; required is `gold`",
            1,
        ),
        (
            labels_only,
            "both",
            "`tier` is `silver`; required is `gold`",
            1,
        ),
        (
            fail,
            "bare",
            "missing: it has no `tier`; required is `gold`",
            2,
        ),
        (either, "silver", "keep", 1),
        (
            either,
            "bare",
            "it has no `tier`; required is `gold` or `silver`",
            2,
        ),
        (r#""team=s*""#, "gold", "keep", 1),
        (r#""team=s?arch""#, "gold", "keep", 1),
        (
            r#""team=?""#,
            "gold",
            "`team` is `search`; required is `?`",
            2,
        ),
        (
            r#""tier=gold, stage!=dev*""#,
            "dev",
            "`stage` is `dev-3`",
            1,
        ),
        (r#""tier==gold,!stage""#, "dev", "`stage` is `dev-3`", 1),
        (r#""stage!=test""#, "dev", "keep", 2),
        (r#""!stage""#, "gold", "keep", 2),
        (r#""!tier""#, "both", "`tier` is `silver`", 1),
        (r#""tier!=gold""#, "both", "`tier` is `gold`", 2),
    ] {
        let decided = decide(settings, shape);
        assert_eq!(decided, (expected.into(), reads), "{settings} {shape}");
    }
}

#[test]
fn wrong_settings_are_named() {
    for (settings, path) in [
        ("{}", ""),
        ("7", ""),
        (r#""=gold""#, ""),
        (r#""tier=gold,""#, ""),
        (r#"{"require":{"tier":7}}"#, "/require/tier"),
        (r#"{"require":{"a/b":[]}}"#, "/require/a~1b"),
        (r#"{"required":{"tier":"gold"}}"#, "/required"),
        (r#"{"require":{"tier":"gold"},"in":[]}"#, "/in"),
        (r#"{"require":{"tier":"gold"},"in":["config"]}"#, "/in/0"),
        (
            r#"{"require":{"tier":"gold"},"verdict":"warn"}"#,
            "/verdict",
        ),
    ] {
        let wrong = configure::<Labels>(settings).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}
