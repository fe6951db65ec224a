//! Each shipped policy: the images that it drops, and its reasons.

use regcarve_test_support::fixture::Fixture;

use super::images::{dropped, nine_images, own_layer, plan};

/// Plans with one policy; answers what stays and what was dropped.
fn decide(fixture: &Fixture, policy: &str) -> (String, Vec<String>) {
    let outcome = plan(fixture, &[policy], &[]);
    outcome.assert_code(0);
    (
        outcome.listed("images", "reference").join(" "),
        dropped(&outcome),
    )
}

#[test]
fn newest_drops_what_it_says() {
    let fixture = nine_images();
    let nginx = "library/nginx:";
    let (staying, gone) = decide(&fixture, "newest=1");
    assert_eq!(
        staying,
        "charts/app:0.1.0 library/nginx:1.27.1 team/app:v1 team/tool:v2"
    );
    assert_eq!(
        gone,
        [
            format!("{nginx}1.26.2: not the newest version, which is 1.27.1"),
            format!("{nginx}1.27.1-alpine: `1.27.1-alpine` is a pre-release"),
            format!("{nginx}1.28.0-rc.1: `1.28.0-rc.1` is a pre-release"),
            format!("{nginx}1.9.0: not the newest version, which is 1.27.1"),
            format!("{nginx}latest: `latest` is not a version"),
        ]
    );
    for (settings, expected) in [
        (r#"{"count":2}"#, "1.26.2 1.27.1"),
        (r#"{"count":1,"prereleases":true}"#, "1.28.0-rc.1"),
        (
            r#"{"count":1,"variants":["alpine"],"others":"same"}"#,
            "1.27.1 1.27.1-alpine latest",
        ),
        (r#"{"count":2,"by":"created"}"#, "1.27.1-alpine 1.28.0-rc.1"),
        // One image with two tags.
        (
            r#"{"count":3,"by":"created"}"#,
            "1.27.1 1.27.1-alpine 1.28.0-rc.1 latest",
        ),
    ] {
        let (staying, _) = decide(&fixture, &format!("newest={settings}"));
        let tags: Vec<_> = staying
            .split(' ')
            .filter_map(|name| name.strip_prefix(nginx))
            .collect();
        assert_eq!(tags.join(" "), expected, "{settings}");
    }
}

#[test]
fn labels_drops_what_it_says() {
    let fixture = nine_images();
    let (_, gone) = decide(&fixture, "labels=tier=gold,stage!=dev");
    assert_eq!(
        gone,
        [
            "library/nginx:1.27.1-alpine: `tier` is `silver`; required is `gold`",
            "library/nginx:1.28.0-rc.1: `stage` is `dev`",
            "team/app:v1: `tier` is `tin`; required is `gold` (linux/arm64)",
            "team/tool:v2: it has no `tier`; required is `gold`",
        ]
    );
    // Of an image that has been narrowed down, only what travels is looked at.
    let outcome = plan(&fixture, &["platforms=linux/amd64", "labels=tier=g*"], &[]);
    assert!(
        !outcome
            .listed("dropped", "reference")
            .contains(&"team/app:v1".into())
    );
    // Without annotations, nothing is known of a chart.
    let (_, gone) = decide(
        &fixture,
        r#"labels={"require":{"tier":"*"},"in":["labels"]}"#,
    );
    assert_eq!(
        gone,
        [
            "charts/app:0.1.0: it has no `tier`; required is `*`",
            "team/tool:v2: it has no `tier`; required is `*`",
        ]
    );
}

#[test]
fn age_drops_what_it_says() {
    let fixture = nine_images();
    let (_, gone) = decide(&fixture, "age=2025-01-01..2026-03-01");
    assert_eq!(
        gone,
        [
            "library/nginx:1.28.0-rc.1: made 2026-03-01T00:00:00Z, which is not before 2026-03-01T00:00:00Z",
            "library/nginx:1.9.0: made 2024-01-01T00:00:00Z, which is before 2025-01-01T00:00:00Z",
            "team/tool:v2: nothing in it says when it was made",
        ]
    );
    let settings = r#"age={"newer_than":"30d","now":"newest","keep_undated":true}"#;
    let (staying, _) = decide(&fixture, settings);
    assert_eq!(
        staying,
        "charts/app:0.1.0 library/nginx:1.27.1 library/nginx:1.27.1-alpine library/nginx:1.28.0-rc.1 library/nginx:latest team/app:v1 team/tool:v2"
    );
}

#[test]
fn max_size_drops_what_it_says() {
    let fixture = nine_images();
    // The shared layer is 400 kB, and each image adds 100 kB and some hundred bytes.
    let (staying, gone) = decide(&fixture, "max-size=710kB");
    assert_eq!(
        staying,
        "charts/app:0.1.0 library/nginx:1.27.1 library/nginx:1.28.0-rc.1 library/nginx:latest"
    );
    assert_eq!(gone.len(), 5, "{gone:?}");
    let first = "library/nginx:1.26.2: it adds 100.7 kB, and of 710.0 kB only ";
    assert!(gone[0].starts_with(first), "{gone:?}");
    // What earlier policies dropped does not count.
    let outcome = plan(
        &fixture,
        &[r#"match={"allow":["team/*"]}"#, "max-size=710kB"],
        &[],
    );
    let staying = outcome.listed("images", "reference").join(" ");
    assert_eq!(staying, "team/app:v1 team/tool:v2");
}

#[test]
fn deny_digest_drops_what_it_says() {
    let fixture = nine_images();
    let (base, arm64) = (own_layer("1.9.0"), own_layer("arm64"));
    let settings =
        serde_json::json!({"digests": {base.as_str(): "CVE-2026-1", arm64.as_str(): ""}});
    let (_, gone) = decide(&fixture, &format!("deny-digest={settings}"));
    assert_eq!(
        gone,
        [
            format!("library/nginx:1.9.0: its layer {base} is denied: CVE-2026-1"),
            format!("team/app:v1: its layer {arm64} is denied"),
        ]
    );
    // What stays behind is not denied.
    let denied = format!("deny-digest={arm64}");
    let outcome = plan(&fixture, &["platforms=linux/amd64", &denied], &[]);
    assert_eq!(outcome.listed("dropped", "reference"), [""; 0]);
}

#[test]
fn where_drops_what_its_expression_turns_down() {
    let fixture = nine_images();
    let (_, gone) = decide(&fixture, r#"where=image.labels.tier == "gold""#);
    let says = |tier: &str| {
        format!("`image.labels.tier == \"gold\"` is false; image.labels.tier is {tier:?}")
    };
    assert_eq!(
        gone,
        [
            format!("charts/app:0.1.0: {}", says("")),
            format!("library/nginx:1.27.1-alpine: {}", says("silver")),
            format!("team/app:v1: {} (linux/arm64)", says("tin")),
            format!("team/tool:v2: {}", says("")),
        ]
    );
    for (expression, expected) in [
        (
            r#"image.repository.startsWith("team/")"#,
            "team/app:v1 team/tool:v2",
        ),
        (
            r#"version(image.tag) >= version("1.27") && !image.tag.contains("-")"#,
            "library/nginx:1.27.1 team/tool:v2",
        ),
        (r#""linux/arm64" in image.platforms"#, "team/app:v1"),
        (r#"size(image.platforms) == 0"#, "charts/app:0.1.0"),
        (r#"image.annotations.tier == "gold""#, "charts/app:0.1.0"),
        (
            r#"image.created >= timestamp("2026-02-02")"#,
            "library/nginx:1.27.1-alpine library/nginx:1.28.0-rc.1",
        ),
        (r#"!has(image.created)"#, "team/tool:v2"),
        ("image.size < 300 * 1000", "charts/app:0.1.0 team/app:v1"),
        (
            r#"image.tag.matches("^v[0-9]+$")"#,
            "team/app:v1 team/tool:v2",
        ),
        (
            "true",
            "charts/app:0.1.0 library/nginx:1.26.2 library/nginx:1.27.1 library/nginx:1.27.1-alpine library/nginx:1.28.0-rc.1 library/nginx:1.9.0 library/nginx:latest team/app:v1 team/tool:v2",
        ),
    ] {
        let (staying, _) = decide(&fixture, &format!("where={expression}"));
        assert_eq!(staying, expected, "{expression}");
    }
}

#[test]
fn verdict_fail_makes_an_image_missing() {
    let fixture = nine_images();
    let denied = own_layer("1.9.0");
    for (policy, count) in [
        (
            r#"labels={"require":{"tier":"*"},"verdict":"fail"}"#.to_owned(),
            1,
        ),
        (
            r#"age={"newer_than":"2025-01-01","verdict":"fail"}"#.to_owned(),
            2,
        ),
        (
            r#"max-size={"budget":"1.25MB","verdict":"fail"}"#.to_owned(),
            1,
        ),
        (
            format!(r#"deny-digest={{"digests":{{"{denied}":""}},"verdict":"fail"}}"#),
            1,
        ),
        (
            r#"where={"expression":"image.tag != \"latest\"","verdict":"fail"}"#.to_owned(),
            1,
        ),
    ] {
        let outcome = plan(&fixture, &[&policy], &[]);
        let name = policy.split('=').next().unwrap();
        outcome.assert_code(3);
        let causes = outcome.listed("missing", "cause");
        assert_eq!(causes.len(), count, "{policy}\n{}", outcome.everything());
        assert!(
            causes[0].starts_with(&format!("policy `{name}`: ")),
            "{causes:?}"
        );
        assert_eq!(outcome.listed("dropped", "reference"), [""; 0]);
    }
}
