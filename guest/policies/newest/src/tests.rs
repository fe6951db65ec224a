use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};
use regcarve_policy_kit::testing;
use serde_json::json;

use super::Newest;

/// An image with a digest of its own.
fn tagged(tag: &str) -> Image {
    testing::manifest(json!({"os": "linux", "for": tag})).image(tag)
}

/// Those tags that stay, in order.
fn staying(settings: &str, images: &[Image]) -> String {
    let mut policy: Newest = configure(settings).unwrap();
    let decisions = policy.decide_all("team/app", images).unwrap();
    assert_eq!(decisions.len(), images.len());
    let staying = images
        .iter()
        .zip(decisions)
        .filter_map(|(image, decision)| matches!(decision, Decision::Keep).then_some(image.tag()));
    staying.collect::<Vec<_>>().join(" ")
}

#[test]
fn by_version() {
    let all = "1.10.0 1.2.0 1.9.0 2.0.0-rc.1 latest v1.10 v1.9.1";
    let variants = "1.26 1.26-alpine 1.27 1.27-alpine 1.27-alpine-slim 1.27-rc.1";
    for (settings, tags, expected) in [
        ("1", all, "1.10.0 v1.10"),
        ("2", all, "1.10.0 v1.10 v1.9.1"),
        ("3", all, "1.10.0 1.9.0 v1.10 v1.9.1"),
        ("9", all, "1.10.0 1.2.0 1.9.0 v1.10 v1.9.1"),
        (r#"{"count":1,"prereleases":true}"#, all, "2.0.0-rc.1"),
        (r#"{"count":1,"others":"keep"}"#, all, "1.10.0 latest v1.10"),
        ("1", "latest main", ""),
        (
            r#"{"count":1,"others":"keep"}"#,
            "latest main",
            "latest main",
        ),
        ("1", variants, "1.27"),
        (
            r#"{"count":1,"variants":["alpine"]}"#,
            variants,
            "1.27 1.27-alpine",
        ),
        (
            r#"{"count":1,"variants":["alpine","-alpine-slim"]}"#,
            variants,
            "1.27 1.27-alpine 1.27-alpine-slim",
        ),
        (
            r#"{"count":2,"variants":["alpine"],"prereleases":true}"#,
            variants,
            // `1.27-alpine-slim` and `1.27-rc.1` are pre-releases of 1.27 without variant.
            "1.26-alpine 1.27 1.27-alpine 1.27-rc.1",
        ),
        ("1", "", ""),
    ] {
        let images: Vec<_> = tags.split_whitespace().map(tagged).collect();
        testing::take_reads();
        assert_eq!(staying(settings, &images), expected, "{settings} {tags}");
        assert_eq!(testing::take_reads(), [""; 0], "{settings} reads");
    }
}

#[test]
fn tags_of_the_same_image() {
    let same = |tag: &str, version: &str| Image {
        tag: Some(tag.into()),
        ..tagged(version)
    };
    let images = [
        tagged("1.0"),
        tagged("1.1"),
        same("latest", "1.1"),
        same("old", "1.0"),
    ];
    let settings = r#"{"count":1,"others":"same"}"#;
    assert_eq!(staying(settings, &images), "1.1 latest");
}

#[test]
fn reasons() {
    let images = ["1.0", "1.1", "1.2-rc1", "1.2", "latest"].map(tagged);
    let untagged = testing::manifest(json!({})).untagged();
    let images: Vec<_> = [untagged].into_iter().chain(images).collect();
    let mut policy: Newest = configure("1").unwrap();
    let decisions = policy.decide_all("team/app", &images).unwrap();
    let drop = |why: &str| Decision::Drop(why.into());
    let expected = [
        drop("it has no tag"),
        drop("not the newest version, which is 1.2"),
        drop("not the newest version, which is 1.2"),
        drop("`1.2-rc1` is a pre-release"),
        Decision::Keep,
        drop("`latest` is not a version"),
    ];
    assert_eq!(decisions, expected);
}

/// An image made at that time.
fn made(tag: &str, created: &str) -> Image {
    testing::manifest(json!({"os": "linux", "for": tag, "created": created})).image(tag)
}

#[test]
fn by_creation() {
    let images = [
        made("1", "2024-05-01T12:00:00Z"),
        made("2", "2024-05-01T13:30:00+02:00"),
        made("3", "2023-01-01T00:00:00.5Z"),
        made("4", "1970-01-01T00:00:00Z"),
        Image {
            tag: Some("5".into()),
            ..made("1", "2024-05-01T12:00:00Z")
        },
    ];
    for (count, expected, reads) in [
        (1, "1 5", true),
        (2, "1 2 5", true),
        (3, "1 2 3 5", true),
        // There is nothing to choose from.
        (4, "1 2 3 4 5", false),
        (9, "1 2 3 4 5", false),
    ] {
        testing::take_reads();
        let settings = json!({"count": count, "by": "created"}).to_string();
        assert_eq!(staying(&settings, &images), expected, "{count}");
        assert_eq!(!testing::take_reads().is_empty(), reads, "{count}");
    }
}

#[test]
fn wrong_settings_are_named() {
    for (settings, path) in [
        ("{}", ""),
        ("0", "/count"),
        ("-1", "/count"),
        ("1.5", "/count"),
        (r#""three""#, ""),
        (r#"{"count":1,"by":"name"}"#, "/by"),
        (r#"{"count":1,"counts":2}"#, "/counts"),
        (r#"{"count":1,"variants":["alpine","-"]}"#, "/variants/1"),
        (r#"{"count":1,"by":"created","others":"keep"}"#, "/others"),
        (
            r#"{"count":1,"by":"created","prereleases":false}"#,
            "/prereleases",
        ),
    ] {
        let wrong = configure::<Newest>(settings).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}
