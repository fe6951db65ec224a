use regcarve_policy_kit::policy::{Decision, Policy, configure};
use regcarve_policy_kit::testing::{self, Node, index, layer};
use serde_json::{Value, json};

use super::DenyDigest;

fn built(platform: &str) -> Node {
    let layers = [layer("base", 10), layer(platform, 20)];
    testing::manifest_of(json!({"for": platform}), Value::Null, layers).on(platform)
}

#[test]
fn everything_in_an_image_is_matched() {
    let (amd64, arm64) = (built("linux/amd64"), built("linux/arm64"));
    let config = testing::digest(json!({"for": "linux/arm64"}).to_string().as_bytes());
    let whole = index([amd64, arm64.clone()]);
    let other = testing::digest(b"something else");
    for (digest, kind) in [
        (whole.digest(), Some("index")),
        (arm64.digest(), Some("manifest")),
        (config, Some("config")),
        (layer("linux/arm64", 20).digest(), Some("layer")),
        (layer("base", 10).digest(), Some("layer")),
        (other, None),
    ] {
        let settings = json!({"digests": {&digest: "CVE-1"}, "verdict": "fail"}).to_string();
        let mut policy: DenyDigest = configure(&settings).unwrap();
        let image = whole.clone().image("1");
        testing::take_reads();
        let expected = kind.map_or(Decision::Keep, |kind| {
            Decision::Missing(format!("its {kind} {digest} is denied: CVE-1"))
        });
        assert_eq!(policy.decide("team/app", &image), Ok(expected), "{digest}");
        assert_eq!(testing::take_reads(), [""; 0]);
    }
}

#[test]
fn short_forms() {
    let image = built("linux/amd64").image("1");
    let (base, other) = (layer("base", 10).digest(), testing::digest(b"other"));
    for short in [json!(format!("{other}, {base}")), json!([other, base])] {
        let mut policy: DenyDigest = configure(&short.to_string()).unwrap();
        let expected = Decision::Drop(format!("its layer {base} is denied"));
        assert_eq!(policy.decide("team/app", &image), Ok(expected), "{short}");
    }
}

#[test]
fn wrong_settings_are_named() {
    let short = "sha256:0c1f";
    for (settings, path) in [
        (json!({}), String::new()),
        (json!(7), String::new()),
        (json!([7]), String::new()),
        (json!({"digests": {}}), "/digests".into()),
        (json!(short), format!("/digests/{short}")),
        (json!(""), "/digests/".into()),
        (json!("a/b"), "/digests/a~1b".into()),
        (json!({"digests": {short: 1}}), format!("/digests/{short}")),
        (json!({"digest": {}}), "/digest".into()),
    ] {
        let wrong = configure::<DenyDigest>(&settings.to_string()).unwrap_err();
        assert_eq!(wrong[0].path, path, "{settings}: {wrong:?}");
    }
}
