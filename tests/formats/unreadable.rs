//! What may speak of an image, but cannot be read: a run that takes along what speaks of its images does not pass over
//! it, and one that does not (`--no-attached`) does not mind.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::package::Package;
use regcarve_test_support::shapes::{self, Flavour, artifact, attached_tag, cosign};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::{faults, layout, media};
use serde_json::{Value, json};

use crate::refused::{DAMAGED, refused};
use crate::{Bench, images, is_clean};

const APP: &str = "team/app:v1";
/// Stands beside the folder, or the entries, of what is made unreadable.
const OTHER: &str = "other/app:v1";
const SAYS: &str = "nobody can say what speaks of the images of team/app";

/// A signed image and another one in the formats `dir` and `oci`, each in a folder of its name. The answer is an
/// artifact that speaks of the image and is nowhere yet.
fn world() -> (Bench, Package) {
    let bench = Bench::new();
    let storage = Storage::create(bench.path("registry"));
    let image = shapes::image(Flavour::Oci, "app");
    image.store(&storage, "team/app", Some("v1"));
    let tag = attached_tag(&image, Some("sig"));
    cosign("sig", &image).store(&storage, "team/app", Some(&tag));
    shapes::image(Flavour::Oci, "other").store(&storage, "other/app", Some("v1"));
    bench
        .carve(&["--all"], "registry:registry", &["dir:dir", "oci:oci"])
        .assert_code(0);
    let sbom = artifact("application/spdx+json", &[], Some(&image));
    (bench, sbom)
}

/// Adds an artifact without tag to both storages; answers the file of its manifest in each.
///
/// In the layout it has a name where `named` says so, else it belongs to no repository.
fn add_untagged(bench: &Bench, artifact: &Package, named: bool) -> [(&'static str, PathBuf); 2] {
    let name = format!("team/app@{}", artifact.digest());
    let folder = bench.path("dir").join(&name);
    layout::write_dir(&folder, artifact);

    let root = bench.path("oci");
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

/// How many images come of a source that nobody refuses.
#[track_caller]
fn taken(bench: &Bench, flags: &[&str], source: &str) -> usize {
    let outcome = bench.carve(flags, source, &["registry:output"]);
    outcome.assert_code(0);
    fs::remove_dir_all(bench.path("output")).unwrap();
    assert!(is_clean(&bench.path("output")));
    images(&outcome).len()
}

#[test]
fn a_folder_that_cannot_be_listed() {
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
        let (bench, _) = world();
        assert_eq!(taken(&bench, &["--image", APP], "dir:dir"), 2);
        change(&bench.path("dir/team"));
        let outcome = refused(&bench, &["--image", APP], "dir:dir");
        outcome
            .assert_code(DAMAGED)
            .assert_says(says)
            .assert_says(SAYS)
            .assert_says("--no-attached");
        assert_eq!(
            outcome.stderr.matches(SAYS).count(),
            1,
            "{}",
            outcome.stderr
        );
        assert_eq!(
            taken(&bench, &["--image", APP, "--no-attached"], "dir:dir"),
            1
        );
        assert_eq!(taken(&bench, &["--image", OTHER], "dir:dir"), 1);
    }
}

#[test]
fn all_that_is_damaged_in_a_folder_that_cannot_be_listed() {
    let (bench, _) = world();
    let image = shapes::image(Flavour::Oci, "app");
    let signature = format!("team/app:{}", attached_tag(&image, Some("sig")));
    symlink("app:v1", bench.path("dir/team/latest")).unwrap();
    faults::remove(&bench.path("dir").join(&signature).join("manifest.json"));
    refused(&bench, &["--image", APP], "dir:dir")
        .assert_code(DAMAGED)
        .assert_says(SAYS)
        .assert_says(&format!("{signature}/manifest.json: there is no such file"));
    // It may be in any of the folders, and some could not be seen.
    let pinned = format!("team/app@{}", image.digest());
    refused(&bench, &["--image", &pinned], "dir:dir")
        .assert_code(DAMAGED)
        .assert_says("latest");
}

#[test]
fn an_untagged_manifest() {
    type Change = fn(&Path);
    let changes: [Change; 3] = [faults::remove, faults::flip, faults::folder_in_place];
    for named in [false, true] {
        for change in changes {
            let (bench, sbom) = world();
            for (format, manifest) in add_untagged(&bench, &sbom, named) {
                let source = format!("{format}:{format}");
                assert_eq!(taken(&bench, &["--image", APP], &source), 3, "{source}");
                change(&manifest);
                let below = manifest.strip_prefix(bench.path(format)).unwrap();
                for flags in [&["--image", APP][..], &["--all"]] {
                    let outcome = refused(&bench, flags, &source);
                    outcome
                        .assert_code(DAMAGED)
                        .assert_says(below.to_str().unwrap())
                        .assert_says(SAYS)
                        .assert_says("--no-attached");
                    assert_eq!(
                        outcome.stderr.matches(SAYS).count(),
                        1,
                        "{}",
                        outcome.stderr
                    );
                }
                let bare = ["--image", APP, "--no-attached"];
                assert_eq!(taken(&bench, &bare, &source), 1, "{source}");
                // What has no name at all may speak of anything.
                if format == "dir" || named {
                    assert_eq!(taken(&bench, &["--image", OTHER], &source), 1, "{source}");
                } else {
                    refused(&bench, &["--image", OTHER], &source).assert_code(DAMAGED);
                }
            }
        }
    }
}

/// A layout may list anything. What does not even call itself a manifest speaks of nothing.
#[test]
fn an_entry_that_is_no_manifest() {
    let (bench, _) = world();
    let gone = Descriptor::of(b"<component/>");
    add_entry(&bench.path("oci"), &gone.clone().typed("application/xml"));
    assert_eq!(taken(&bench, &["--image", APP], "oci:oci"), 2);
    add_entry(&bench.path("oci"), &gone.typed(media::OCI_INDEX));
    refused(&bench, &["--image", APP], "oci:oci")
        .assert_code(DAMAGED)
        .assert_says(SAYS)
        .assert_says("--no-attached");
}
