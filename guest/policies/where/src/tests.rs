use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};
use regcarve_policy_kit::testing::{self, Node, index, index_of, layer};
use serde_json::{Value, json};

use super::Where;

mod parsers;
mod refused;

/// A part with labels, made in March.
fn part(labels: Value) -> Node {
    testing::manifest(json!({
        "os": "linux",
        "architecture": "amd64",
        "created": "2026-03-01T12:00:00Z",
        "config": {"Labels": labels},
    }))
}

/// Images by name.
fn image(shape: &str) -> Image {
    let gold = || part(json!({"tier": "gold", "build": "12", "org.example.team": "search"}));
    let node = match shape {
        "gold" => gold(),
        "silver" => part(json!({"tier": "silver"})),
        "bare" => part(Value::Null),
        "old" => testing::manifest(json!({"os": "linux", "created": "1970-01-01T00:00:00Z"})),
        "two" => index([
            gold().on("linux/amd64"),
            part(json!({"tier": "gold"})).on("linux/arm64"),
        ]),
        "half" => index([
            gold().on("linux/amd64"),
            part(json!({"tier": "tin"})).on("linux/arm64"),
        ]),
        "annotated" => index_of(
            json!({"team": "index", "above": "yes"}),
            [testing::manifest_of(
                json!({"os": "linux", "architecture": "s390x"}),
                json!({"team": "manifest"}),
                [layer("base", 1_000_000)],
            )
            .on("linux/s390x")],
        ),
        "empty" => index([]),
        "untagged" => return gold().untagged(),
        other => panic!("no image {other}"),
    };
    node.image("1.27.1-rc2")
}

fn decide(expression: &str, shape: &str) -> (String, usize) {
    let image = image(shape);
    let mut policy: Where = configure(&json!(expression).to_string())
        .unwrap_or_else(|wrong| panic!("{expression}: {wrong:?}"));
    testing::take_reads();
    let words = match policy.decide("library/nginx", &image).unwrap() {
        Decision::Keep => "keep".into(),
        Decision::Drop(why) => why.replace(&format!("`{expression}` "), ""),
        other => panic!("{other:?}"),
    };
    (words, testing::take_reads().len())
}

#[test]
fn decisions() {
    let gold = r#"image.labels.tier == "gold""#;
    let is_silver = r#"is false; image.labels.tier is "silver""#;
    let no_tier = r#"is false; image.labels.tier is """#;
    for (expression, shape, expected, reads) in [
        ("true", "gold", "keep", 0),
        ("false", "gold", "is false", 0),
        (gold, "gold", "keep", 1),
        (gold, "silver", is_silver, 1),
        (gold, "bare", no_tier, 1),
        (gold, "two", "keep", 2),
        (
            gold,
            "half",
            r#"is false; image.labels.tier is "tin" (linux/arm64)"#,
            2,
        ),
        (gold, "empty", no_tier, 0),
        (r#"image.labels["tier"] == "gold""#, "gold", "keep", 1),
        (
            r#"image.labels["org.example.team"] == "search""#,
            "gold",
            "keep",
            1,
        ),
        (r#"image.labels.tier != "dev""#, "bare", "keep", 1),
        (
            r#"!has(image.labels.tier) || image.labels.tier == "gold""#,
            "bare",
            "keep",
            1,
        ),
        ("has(image.labels.tier)", "bare", r#"is false"#, 1),
        ("has(image.labels.tier)", "silver", "keep", 1),
        (r#""tier" in image.labels"#, "silver", "keep", 1),
        ("image.labels.size() == 3", "gold", "keep", 1),
        (
            r#"image.labels.exists(key, key.startsWith("org."))"#,
            "gold",
            "keep",
            1,
        ),
        (
            r#"image.labels.all(key, image.labels[key] != "tin")"#,
            "half",
            "is false (linux/arm64)",
            2,
        ),
        // Only what the expression comes to is read.
        (
            r#"image.tag == "2" && image.labels.tier == "gold""#,
            "gold",
            "is false",
            0,
        ),
        (
            r#"image.tag.startsWith("1.27") || image.labels.tier == "gold""#,
            "silver",
            "keep",
            0,
        ),
        (r#"image.repository == "library/nginx""#, "gold", "keep", 0),
        (r#"image.digest.startsWith("sha256:")"#, "gold", "keep", 0),
        (r#"image.media_type.contains("index")"#, "two", "keep", 0),
        ("image.size < 1000 * 1000", "gold", "keep", 0),
        ("image.size <= 0", "empty", "is false; image.size is 88", 0),
        (
            r#"image.tag.matches("-(rc|beta)[0-9]+$")"#,
            "gold",
            "keep",
            0,
        ),
        (r#"matches(image.tag, "^2")"#, "gold", "is false", 0),
        (
            r#"version(image.tag) < version("1.27.1")"#,
            "gold",
            "keep",
            0,
        ),
        (
            r#"version(image.tag) >= version("v1.27")"#,
            "gold",
            "keep",
            0,
        ),
        (
            r#"version(image.tag) > version("1.2")"#,
            "untagged",
            "fails: `` is not a version",
            0,
        ),
        (r#"image.tag == """#, "untagged", "keep", 0),
        ("has(image.tag)", "untagged", "is false", 0),
        // An index names its platforms; an image has its own in its config.
        (r#""linux/arm64" in image.platforms"#, "two", "keep", 0),
        (r#""linux/amd64" in image.platforms"#, "gold", "keep", 1),
        (
            r#"image.platforms.all(name, name.startsWith("linux/"))"#,
            "two",
            "keep",
            0,
        ),
        ("size(image.platforms) == 2", "two", "keep", 0),
        (
            r#"image.created >= timestamp("2026-03-01")"#,
            "gold",
            "keep",
            1,
        ),
        (
            r#"image.created > timestamp("2026-03-01T12:00:00Z")"#,
            "gold",
            "is false; image.created is 2026-03-01T12:00:00Z",
            1,
        ),
        // Its config says 1970, so its manifest is asked, too.
        (
            r#"image.created > timestamp("2020-01-01")"#,
            "old",
            "is false; image.created is 1970-01-01T00:00:00Z",
            2,
        ),
        ("has(image.created)", "old", "is false", 2),
        (
            r#"has(image.created) && image.labels.tier == "gold""#,
            "gold",
            "keep",
            1,
        ),
        (
            r#"image.annotations.team == "manifest" && image.annotations.above == "yes""#,
            "annotated",
            "keep",
            2,
        ),
        (r#"int(image.labels.build) > 3"#, "gold", "keep", 1),
        (
            "image.labels.tier == \"gold\"\n&& image.size > 1 // a comment",
            "gold",
            "keep",
            1,
        ),
    ] {
        let (words, read) = decide(expression, shape);
        assert_eq!(
            (words.as_str(), read),
            (expected, reads),
            "{expression} {shape}"
        );
    }
    let (words, _) = decide("int(image.labels.build) > 3", "bare");
    assert!(words.starts_with("fails: "), "{words}");
}

#[test]
fn verdicts() {
    let settings = json!({"expression": " image.size == 0 ", "verdict": "fail"});
    let mut policy: Where = configure(&settings.to_string()).unwrap();
    let image = image("empty");
    let expected = format!("`image.size == 0` is false; image.size is {}", image.size);
    let decision = policy.decide("team/app", &image);
    assert_eq!(decision, Ok(Decision::Missing(expected)));
}

#[test]
fn a_read_error_ends_the_run() {
    let mut policy: Where = configure(r#""image.labels.a == \"b\" || true""#).unwrap();
    // Unknown.
    let image = Image {
        digest: testing::digest(b"not there"),
        ..image("gold")
    };
    let error = policy.decide("team/app", &image).unwrap_err();
    assert!(error.contains("is none of the images"), "{error}");
}
