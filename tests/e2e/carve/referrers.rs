//! Referrers (signatures and the like) go where their subject goes, also where they are selected by themselves.

use regcarve_test_support::digest::Digest;
use serde_json::json;

use super::images::six_images;

/// The tag that cosign gives a signature of this manifest.
fn signature_of(digest: &Digest) -> String {
    format!("{}.sig", digest.to_string().replace(':', "-"))
}

#[test]
fn policies_decide_on_subjects_and_signatures_follow() {
    let fixture = six_images();
    let storage = &fixture.storage;
    let config = json!({ "os": "linux" });
    let old = storage.image("team/signed", "1.0.0", &[b"old"], &config);
    let new = storage.image("team/signed", "2.0.0", &[b"new"], &config);
    let (of_old, of_new) = (signature_of(&old), signature_of(&new));
    storage.image("team/signed", &of_old, &[b"signature of old"], &config);
    let signature = storage.image("team/signed", &of_new, &[b"signature of new"], &config);
    // And a signature of the signature.
    let second = signature_of(&signature);
    storage.image("team/signed", &second, &[b"signed again"], &config);

    let policy = ["--policy", r#"match={"deny":["**:1.*","**:sha256-*"]}"#];
    for wanted in [
        ["--all", "--replace"].as_slice(),
        &["--image", "team/signed:*", "--replace"],
    ] {
        let outcome = fixture.carve(&[wanted, &policy].concat());
        outcome.assert_code(0);
        let named = |list: &str| -> Vec<String> {
            let mut names = outcome.listed(list, "reference");
            names.retain(|name| name.starts_with("team/signed"));
            names.sort();
            names
        };
        let mut expected: Vec<_> = ["2.0.0", &of_new, &second]
            .map(|tag| format!("team/signed:{tag}"))
            .to_vec();
        expected.sort();
        assert_eq!(named("images"), expected, "{wanted:?}");
        assert_eq!(
            named("dropped"),
            [
                "team/signed:1.0.0".to_owned(),
                format!("team/signed:{of_old}")
            ],
            "{wanted:?}"
        );
        outcome.assert_code(0);
        let reasons = outcome.listed("dropped", "reason");
        let reason = format!("its subject {old} is not in the release");
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
    // Left out on demand, they are images like any other.
    let outcome =
        fixture.carve(&[["--all", "--replace", "--no-attached"].as_slice(), &policy].concat());
    let names = outcome.listed("images", "reference");
    assert!(
        names.iter().all(|name| !name.contains("sha256-")),
        "{names:?}"
    );
}

#[test]
fn cyclic_referrers_are_kept() {
    let fixture = six_images();
    let storage = &fixture.storage;
    let config = json!({ "os": "linux" });
    let [one, other] = ["one", "other"].map(|layer| {
        let first = storage.image("team/ring", layer, &[layer.as_bytes()], &config);
        std::fs::remove_dir_all(
            storage
                .repository_path("team/ring")
                .join("_manifests/tags")
                .join(layer),
        )
        .unwrap();
        first
    });
    storage.tag("team/ring", &signature_of(&one), &other);
    storage.tag("team/ring", &signature_of(&other), &one);
    let outcome = fixture.carve(&["--image", "team/ring:*"]);
    outcome.assert_code(0);
    assert_eq!(outcome.listed("images", "reference").len(), 2);
}

#[test]
fn each_of_600_images_and_signatures_is_planned_once() {
    /// More than go into one call of a reader.
    const IMAGES: usize = 300;
    let fixture = six_images();
    let config = json!({ "os": "linux" });
    for number in 0..IMAGES {
        let layer = number.to_string();
        let digest = fixture.storage.image(
            "team/many",
            &format!("zz-{number}"),
            &[layer.as_bytes()],
            &config,
        );
        fixture.storage.image(
            "team/many",
            &signature_of(&digest),
            &[b"signature", layer.as_bytes()],
            &config,
        );
    }
    let outcome = fixture.carve(&["--image", "team/many:*"]);
    outcome.assert_code(0);
    let mut names = outcome.listed("images", "reference");
    assert_eq!(names.len(), 2 * IMAGES);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 2 * IMAGES);
}
