//! A manifest that may be a referrer, but cannot be read, is damage: a run that takes referrers along does not skip it
//! silently, and one that does not (`--no-attached`) does not mind.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::package::Package;
use regcarve_test_support::shapes::{self, Flavour, artifact, attached_tag, cosign};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::{faults, layout, media};
use serde_json::{Value, json};

use super::images;
use super::refused::{DAMAGED, refused};

const APP: &str = "team/app:v1";
/// Stands beside the folder, or the entries, of what is made unreadable.
const OTHER: &str = "other/app:v1";
const SAYS: &str = "it may be a referrer of any image in team/app";

/// A signed image and another one in the formats `dir` and `oci`, each in a folder of its name. The answer is a
/// referrer of the image that is stored nowhere yet.
fn signed_image() -> (Fixture, Package) {
    let fixture = Fixture::new();
    let storage = Storage::create(fixture.path("registry"));
    let image = shapes::image(Flavour::Oci, "app");
    image.store(&storage, "team/app", Some("v1"));
    let tag = attached_tag(&image, Some("sig"));
    cosign("sig", &image).store(&storage, "team/app", Some(&tag));
    shapes::image(Flavour::Oci, "other").store(&storage, "other/app", Some("v1"));
    fixture
        .convert(&["--all"], "registry:registry", &["dir:dir", "oci:oci"])
        .assert_code(0);
    let sbom = artifact("application/spdx+json", &[], Some(&image));
    (fixture, sbom)
}

/// Adds an artifact without tag to both storages; answers the file of its manifest in each.
///
/// In the layout it has a name where `named` says so, else it belongs to no repository.
fn add_untagged(
    fixture: &Fixture,
    artifact: &Package,
    named: bool,
) -> [(&'static str, PathBuf); 2] {
    let name = format!("team/app@{}", artifact.digest());
    let folder = fixture.path("dir").join(&name);
    layout::write_dir(&folder, artifact);

    let root = fixture.path("oci");
    for piece in artifact.contents() {
        let bytes = piece.bytes.as_deref().unwrap();
        put_blob(&root, &piece.descriptor.digest, bytes);
    }
    let manifest = put_blob(&root, artifact.digest(), &artifact.bytes);
    let mut entry = artifact.descriptor.clone();
    if named {
        entry = entry
            .with(json!({"annotations": {"org.opencontainers.image.ref.name": name.as_str()}}));
    }
    add_entry(&root, &entry);
    [("dir", folder.join("manifest.json")), ("oci", manifest)]
}

fn put_blob(layout: &Path, digest: &Digest, bytes: &[u8]) -> PathBuf {
    let path = layout.join("blobs/sha256").join(digest.hex());
    fs::write(&path, bytes).unwrap();
    path
}

fn add_entry(layout: &Path, entry: &Descriptor) {
    let path = layout.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index["manifests"]
        .as_array_mut()
        .unwrap()
        .push(entry.json());
    fs::write(&path, index.to_string()).unwrap();
}

/// The number of images that are carved out of a source.
#[track_caller]
fn taken(fixture: &Fixture, flags: &[&str], source: &str) -> usize {
    let outcome = fixture.convert(flags, source, &["registry:output"]);
    outcome.assert_code(0);
    fs::remove_dir_all(fixture.path("output")).unwrap();
    assert!(fixture.is_clean("output"));
    images(&outcome).len()
}

/// The message names the place, and says once why that matters and what helps.
#[track_caller]
fn assert_damaged_once(outcome: &Outcome, place: &str) {
    outcome
        .assert_code(DAMAGED)
        .assert_says(place)
        .assert_says(SAYS)
        .assert_says("--no-attached");
    let times = outcome.stderr.matches(SAYS).count();
    assert_eq!(times, 1, "{}", outcome.stderr);
}

#[test]
fn a_dir_tree_that_cannot_be_listed_is_damage() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 2] = [
        ("latest", |team| {
            symlink("app:v1", team.join("latest")).unwrap()
        }),
        ("UTF-8", |team| {
            fs::create_dir(team.join(OsStr::from_bytes(b"app:\xff"))).unwrap();
        }),
    ];
    for (says, change) in changes {
        let (fixture, _) = signed_image();
        assert_eq!(taken(&fixture, &["--image", APP], "dir:dir"), 2);
        change(&fixture.path("dir/team"));
        assert_damaged_once(&refused(&fixture, &["--image", APP], "dir:dir"), says);
        assert_eq!(
            taken(&fixture, &["--image", APP, "--no-attached"], "dir:dir"),
            1
        );
        assert_eq!(taken(&fixture, &["--image", OTHER], "dir:dir"), 1);
    }
}

#[test]
fn all_damage_of_a_dir_tree_that_cannot_be_listed_is_reported() {
    let (fixture, _) = signed_image();
    let image = shapes::image(Flavour::Oci, "app");
    let signature = format!("team/app:{}", attached_tag(&image, Some("sig")));
    symlink("app:v1", fixture.path("dir/team/latest")).unwrap();
    faults::remove(&fixture.path("dir").join(&signature).join("manifest.json"));
    refused(&fixture, &["--image", APP], "dir:dir")
        .assert_code(DAMAGED)
        .assert_says(SAYS)
        .assert_says(&format!("{signature}/manifest.json: there is no such file"));
    // It may be in any of the folders, and some could not be seen.
    let pinned = format!("team/app@{}", image.digest());
    refused(&fixture, &["--image", &pinned], "dir:dir")
        .assert_code(DAMAGED)
        .assert_says("latest");
}

#[test]
fn an_unreadable_untagged_manifest_is_damage() {
    type Change = fn(&Path);
    let changes: [Change; 3] = [faults::remove, faults::flip, faults::folder_in_place];
    for named in [false, true] {
        for change in changes {
            let (fixture, sbom) = signed_image();
            for (format, manifest) in add_untagged(&fixture, &sbom, named) {
                let source = format!("{format}:{format}");
                assert_eq!(taken(&fixture, &["--image", APP], &source), 3, "{source}");
                change(&manifest);
                let below = manifest.strip_prefix(fixture.path(format)).unwrap();
                for flags in [&["--image", APP][..], &["--all"]] {
                    let outcome = refused(&fixture, flags, &source);
                    assert_damaged_once(&outcome, below.to_str().unwrap());
                }
                let bare = ["--image", APP, "--no-attached"];
                assert_eq!(taken(&fixture, &bare, &source), 1, "{source}");
                // A manifest without any name may be a referrer of any image.
                if format == "dir" || named {
                    assert_eq!(taken(&fixture, &["--image", OTHER], &source), 1, "{source}");
                } else {
                    refused(&fixture, &["--image", OTHER], &source).assert_code(DAMAGED);
                }
            }
        }
    }
}

/// A layout may list anything. An entry of another media type is never a referrer.
#[test]
fn an_unreadable_entry_is_damage_only_if_it_calls_itself_a_manifest() {
    let (fixture, _) = signed_image();
    let gone = Descriptor::of(b"<component/>");
    add_entry(&fixture.path("oci"), &gone.clone().typed("application/xml"));
    assert_eq!(taken(&fixture, &["--image", APP], "oci:oci"), 2);
    add_entry(&fixture.path("oci"), &gone.typed(media::OCI_INDEX));
    refused(&fixture, &["--image", APP], "oci:oci")
        .assert_code(DAMAGED)
        .assert_says(SAYS)
        .assert_says("--no-attached");
}
