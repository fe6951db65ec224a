use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};
use regcarve_policy_kit::testing::{self, index};
use serde_json::{Value, json};

use super::Age;

fn made(tag: &str, created: Option<&str>) -> Image {
    let config = json!({"os": "linux", "for": tag, "created": created});
    testing::manifest(config).image(tag)
}

/// Four images, and one that does not say when it was made.
fn images() -> Vec<Image> {
    let january = testing::manifest(json!({"os": "linux", "created": "2026-01-01T00:00:00Z"}));
    let march = testing::manifest(json!({"os": "linux", "created": "2026-03-01T01:00:00+01:00"}));
    vec![
        made("2024", Some("2024-02-29T12:00:00Z")),
        made("2025", Some("2025-12-31T23:59:59.999Z")),
        january.clone().image("january"),
        index([january.on("linux/amd64"), march.on("linux/arm64")]).image("march"),
        made("undated", None),
    ]
}

/// Those tags that stay.
fn staying(settings: &str) -> String {
    let images = images();
    let mut policy: Age = configure(settings).unwrap();
    let decisions = policy.decide_all("team/app", &images).unwrap();
    let staying = images
        .iter()
        .zip(decisions)
        .filter_map(|(image, decision)| matches!(decision, Decision::Keep).then_some(image.tag()));
    staying.collect::<Vec<_>>().join(" ")
}

#[test]
fn decisions() {
    for (settings, expected) in [
        (r#""2026-01-01""#, "january march"),
        (r#""2026-01-01..""#, "january march"),
        (r#""..2026-01-01""#, "2024 2025"),
        (r#""2025-01-01 .. 2026-03-01""#, "2025 january"),
        (r#""2026-01-01T00:00:00+01:00""#, "2025 january march"),
        (
            r#"{"newer_than":"2026-01-01","keep_undated":true}"#,
            "january march undated",
        ),
        (
            r#"{"newer_than":"89d","now":"2026-03-31"}"#,
            "january march",
        ),
        (r#"{"newer_than":"88d","now":"2026-03-31"}"#, "march"),
        (
            r#"{"newer_than":"2y","now":"2026-02-28T12:00:00Z"}"#,
            "2024 2025 january march",
        ),
        (
            r#"{"newer_than":"2 months","now":"newest"}"#,
            "january march",
        ),
        (r#"{"newer_than":"P1M","now":"newest"}"#, "march"),
        (r#"{"newer_than":"0s","now":"newest"}"#, "march"),
        (r#"{"older_than":"7d","now":"newest"}"#, "2024 2025 january"),
        (
            r#"{"newer_than":"2025-01-01","older_than":"7d","now":"newest"}"#,
            "2025 january",
        ),
    ] {
        assert_eq!(staying(settings), expected, "{settings}");
    }
}

#[test]
fn reasons() {
    let settings = r#"{"newer_than":"2026-01-01","older_than":"2026-02-01","verdict":"fail"}"#;
    let mut policy: Age = configure(settings).unwrap();
    let decisions = policy.decide_all("team/app", &images()).unwrap();
    let missing = |why: &str| Decision::Missing(why.into());
    let expected = [
        missing("made 2024-02-29T12:00:00Z, which is before 2026-01-01T00:00:00Z"),
        missing("made 2025-12-31T23:59:59.999Z, which is before 2026-01-01T00:00:00Z"),
        Decision::Keep,
        missing("made 2026-03-01T00:00:00Z, which is not before 2026-02-01T00:00:00Z"),
        missing("nothing in it says when it was made"),
    ];
    assert_eq!(decisions, expected);
}

#[test]
fn nothing_to_count_back_from() {
    let mut policy: Age = configure(r#"{"newer_than":"1d","now":"newest"}"#).unwrap();
    let decisions = policy.decide_all("team/app", &[made("1", None)]).unwrap();
    assert!(matches!(decisions[0], Decision::Drop(_)), "{decisions:?}");
}

#[test]
fn wrong_settings_are_named() {
    let table: [(Value, &str); 12] = [
        (json!({}), ""),
        (json!(7), ""),
        (json!(".."), ""),
        (json!("90d"), "/now"),
        (json!("yesterday"), "/newer_than"),
        (json!("2026-13-01"), "/newer_than"),
        (json!("2026-01-01T12:00:00"), "/newer_than"),
        (
            json!({"older_than": "90d ago", "now": "newest"}),
            "/older_than",
        ),
        (json!({"older_than": "90d", "now": "today"}), "/now"),
        (json!({"older_than": "2026-01-01", "now": "newest"}), "/now"),
        (
            json!({"older_than": "2026-01-01", "undated": "keep"}),
            "/undated",
        ),
        (json!({"older_than": 90}), "/older_than"),
    ];
    for (settings, path) in table {
        let wrong = configure::<Age>(&settings.to_string()).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}
