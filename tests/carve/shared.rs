//! Content that several images share, where one of them has it and another one should have it too.

use std::fs;
use std::path::Path;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use serde_json::json;

use crate::world::{World, program};

const SHARED: &[u8] = b"a layer of both";
const IMAGES: [&str; 2] = ["one/app", "two/app"];

/// Two images of one layer.
fn world() -> World {
    let world = World::new();
    for name in IMAGES {
        world
            .storage
            .image(name, "v1", &[SHARED], &json!({"os": "linux", "of": name}));
    }
    world
}

/// Carves both images, by as many workers as given.
fn carve_both(source: &str, output: &Path, jobs: &str) -> Outcome {
    let mut command = program("run");
    command.args(["--durability", "none", "--jobs", jobs]);
    for name in IMAGES {
        command.args(["--image", &format!("{name}:v1")]);
    }
    command
        .arg(source)
        .arg(format!("registry:{}", output.display()))
        .reported()
}

/// Whichever of them is looked at first: the one that lacks it is damaged, and only that one.
#[test]
fn a_repository_has_what_it_links_and_not_what_another_one_links() {
    for broken in IMAGES {
        let world = world();
        let link = world.storage.layer_link_path(broken, &Digest::of(SHARED));
        faults::remove(&link);
        for jobs in ["1", "2"] {
            let outcome = carve_both(&world.source(), &world.output(), jobs);
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
fn a_folder_has_its_own_file_of_shared_content() {
    let hex = Digest::of(SHARED).hex().to_owned();
    for broken in IMAGES {
        let world = world();
        let trees = world.path("trees");
        program("run")
            .args(["--all", "--link", "copy", "--durability", "none"])
            .arg(world.source())
            .arg(format!("dir:{}", trees.display()))
            .outcome()
            .assert_code(0);
        let source = format!("dir:{}", trees.display());
        let file = trees.join(format!("{broken}:v1")).join(&hex);
        let place = format!("{broken}:v1/{hex}");
        let verify = || program("verify").arg(&source).outcome();
        let carve = |jobs| carve_both(&source, &world.output(), jobs);
        verify().assert_code(0);

        // The bytes of one of them: only hashing every file tells.
        faults::flip(&file);
        let outcome = verify();
        outcome.assert_code(4);
        assert!(outcome.stdout.contains(&place), "{}", outcome.everything());
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
        fs::remove_dir_all(world.output()).unwrap();
    }
}

/// A link by one digest that names another one of the same algorithm: whoever pulls would get something else, even if
/// it has the same size.
#[test]
fn a_link_that_names_other_content() {
    let world = world();
    let other = b"a layer of none";
    assert_eq!(other.len(), SHARED.len());
    let other = world.storage.blob(other);
    let link = world
        .storage
        .layer_link_path(IMAGES[0], &Digest::of(SHARED));
    faults::rewrite(&link, other.digest.as_str());
    let outcome = carve_both(&world.source(), &world.output(), "2");
    outcome
        .assert_code(4)
        .assert_says(&format!("but names {}", other.digest));
    assert_eq!(
        outcome.listed("damaged", "reference"),
        [format!("{}:v1", IMAGES[0])]
    );
}

/// Who asks by digest for a manifest that is linked and gone has made no mistake: the storage is damaged.
#[test]
fn a_manifest_that_is_linked_and_gone() {
    let world = world();
    faults::remove(&world.storage.blob_path(&world.alpine));
    for reference in [
        "library/alpine:3.6".to_owned(),
        format!("library/alpine@{}", world.alpine),
    ] {
        world
            .refuse(4, &["--image", &reference])
            .assert_says(world.alpine.hex())
            .assert_says("no such file");
    }
    let nobody = format!("library/alpine@{}", Digest::of(b"nobody"));
    world.refuse(3, &["--image", &nobody]);
}
