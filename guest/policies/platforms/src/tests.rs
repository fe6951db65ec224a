use std::collections::BTreeSet;

use regcarve_policy_kit::Platform;
use regcarve_policy_kit::policy::{Decision, Image, Policy, configure};
use regcarve_policy_kit::testing::{self, Node, index, layer};
use serde_json::{Value, json};

use super::Platforms;

/// An image for a platform, with a layer of its own.
fn built(platform: &str) -> Node {
    let (os, architecture) = platform.split_once('/').unwrap();
    testing::manifest_of(
        json!({"os": os, "architecture": architecture}),
        Value::Null,
        [layer(platform, 100)],
    )
}

fn child(platform: &str) -> Node {
    built(platform).on(platform)
}

fn attestation(of: &Node) -> Node {
    let statement = layer(&of.digest(), 10);
    let config = json!({"os": "unknown", "architecture": "unknown", "of": of.digest()});
    testing::manifest_of(config, Value::Null, [statement]).attests(of)
}

fn chart() -> Node {
    let config_type = "application/vnd.cncf.helm.config.v1+json";
    testing::artifact(
        config_type,
        json!({"name": "app"}),
        Value::Null,
        [layer("chart", 5)],
    )
}

/// Images, by name.
fn image(shape: &str) -> Image {
    let (amd64, arm64) = (child("linux/amd64"), child("linux/arm64"));
    let node = match shape {
        "two" => index([amd64, arm64]),
        "attested" => {
            let (first, second) = (attestation(&amd64), attestation(&arm64));
            index([amd64, arm64, first, second])
        }
        "nested" => index([
            index([amd64, child("windows/amd64")]),
            index([arm64]),
            child("linux/s390x"),
        ]),
        "single" => built("linux/amd64"),
        "chart" => chart(),
        "unnamed" => index([built("linux/amd64"), chart()]),
        "charts" => index([chart()]),
        "empty" => index([]),
        "doubled" => {
            let arm = built("linux/arm");
            index([
                amd64,
                arm.clone().on("linux/arm/v6"),
                arm.on("linux/arm/v7"),
            ])
        }
        "doubled below" => {
            let arm = built("linux/arm");
            let v6 = index([arm.clone().on("linux/arm/v6")]);
            index([v6, index([arm.on("linux/arm/v7"), amd64])])
        }
        "windows" => index([
            built("windows/amd64").on("windows(10.0.17763.1)/amd64"),
            testing::manifest(json!({"os": "windows"})).on("windows(10.0.20348.2)/amd64"),
        ]),
        other => panic!("no shape {other}"),
    };
    testing::take_reads();
    node.image("1")
}

fn settings(platforms: &[&str], mode: &str, missing: &str) -> String {
    json!({"platforms": platforms, "mode": mode, "missing": missing}).to_string()
}

fn decide(settings: &str, shape: &str) -> Decision {
    let mut policy: Platforms = configure(settings).unwrap();
    policy.decide("team/app", &image(shape)).unwrap()
}

/// A decision in a few words.
fn words(decision: &Decision) -> String {
    let name = |platform: &Platform| {
        let variant = platform.variant.iter().map(|variant| format!("/{variant}"));
        let names = [platform.os.as_str(), "/", &platform.architecture];
        names.concat() + &variant.collect::<String>()
    };
    match decision {
        Decision::Keep => "keep".into(),
        Decision::KeepPlatforms(platforms) => {
            let names: Vec<_> = platforms.iter().map(name).collect();
            format!("sparse {}", names.join(","))
        }
        Decision::Rewrite(new) => {
            format!("{} new, {} stay", new.manifests.len(), new.contents.len())
        }
        Decision::Drop(why) => format!("drop: {why}"),
        Decision::Missing(what) => format!("missing: {what}"),
        Decision::Rename(_) => "rename".into(),
    }
}

#[test]
fn sparse() {
    let (amd64, arm64, s390x) = (["linux/amd64"], ["linux/arm64"], ["linux/s390x"]);
    let both = ["linux/amd64", "linux/arm64"];
    let (v6, v7) = (["linux/arm/v6"], ["linux/arm/v7"]);
    let table: [(&[&str], &str, &str, &str, usize); 25] = [
        (&amd64, "fail", "two", "sparse linux/amd64", 0),
        (&both, "fail", "two", "sparse linux/amd64,linux/arm64", 0),
        (&arm64, "fail", "attested", "sparse linux/arm64", 0),
        (&s390x, "fail", "nested", "sparse linux/s390x", 0),
        (
            &["windows/amd64"],
            "fail",
            "nested",
            "sparse windows/amd64",
            0,
        ),
        (
            &["windows(10.0.17763)/amd64"],
            "fail",
            "windows",
            "sparse windows/amd64",
            0,
        ),
        (
            &["windows(10.0.14393)/amd64"],
            "fail",
            "windows",
            "missing: lacks windows(10.0.14393)/amd64; it has windows(10.0.17763.1)/amd64, windows(10.0.20348.2)/amd64",
            1,
        ),
        (
            &s390x,
            "fail",
            "two",
            "missing: lacks linux/s390x; it has linux/amd64, linux/arm64",
            1,
        ),
        (
            &s390x,
            "drop",
            "two",
            "drop: lacks linux/s390x; it has linux/amd64, linux/arm64",
            1,
        ),
        (
            &s390x,
            "keep",
            "two",
            "drop: lacks linux/s390x; it has linux/amd64, linux/arm64",
            1,
        ),
        (
            &["linux/amd64", "linux/s390x"],
            "keep",
            "two",
            "sparse linux/amd64,linux/s390x",
            1,
        ),
        (
            &["linux/amd64", "linux/s390x"],
            "drop",
            "two",
            "drop: lacks linux/s390x; it has linux/amd64, linux/arm64",
            1,
        ),
        (&amd64, "fail", "single", "keep", 1),
        (
            &arm64,
            "fail",
            "single",
            "missing: lacks linux/arm64; it has linux/amd64",
            1,
        ),
        (&amd64, "fail", "chart", "keep", 0),
        (&amd64, "fail", "unnamed", "sparse linux/amd64", 2),
        (&arm64, "fail", "charts", "keep", 1),
        (&arm64, "fail", "empty", "keep", 0),
        // The contract knows the manifest for one platform, and the index names it for the other too.
        (&v6, "fail", "doubled", "sparse linux/arm/v6", 0),
        (
            &v7,
            "fail",
            "doubled",
            "sparse linux/arm/v7,linux/arm/v6",
            1,
        ),
        (&["linux/arm"], "fail", "doubled", "sparse linux/arm", 0),
        (
            &["linux/arm/v6", "linux/arm/v7"],
            "fail",
            "doubled",
            "sparse linux/arm/v6,linux/arm/v7",
            1,
        ),
        (
            &["linux/arm/v7", "linux/s390x"],
            "keep",
            "doubled",
            "sparse linux/arm/v7,linux/s390x,linux/arm/v6",
            1,
        ),
        (
            &["linux/arm/v8"],
            "fail",
            "doubled",
            "missing: lacks linux/arm/v8; it has linux/amd64, linux/arm/v6, linux/arm/v7",
            1,
        ),
        (
            &v7,
            "drop",
            "doubled below",
            "sparse linux/arm/v7,linux/arm/v6",
            3,
        ),
    ];
    for (platforms, missing, shape, expected, reads) in table {
        let decision = decide(&settings(platforms, "sparse", missing), shape);
        assert_eq!(
            words(&decision),
            expected,
            "{platforms:?} {missing} {shape}"
        );
        assert_eq!(testing::take_reads().len(), reads, "{platforms:?} {shape}");
    }
}

/// The platforms that are left of an index, with what it says of each child, nested ones in brackets.
fn left(new: &[(String, Vec<u8>)], digest: &str) -> String {
    let Some((_, bytes)) = new.iter().find(|(known, _)| known == digest) else {
        return "?".into();
    };
    let value: Value = serde_json::from_slice(bytes).unwrap();
    let children = value["manifests"].as_array().unwrap().iter().map(|child| {
        let digest = child["digest"].as_str().unwrap();
        match &child["platform"] {
            Value::Null => format!("[{}]", left(new, digest)),
            platform => ["os", "architecture", "variant"]
                .iter()
                .filter_map(|key| platform[*key].as_str())
                .collect::<Vec<_>>()
                .join("/"),
        }
    });
    children.collect::<Vec<_>>().join(" ")
}

#[test]
fn strip() {
    let table: [(&[&str], &str, &str); 11] = [
        (&["linux/amd64"], "two", "linux/amd64"),
        (&["linux/arm64"], "attested", "linux/arm64 unknown/unknown"),
        (&["linux/amd64"], "nested", "[linux/amd64]"),
        (&["linux/arm64", "linux/s390x"], "nested", "[?] linux/s390x"),
        (&["linux/amd64", "linux/arm64"], "two", "keep"),
        (&["linux/amd64"], "single", "keep"),
        (&["linux/amd64"], "chart", "keep"),
        (&["linux/arm/v7"], "doubled", "linux/arm/v7"),
        (&["linux/arm/v6"], "doubled", "linux/arm/v6"),
        (
            &["linux/arm/v7", "linux/amd64"],
            "doubled",
            "linux/amd64 linux/arm/v7",
        ),
        (&["linux/arm/v7"], "doubled below", "[linux/arm/v7]"),
    ];
    for (platforms, shape, expected) in table {
        let decision = decide(&settings(platforms, "strip", "fail"), shape);
        let Decision::Rewrite(new) = decision else {
            assert_eq!(words(&decision), expected, "{platforms:?} {shape}");
            continue;
        };
        let manifests: Vec<_> = new
            .manifests
            .into_iter()
            .map(|one| (testing::digest(&one.bytes), one.bytes))
            .collect();
        let (top, _) = manifests.last().unwrap();
        assert_eq!(left(&manifests, top), expected, "{platforms:?} {shape}");
        // Whatever the new indexes name travels.
        let known: BTreeSet<_> = new
            .contents
            .iter()
            .chain(manifests.iter().map(|(digest, _)| digest))
            .collect();
        for (_, bytes) in &manifests {
            let value: Value = serde_json::from_slice(bytes).unwrap();
            for child in value["manifests"].as_array().unwrap() {
                assert!(
                    known.contains(&child["digest"].as_str().unwrap().to_owned()),
                    "{shape}: {child}"
                );
            }
        }
    }
}

#[test]
fn contents_of_a_stripped_image() {
    let (amd64, arm64) = (child("linux/amd64"), child("linux/arm64"));
    let attestation = attestation(&amd64);
    let named = [&amd64, &attestation].map(Node::digest);
    let image = index([amd64, arm64, attestation]).image("1");
    let mut policy: Platforms = configure(&settings(&["linux/amd64"], "strip", "fail")).unwrap();
    let Decision::Rewrite(new) = policy.decide("team/app", &image).unwrap() else {
        panic!("nothing was stripped");
    };
    assert_eq!(new.manifests.len(), 1);
    assert_eq!(new.manifests[0].instead_of, image.digest);
    assert_eq!(new.manifests[0].media_type, image.media_type);
    // Two manifests, each with a config and a layer.
    assert_eq!(new.contents.len(), 6);
    assert!(named.iter().all(|digest| new.contents.contains(digest)));
}

#[test]
fn short_forms() {
    for short in [
        r#""linux/amd64, linux/arm64""#,
        r#"["linux/amd64","linux/arm64"]"#,
    ] {
        let policy: Platforms = configure(short).unwrap();
        let names: Vec<_> = policy.wanted.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["linux/amd64", "linux/arm64"], "{short}");
    }
}

#[test]
fn wrong_settings_are_named() {
    for (settings, path) in [
        ("{}", ""),
        ("7", ""),
        (r#"{"platforms":[]}"#, "/platforms"),
        (r#"{"platforms":["linux/amd64","linux"]}"#, "/platforms/1"),
        (r#""linux/amd64,""#, "/platforms/1"),
        (r#"{"platforms":["linux/amd64"],"mode":"thin"}"#, "/mode"),
        (r#"{"platforms":["linux/amd64"],"modes":"strip"}"#, "/modes"),
    ] {
        let wrong = configure::<Platforms>(settings).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}
