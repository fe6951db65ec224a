//! Storages that are not what they are said to be, and outputs in wrong places: each has one clear answer, and
//! nothing is published.

use std::fs;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::faults;
use regcarve_test_support::package::Package;
use regcarve_test_support::programs::program;
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::storage::Storage;

use crate::{Bench, FORMATS, is_clean};

/// What a user asked for cannot be.
const USAGE: i32 = 2;
/// Something selected is missing.
const MISSING: i32 = 3;
/// The source is damaged, or is no such storage.
pub(crate) const DAMAGED: i32 = 4;

/// One image in all three formats, each in a folder of its name.
fn world() -> (Bench, Package) {
    let bench = Bench::new();
    let storage = Storage::create(bench.path("registry"));
    let image = shapes::image(Flavour::Oci, "app");
    image.store(&storage, "team/app", Some("v1"));
    bench
        .carve(&["--all"], "registry:registry", &["dir:dir", "oci:oci"])
        .assert_code(0);
    fs::create_dir(bench.path("empty")).unwrap();
    (bench, image)
}

/// Tries to carve into a new storage, which must not be there afterwards.
pub(crate) fn refused(bench: &Bench, flags: &[&str], source: &str) -> Outcome {
    let outcome = bench.carve(flags, source, &["registry:output"]);
    assert!(is_clean(&bench.path("output")), "{}", outcome.everything());
    outcome
}

#[test]
fn a_source_of_another_format() {
    let (bench, _) = world();
    for format in FORMATS {
        let (code, says, cause) = match format {
            "registry" => (DAMAGED, "check the format and the path", MISSING),
            "dir" => (MISSING, "the source has no image with a tag", MISSING),
            _ => (DAMAGED, "this is no OCI image layout", DAMAGED),
        };
        for folder in FORMATS.into_iter().chain(["empty"]) {
            if folder == format {
                continue;
            }
            let source = format!("{format}:{folder}");
            refused(&bench, &["--all"], &source)
                .assert_code(code)
                .assert_says(says);
            let says = match format {
                "dir" => "check the format and the path",
                _ => says,
            };
            refused(&bench, &["--image", "team/app:v1"], &source)
                .assert_code(cause)
                .assert_says(says);
        }
    }
    // One who wants it may have it: an empty release of an empty source.
    bench
        .carve(&["--all", "--allow-missing"], "dir:empty", &["oci:nothing"])
        .assert_code(0);
    refused(&bench, &["--all"], "oci:nothing").assert_code(MISSING);
}

#[test]
fn a_folder_of_a_newer_version() {
    let (bench, _) = world();
    let version = bench.path("dir/team/app:v1/version");
    for text in [
        "Directory Transport Version: 2.0\n",
        "Directory Transport Version: 1.3\n",
        "1.1",
    ] {
        faults::rewrite(&version, text);
        refused(&bench, &["--all"], "dir:dir")
            .assert_code(DAMAGED)
            .assert_says("team/app:v1/version");
    }
    faults::remove(&version);
    bench
        .carve(&["--all"], "dir:dir", &["oci:of-old"])
        .assert_code(0);
}

#[test]
fn one_image_as_the_tree() {
    let (bench, _) = world();
    refused(&bench, &["--all"], "dir:dir/team/app:v1")
        .assert_code(DAMAGED)
        .assert_says("name the folder above it");
}

#[test]
fn files_that_are_not_there_or_not_what_they_were() {
    for format in ["dir", "oci"] {
        for (what, change) in [
            ("gone", faults::remove as fn(&std::path::Path)),
            ("changed", |path| {
                // Not in place: other storages have the same inode.
                let mut bytes = fs::read(path).unwrap();
                bytes.push(b'x');
                fs::remove_file(path).unwrap();
                fs::write(path, bytes).unwrap();
            }),
        ] {
            for manifest in [true, false] {
                let (bench, image) = world();
                let digest = if manifest {
                    image.digest().clone()
                } else {
                    image.pieces[1].descriptor.digest.clone()
                };
                let place = match (format, manifest) {
                    ("dir", true) => "dir/team/app:v1/manifest.json".to_owned(),
                    ("dir", false) => format!("dir/team/app:v1/{}", digest.hex()),
                    _ => format!("oci/blobs/sha256/{}", digest.hex()),
                };
                change(&bench.path(&place));
                let pinned = format!("team/app:v1@{}", image.digest());
                let outcome = refused(&bench, &["--image", &pinned], &format!("{format}:{format}"));
                // A folder says of its manifest only that it is there: another one is another image.
                let other = (format, what, manifest) == ("dir", "changed", true);
                outcome.assert_code(if other { MISSING } else { DAMAGED });
                let (_, below) = place.split_once('/').unwrap();
                outcome.assert_says(if other { "the tag now names" } else { below });
            }
        }
    }
}

#[test]
fn two_images_of_one_name() {
    let (bench, image) = world();
    let storage = Storage::at(bench.path("registry"));
    shapes::image(Flavour::Oci, "other").store(&storage, "team/app", Some("v2"));
    bench
        .carve(&["--all"], "registry:registry", &["oci:two"])
        .assert_code(0);
    let index = bench.path("two/index.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("team/app:v2", "team/app:v1")).unwrap();
    let says = "more than one image is called team/app:v1";
    for flags in [&["--all"][..], &["--image", "team/app:v1"]] {
        refused(&bench, flags, "oci:two")
            .assert_code(DAMAGED)
            .assert_says(says)
            .assert_says(image.digest().as_str());
    }
    // With its digest there is no doubt which one is meant.
    let pinned = format!("team/app:v1@{}", image.digest());
    bench
        .carve(&["--image", &pinned], "oci:two", &["dir:pinned"])
        .assert_code(0);
}

/// A policy may give images other names; two of them cannot get the same one, unless they are the same image.
#[test]
fn two_images_that_become_one_name() {
    let (bench, image) = world();
    let storage = Storage::at(bench.path("registry"));
    let other = shapes::image(Flavour::Oci, "other");
    other.store(&storage, "team/other", Some("v1"));
    image.store(&storage, "team/same", Some("v1"));
    bench
        .carve(
            &["--all"],
            "registry:registry",
            &["dir:both", "oci:both-oci"],
        )
        .assert_code(0);
    let rename = program("policy-rename").display().to_string();
    for source in ["registry:registry", "dir:both", "oci:both-oci"] {
        for format in FORMATS {
            let output = format!("{format}:renamed");
            let flags = ["--all", "--policy", rename.as_str()];
            let outcome = bench.carve(&flags, source, &[&output]);
            outcome
                .assert_code(USAGE)
                .assert_says("two images would both be release/app:v1")
                .assert_says("team/app:v1")
                .assert_says("team/other:v1")
                .assert_says(&image.digest().hex()[..12])
                .assert_says(&other.digest().hex()[..12])
                .assert_says("hint: rename one of them");
            assert!(is_clean(&bench.path("renamed")), "{}", outcome.everything());
        }
        let same = ["team/app:v1", "team/same:v1"];
        let flags = ["--image", same[0], "--image", same[1], "--policy", &rename];
        let outcome = bench.carve(&flags, source, &["registry:same"]);
        outcome.assert_code(0);
        assert_eq!(outcome.listed("images", "reference"), ["release/app:v1"]);
        fs::remove_dir_all(bench.path("same")).unwrap();
    }
}

/// Entries of an `index.json` whose manifests or layers are not there: all of them are named, by `--all` too.
#[test]
fn an_index_that_names_absent_blobs() {
    let (bench, image) = world();
    let storage = Storage::at(bench.path("registry"));
    let other = shapes::multi(Flavour::Oci, "multi", &["linux/amd64", "linux/arm64"]);
    other.store(&storage, "team/multi", Some("v1"));
    bench
        .carve(&["--all"], "registry:registry", &["oci:layout"])
        .assert_code(0);
    let blob = |hex: &str| bench.path("layout/blobs/sha256").join(hex);
    let gone = [image.digest().hex(), other.children[1].digest().hex()];
    gone.iter().for_each(|hex| faults::remove(&blob(hex)));
    let outcome = refused(&bench, &["--all"], "oci:layout");
    outcome
        .assert_code(DAMAGED)
        .assert_says("team/app:v1")
        .assert_says("team/multi:v1")
        .assert_says("there is no such file");
    gone.iter().for_each(|hex| {
        outcome.assert_says(hex);
    });
}

#[test]
fn an_output_in_the_source_and_the_reverse() {
    let (bench, _) = world();
    let says = "are inside of one another";
    fs::create_dir(bench.path("out")).unwrap();
    for from in FORMATS {
        let source = format!("{from}:{from}");
        for to in FORMATS {
            let inside = format!("{to}:{from}/inside");
            bench
                .carve(&["--all"], &source, &[&inside])
                .assert_code(USAGE)
                .assert_says(says);
            assert!(is_clean(&bench.path(&format!("{from}/inside"))));
            // The bench itself is around the source, and must not be replaced.
            bench
                .carve(&["--all", "--replace"], &source, &[&format!("{to}:.")])
                .assert_code(USAGE);
            let same = format!("{to}:{from}");
            bench
                .carve(&["--all", "--replace"], &source, &[&same])
                .assert_code(USAGE)
                .assert_says(says);
            let below = format!("{to}:out/below");
            bench
                .carve(&["--all", "--replace"], &source, &["oci:out", &below])
                .assert_code(USAGE)
                .assert_says("inside of one another");
        }
        fs::create_dir_all(bench.path("around")).unwrap();
        let moved = bench.path(&format!("around/{from}"));
        fs::rename(bench.path(from), &moved).unwrap();
        for to in FORMATS {
            bench
                .carve(
                    &["--all", "--replace"],
                    &format!("{from}:around/{from}"),
                    &[&format!("{to}:around")],
                )
                .assert_code(USAGE)
                .assert_says(says);
        }
        fs::rename(&moved, bench.path(from)).unwrap();
    }
}
