//! Layers that two images share: one repository serves them, the other one should and does not.

use std::fs;
use std::path::Path;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use regcarve_test_support::fixture::{Fixture, program, registry};
use serde_json::json;

use super::images::{Images, six_images};

const SHARED: &[u8] = b"a layer of both";
const IMAGES: [&str; 2] = ["one/app", "two/app"];

/// Two images of one layer.
fn two_images() -> Fixture<Images> {
    let fixture = six_images();
    for name in IMAGES {
        fixture
            .storage
            .image(name, "v1", &[SHARED], &json!({"os": "linux", "of": name}));
    }
    fixture
}

/// Carves both images, by as many workers as given.
fn carve_both(source: &str, output: &Path, jobs: &str) -> Outcome {
    let mut command = program("run");
    command.args(["--durability", "none", "--jobs", jobs]);
    for name in IMAGES {
        command.args(["--image", &format!("{name}:v1")]);
    }
    command.arg(source).arg(registry(output)).reported()
}

/// Whichever of them is looked at first: the one that lacks it is damaged, and only that one.
#[test]
fn a_shared_layer_is_damaged_only_in_the_repository_that_lacks_its_link() {
    for broken in IMAGES {
        let fixture = two_images();
        let link = fixture.storage.layer_link_path(broken, &Digest::of(SHARED));
        faults::remove(&link);
        for jobs in ["1", "2"] {
            let outcome = carve_both(&fixture.source(), &fixture.output(), jobs);
            outcome.assert_code(4);
            assert_eq!(
                outcome.listed("damaged", "reference"),
                [format!("{broken}:v1")],
                "{}",
                outcome.everything()
            );
        }
    }
}

/// In a tree of folders each has its own file of the same digest.
#[test]
fn each_dir_image_has_its_own_file_of_a_shared_layer() {
    let hex = Digest::of(SHARED).hex().to_owned();
    for broken in IMAGES {
        let fixture = two_images();
        let trees = fixture.path("trees");
        program("run")
            .args(["--all", "--link", "copy", "--durability", "none"])
            .arg(fixture.source())
            .arg(fixture.spec("dir:trees"))
            .outcome()
            .assert_code(0);
        let source = fixture.spec("dir:trees");
        let file = trees.join(format!("{broken}:v1")).join(&hex);
        let place = format!("{broken}:v1/{hex}");
        let verify = || program("verify").arg(&source).outcome();
        let carve = |jobs| carve_both(&source, &fixture.output(), jobs);
        verify().assert_code(0);

        // The bytes of one of them: only hashing every file tells.
        faults::flip(&file);
        let outcome = verify();
        outcome.assert_code(4);
        outcome.assert_prints(&place);
        assert_eq!(
            outcome.stdout.matches("damaged: ").count(),
            1,
            "{}",
            outcome.everything()
        );

        faults::truncate(&file, 3);
        for jobs in ["1", "2"] {
            let outcome = carve(jobs);
            outcome.assert_code(4).assert_says(&place);
            assert_eq!(
                outcome.listed("damaged", "reference"),
                [format!("{broken}:v1")]
            );
        }
        faults::remove(&file);
        for jobs in ["1", "2"] {
            carve(jobs).assert_code(4).assert_says(&place);
        }
        fs::hard_link(
            trees
                .join(format!("{}:v1", IMAGES[usize::from(broken == IMAGES[0])]))
                .join(&hex),
            &file,
        )
        .unwrap();
        carve("2").assert_code(0);
        fs::remove_dir_all(fixture.output()).unwrap();
    }
}

/// A client that pulls by the first digest would get other bytes, of the same size.
#[test]
fn a_link_that_names_another_digest_is_damage() {
    let fixture = two_images();
    let other = b"a layer of none";
    assert_eq!(other.len(), SHARED.len());
    let other = fixture.storage.blob(other);
    let link = fixture
        .storage
        .layer_link_path(IMAGES[0], &Digest::of(SHARED));
    faults::rewrite(&link, other.digest.as_str());
    let outcome = carve_both(&fixture.source(), &fixture.output(), "2");
    outcome
        .assert_code(4)
        .assert_says(&format!("but names {}", other.digest));
    assert_eq!(
        outcome.listed("damaged", "reference"),
        [format!("{}:v1", IMAGES[0])]
    );
}

/// By tag and by digest: the storage is damaged, the list is right.
#[test]
fn a_linked_manifest_without_a_blob_is_damage_and_not_missing() {
    let fixture = two_images();
    faults::remove(&fixture.storage.blob_path(&fixture.made.alpine));
    for reference in [
        "library/alpine:3.6".to_owned(),
        format!("library/alpine@{}", fixture.made.alpine),
    ] {
        fixture
            .refuse(4, &["--image", &reference])
            .assert_says(fixture.made.alpine.hex())
            .assert_says("no such file");
    }
    let absent = format!("library/alpine@{}", Digest::of(b"absent"));
    fixture.refuse(3, &["--image", &absent]);
}
