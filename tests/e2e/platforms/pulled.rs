//! A real registry serves a sparse release, and a real client pulls the chosen platform out of it.

use std::fs;
use std::path::Path;

use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::registry::{self, Mode, Registry};
use regcarve_test_support::{skopeo, tools};

use super::{REPOSITORY, Shapes, all_shapes, carve, image};

/// Shape, the platform that was chosen, one that was not.
const PULLS: [(&str, &str, &str); 7] = [
    ("docker-list", "amd64", "arm64"),
    ("docker-list", "arm64", "amd64"),
    ("oci-index", "arm64", "amd64"),
    ("mixed", "amd64", "arm64"),
    ("attested", "arm64", "amd64"),
    // skopeo 1.9 does not look into an index in an index, but beside it.
    ("nested", "s390x", "amd64"),
    ("doubled", "arm/v7", "amd64"),
];

#[test]
fn skopeo_pulls_the_chosen_platform_from_a_registry() {
    if !tools::require(&[registry::PROGRAM, skopeo::PROGRAM]) {
        return;
    }
    let fixture = all_shapes();
    for (shape, chosen, other) in PULLS {
        let platform = format!("linux/{chosen}");
        for mode in ["sparse", "strip"] {
            carve(&fixture, shape, &platform, mode, &["registry:output"]).assert_code(0);
            let registry = Registry::start(&fixture.path("output"), Mode::ReadOnly);
            let folder = fixture.path("pulled");
            let pull = |architecture| {
                let reference = format!("{REPOSITORY}:{shape}");
                skopeo::pull_for(&registry, &reference, architecture, &folder)
            };
            pull(chosen).unwrap_or_else(|error| panic!("{shape}, {mode}: {error}"));
            is_whole(&fixture, shape, chosen, &folder);
            assert!(
                pull(other).is_err(),
                "{shape}, {mode}: {other} is there too"
            );
            fs::remove_dir_all(&folder).unwrap();
            fs::remove_dir_all(fixture.path("output")).unwrap();
        }
    }
}

/// Checks that a pulled image is the manifest for the platform, byte for byte, with all of its content.
#[track_caller]
fn is_whole(fixture: &Fixture<Shapes>, shape: &str, architecture: &str, folder: &Path) {
    let (architecture, variant) = match architecture.split_once('/') {
        Some((architecture, variant)) => (architecture, Some(variant)),
        None => (architecture, None),
    };
    let runs_there = |value: &serde_json::Value| {
        let platform = &value["platform"];
        platform["architecture"] == architecture
            && variant.is_none_or(|variant| platform["variant"] == variant)
    };
    let all = image(fixture, shape).manifests();
    let wanted = all
        .into_iter()
        .find(|one| runs_there(&one.descriptor.json()));
    let wanted = wanted.expect("the shape has the platform");
    assert_eq!(
        fs::read(folder.join("manifest.json")).unwrap(),
        wanted.bytes,
        "{shape}"
    );
    for piece in &wanted.pieces {
        let digest = &piece.descriptor.digest;
        assert_eq!(
            Digest::of(&fs::read(folder.join(digest.hex())).unwrap()),
            *digest,
            "{shape}"
        );
    }
}
