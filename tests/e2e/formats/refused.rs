//! Sources of another format than the command line says, damaged `dir` and `oci` storages, ambiguous names, and outputs
//! in wrong places: each gets one clear message, and nothing is published.

use std::fs;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::faults;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::package::Package;
use regcarve_test_support::programs::program;
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::storage::Storage;

use super::FORMATS;

/// The user asked for something that cannot be.
const USAGE: i32 = 2;
/// Something selected is missing.
const MISSING: i32 = 3;
/// The source is damaged, or is no such storage.
pub(crate) const DAMAGED: i32 = 4;

/// One image in all three formats, each in a folder of its name.
fn three_formats() -> (Fixture, Package) {
    let fixture = Fixture::new();
    let storage = Storage::create(fixture.path("registry"));
    let image = shapes::image(Flavour::Oci, "app");
    image.store(&storage, "team/app", Some("v1"));
    fixture
        .convert(&["--all"], "registry:registry", &["dir:dir", "oci:oci"])
        .assert_code(0);
    fs::create_dir(fixture.path("empty")).unwrap();
    (fixture, image)
}

/// Tries to carve into a new storage, which must not be there afterwards.
pub(crate) fn refused(fixture: &Fixture, flags: &[&str], source: &str) -> Outcome {
    let outcome = fixture.convert(flags, source, &["registry:output"]);
    assert!(fixture.is_clean("output"), "{}", outcome.everything());
    outcome
}

#[test]
fn a_source_of_another_format_is_refused() {
    let (fixture, _) = three_formats();
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
            refused(&fixture, &["--all"], &source)
                .assert_code(code)
                .assert_says(says);
            let says = match format {
                "dir" => "check the format and the path",
                _ => says,
            };
            refused(&fixture, &["--image", "team/app:v1"], &source)
                .assert_code(cause)
                .assert_says(says);
        }
    }
    // An empty release of an empty source can be asked for.
    fixture
        .convert(&["--all", "--allow-missing"], "dir:empty", &["oci:nothing"])
        .assert_code(0);
    refused(&fixture, &["--all"], "oci:nothing").assert_code(MISSING);
}

#[test]
fn a_dir_image_of_an_unknown_version_is_damage() {
    let (fixture, _) = three_formats();
    let version = fixture.path("dir/team/app:v1/version");
    for text in [
        "Directory Transport Version: 2.0\n",
        "Directory Transport Version: 1.3\n",
        "1.1",
    ] {
        faults::rewrite(&version, text);
        refused(&fixture, &["--all"], "dir:dir")
            .assert_code(DAMAGED)
            .assert_says("team/app:v1/version");
    }
    faults::remove(&version);
    fixture
        .convert(&["--all"], "dir:dir", &["oci:of-old"])
        .assert_code(0);
}

#[test]
fn one_dir_image_is_not_a_tree() {
    let (fixture, _) = three_formats();
    refused(&fixture, &["--all"], "dir:dir/team/app:v1")
        .assert_code(DAMAGED)
        .assert_says("name the folder above it");
}

#[test]
fn missing_and_changed_files_of_dir_and_oci_are_damage() {
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
                let (fixture, image) = three_formats();
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
                change(&fixture.path(&place));
                let pinned = format!("team/app:v1@{}", image.digest());
                let outcome = refused(
                    &fixture,
                    &["--image", &pinned],
                    &format!("{format}:{format}"),
                );
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
fn two_layout_entries_of_one_name_are_damage() {
    let (fixture, image) = three_formats();
    let storage = Storage::at(fixture.path("registry"));
    shapes::image(Flavour::Oci, "other").store(&storage, "team/app", Some("v2"));
    fixture
        .convert(&["--all"], "registry:registry", &["oci:two"])
        .assert_code(0);
    let index = fixture.path("two/index.json");
    let text = fs::read_to_string(&index).unwrap();
    fs::write(&index, text.replace("team/app:v2", "team/app:v1")).unwrap();
    let says = "more than one image is called team/app:v1";
    for flags in [&["--all"][..], &["--image", "team/app:v1"]] {
        refused(&fixture, flags, "oci:two")
            .assert_code(DAMAGED)
            .assert_says(says)
            .assert_says(image.digest().as_str());
    }
    // With its digest there is no doubt which one is meant.
    let pinned = format!("team/app:v1@{}", image.digest());
    fixture
        .convert(&["--image", &pinned], "oci:two", &["dir:pinned"])
        .assert_code(0);
}

/// Unless they are the same image.
#[test]
fn a_policy_may_not_give_two_images_one_name() {
    let (fixture, image) = three_formats();
    let storage = Storage::at(fixture.path("registry"));
    let other = shapes::image(Flavour::Oci, "other");
    other.store(&storage, "team/other", Some("v1"));
    image.store(&storage, "team/same", Some("v1"));
    fixture
        .convert(
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
            let outcome = fixture.convert(&flags, source, &[&output]);
            outcome
                .assert_code(USAGE)
                .assert_says("two images would both be release/app:v1")
                .assert_says("team/app:v1")
                .assert_says("team/other:v1")
                .assert_says(&image.digest().hex()[..12])
                .assert_says(&other.digest().hex()[..12])
                .assert_says("hint: rename one of them");
            assert!(fixture.is_clean("renamed"), "{}", outcome.everything());
        }
        let same = ["team/app:v1", "team/same:v1"];
        let flags = ["--image", same[0], "--image", same[1], "--policy", &rename];
        let outcome = fixture.convert(&flags, source, &["registry:same"]);
        outcome.assert_code(0);
        assert_eq!(outcome.listed("images", "reference"), ["release/app:v1"]);
        fs::remove_dir_all(fixture.path("same")).unwrap();
    }
}

/// Entries of an `index.json` whose manifests or layers are not there: all of them are named, by `--all` too.
#[test]
fn all_absent_blobs_of_a_layout_are_named() {
    let (fixture, image) = three_formats();
    let storage = Storage::at(fixture.path("registry"));
    let other = shapes::multi(Flavour::Oci, "multi", &["linux/amd64", "linux/arm64"]);
    other.store(&storage, "team/multi", Some("v1"));
    fixture
        .convert(&["--all"], "registry:registry", &["oci:layout"])
        .assert_code(0);
    let blob = |hex: &str| fixture.path("layout/blobs/sha256").join(hex);
    let gone = [image.digest().hex(), other.children[1].digest().hex()];
    gone.iter().for_each(|hex| faults::remove(&blob(hex)));
    let outcome = refused(&fixture, &["--all"], "oci:layout");
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
fn outputs_and_sources_of_all_formats_may_not_overlap() {
    let (fixture, _) = three_formats();
    let says = "are inside of one another";
    fs::create_dir(fixture.path("out")).unwrap();
    for from in FORMATS {
        let source = format!("{from}:{from}");
        for to in FORMATS {
            let inside = format!("{to}:{from}/inside");
            fixture
                .convert(&["--all"], &source, &[&inside])
                .assert_code(USAGE)
                .assert_says(says);
            assert!(fixture.is_clean(&format!("{from}/inside")));
            // The fixture itself is around the source, and must not be replaced.
            fixture
                .convert(&["--all", "--replace"], &source, &[&format!("{to}:.")])
                .assert_code(USAGE);
            let same = format!("{to}:{from}");
            fixture
                .convert(&["--all", "--replace"], &source, &[&same])
                .assert_code(USAGE)
                .assert_says(says);
            let below = format!("{to}:out/below");
            fixture
                .convert(&["--all", "--replace"], &source, &["oci:out", &below])
                .assert_code(USAGE)
                .assert_says("inside of one another");
        }
        fs::create_dir_all(fixture.path("around")).unwrap();
        let moved = fixture.path(format!("around/{from}"));
        fs::rename(fixture.path(from), &moved).unwrap();
        for to in FORMATS {
            fixture
                .convert(
                    &["--all", "--replace"],
                    &format!("{from}:around/{from}"),
                    &[&format!("{to}:around")],
                )
                .assert_code(USAGE)
                .assert_says(says);
        }
        fs::rename(&moved, fixture.path(from)).unwrap();
    }
}
