use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};
use regcarve_policy_kit::testing::{self, layer};
use serde_json::{Value, json};

use super::MaxSize;

/// An image with a shared base layer of 1 MB and a layer of its own.
fn image(tag: &str, own: u64) -> Image {
    let config = json!({"os": "linux", "for": tag});
    testing::manifest_of(
        config,
        Value::Null,
        [layer("base", 1_000_000), layer(tag, own)],
    )
    .image(tag)
}

/// Tags that stay of two repositories.
fn staying(policy: &mut MaxSize) -> String {
    let repositories = [
        vec![
            image("1.10", 2_000_000),
            image("1.2", 2_000_000),
            image("1.9", 2_000_000),
            image("latest", 100_000),
        ],
        vec![
            image("v1", 3_000_000),
            Image {
                tag: Some("same".into()),
                ..image("1.9", 2_000_000)
            },
        ],
    ];
    let mut tags = Vec::new();
    for (number, images) in repositories.iter().enumerate() {
        let decisions = policy
            .decide_all(&format!("team/{number}"), images)
            .unwrap();
        for (image, decision) in images.iter().zip(decisions) {
            if matches!(decision, Decision::Keep) {
                tags.push(image.tag());
            }
        }
    }
    tags.join(" ")
}

#[test]
fn decisions() {
    // Manifests and configs add some hundred bytes to each image.
    for (budget, expected) in [
        ("0", ""),
        ("1 MB", ""),
        (r#""1.2MB""#, "latest"),
        ("3100000", "1.10"),
        (r#""3.2 MB""#, "1.10 latest"),
        (r#""5.2 MB""#, "1.10 1.9 latest same"),
        (r#""7.2MB""#, "1.10 1.2 1.9 latest same"),
        (r#""10.2MB""#, "1.10 1.2 1.9 latest v1 same"),
        (r#""1GiB""#, "1.10 1.2 1.9 latest v1 same"),
    ] {
        let settings = if budget == "1 MB" {
            r#""1 MB""#
        } else {
            budget
        };
        testing::take_reads();
        let mut policy: MaxSize = configure(settings).unwrap();
        assert_eq!(staying(&mut policy), expected, "{budget}");
        assert_eq!(testing::take_reads(), [""; 0], "{budget} reads");
    }
}

#[test]
fn reasons() {
    let images = [image("1", 2_000_000)];
    for (settings, missing) in [
        (r#"{"budget":"2.5MB"}"#, false),
        (r#"{"budget":"2.5MB","verdict":"fail"}"#, true),
    ] {
        let mut policy: MaxSize = configure(settings).unwrap();
        let expected = "it adds 3.0 MB, and of 2.5 MB only 2.5 MB are left";
        let decision = &policy.decide_all("team/app", &images).unwrap()[0];
        let expected = match missing {
            true => Decision::Missing(expected.into()),
            false => Decision::Drop(expected.into()),
        };
        assert_eq!(*decision, expected, "{settings}");
    }
}

#[test]
fn wrong_settings_are_named() {
    for (settings, path) in [
        ("{}", ""),
        (r#""much""#, "/budget"),
        (r#""8 parsecs""#, "/budget"),
        ("-1", "/budget"),
        ("[1]", "/budget"),
        (r#"{"budget":1,"over":"fail"}"#, "/over"),
        (r#"{"budget":1,"verdict":"warn"}"#, "/verdict"),
    ] {
        let wrong = configure::<MaxSize>(settings).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}
