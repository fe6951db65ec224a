//! `verify` finds what is wrong and nothing else, and foretells what garbage collection would do.
//!
//! The forecast is compared with the dry run of a real `docker-registry` (distribution 2.8).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::corpus::Corpus;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::garbage::garbage_collect_dry_run;
use regcarve_test_support::package::Package;
use regcarve_test_support::registry::{self, Mode, Registry};
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::{faults, skopeo, tools};
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_regcarve");

fn verify(format: &str, root: &Path, more: &[&str]) -> Outcome {
    regcarve(BINARY)
        .arg("verify")
        .args(more)
        .arg(format!("{format}:{}", root.display()))
        .outcome()
}

/// A good storage: an image, one that shares its layer, and one for two platforms.
struct World {
    folder: tempfile::TempDir,
    storage: Storage,
    multi: Package,
    top: Digest,
    layer: Digest,
}

const LAYER: &[u8] = b"a layer that two images share, long enough to be cut";

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(folder.path().join("storage"));
        let config = json!({"os": "linux"});
        let top = storage.image("team/app", "v1", &[LAYER], &config);
        storage.image(
            "team/other",
            "v1",
            &[LAYER],
            &json!({"os": "linux", "b": 1}),
        );
        let multi = shapes::multi(Flavour::Oci, "multi", &["linux/amd64", "linux/arm64"]);
        multi.store(&storage, "team/multi", Some("v1"));
        Self {
            folder,
            storage,
            multi,
            top,
            layer: Digest::of(LAYER),
        }
    }

    /// The child for arm64.
    fn child(&self) -> &Package {
        &self.multi.children[1]
    }
}

/// A fault, and what the output must name.
type Fault = (&'static str, fn(&World), fn(&World) -> Vec<String>);

fn named(all: &[&str]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

const FAULTS: [Fault; 16] = [
    (
        "layer gone",
        |w| faults::remove(&w.storage.blob_path(&w.layer)),
        |w| {
            named(&[
                "team/app:v1",
                "team/other:v1",
                w.layer.hex(),
                "no such file",
            ])
        },
    ),
    (
        "layer cut",
        |w| faults::truncate(&w.storage.blob_path(&w.layer), 3),
        |w| named(&["team/app:v1", w.layer.hex(), "has 3 bytes"]),
    ),
    (
        "layer flipped",
        |w| faults::flip(&w.storage.blob_path(&w.layer)),
        |w| {
            named(&[
                "team/app:v1, team/other:v1",
                w.layer.hex(),
                "has the digest",
            ])
        },
    ),
    (
        "manifest flipped",
        |w| faults::flip(&w.storage.blob_path(&w.top)),
        |w| named(&["team/app:v1", w.top.hex(), "has the digest"]),
    ),
    (
        "manifest empty",
        |w| faults::truncate(&w.storage.blob_path(&w.top), 0),
        |w| named(&["team/app:v1", w.top.hex()]),
    ),
    (
        "manifest gone",
        |w| faults::remove(&w.storage.blob_path(&w.top)),
        |w| named(&["team/app", w.top.hex(), "no such file"]),
    ),
    (
        "child gone",
        |w| faults::remove(&w.storage.blob_path(w.child().digest())),
        |w| named(&["team/multi", w.child().digest().hex(), "no such file"]),
    ),
    (
        "layer of a child flipped",
        |w| faults::flip(&w.storage.blob_path(&w.child().pieces[1].descriptor.digest)),
        |w| named(&["team/multi:v1", w.child().pieces[1].descriptor.digest.hex()]),
    ),
    (
        "tag link empty",
        |w| faults::rewrite(&w.storage.tag_path("team/app", "v1"), ""),
        |_| named(&["team/app:v1", "tags/v1/current/link"]),
    ),
    (
        "tag link with a line end",
        |w| {
            faults::rewrite(
                &w.storage.tag_path("team/app", "v1"),
                format!("{}\n", w.top),
            )
        },
        |_| named(&["team/app:v1", "tags/v1/current/link"]),
    ),
    (
        "tag without current link",
        |w| faults::remove(&w.storage.tag_path("team/app", "v1")),
        |_| named(&["team/app:v1", "the storage lists it"]),
    ),
    (
        "tag that names nothing",
        |w| {
            faults::rewrite(
                &w.storage.tag_path("team/app", "v1"),
                Digest::of(b"no").as_str(),
            )
        },
        |_| vec!["team/app:v1".into(), Digest::of(b"no").hex().into()],
    ),
    (
        "no _layers",
        |w| faults::remove(&w.storage.repository_path("team/app").join("_layers")),
        |_| {
            named(&[
                "team/app",
                "team/app/_layers",
                "garbage collection of registry 3",
            ])
        },
    ),
    (
        "layer link malformed",
        |w| faults::rewrite(&w.storage.layer_link_path("team/app", &w.layer), "nonsense"),
        |w| named(&["team/app", "_layers/sha256", w.layer.hex(), "nonsense"]),
    ),
    (
        "untagged revision whose blob is gone",
        |w| w.storage.revision_link("team/app", &Digest::of(b"gone")),
        |_| vec!["team/app".into(), Digest::of(b"gone").hex().into()],
    ),
    (
        "history of a tag malformed",
        |w| faults::rewrite(&w.storage.tag_index_path("team/app", "v1", &w.top), ""),
        |w| named(&["team/app", "tags/v1/index", w.top.hex()]),
    ),
];

#[test]
fn every_fault_is_found_and_named() {
    let mut failed = Vec::new();
    for (name, plant, wanted) in FAULTS {
        let world = World::new();
        plant(&world);
        let outcome = verify("registry", world.storage.root(), &[]);
        let mut lines = outcome
            .stdout
            .lines()
            .filter(|line| line.starts_with("damaged: "));
        let wanted = wanted(&world);
        let found = lines.any(|line| wanted.iter().all(|word| line.contains(word.as_str())));
        if outcome.code != 4 || !found {
            failed.push(format!("{name}: {wanted:?}\n{}", outcome.everything()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn nothing_is_found_in_good_storages() {
    let world = World::new();
    let mut storages = vec![("registry", world.storage.root().to_owned())];
    for format in ["registry", "dir", "oci"] {
        let output = world.folder.path().join(format);
        regcarve(BINARY)
            .args(["run", "--all"])
            .arg(format!("registry:{}", world.storage.root().display()))
            .arg(format!("{format}:{}", output.display()))
            .outcome()
            .assert_code(0);
        storages.push((format, output));
    }
    for (format, root) in &storages {
        let outcome = verify(format, root, &[]);
        outcome.assert_code(0);
        assert!(
            outcome.stdout.contains(": whole"),
            "{}",
            outcome.everything()
        );
        assert!(
            !outcome.stdout.contains("damaged: "),
            "{}",
            outcome.everything()
        );
    }
}

#[test]
fn a_sparse_storage_is_whole_if_that_is_said() {
    let world = World::new();
    let child = world.child().digest();
    faults::remove(&world.storage.blob_path(child));
    faults::remove(&world.storage.revision_link_path("team/multi", child));
    let outcome = verify("registry", world.storage.root(), &[]);
    outcome.assert_code(4);
    assert!(
        outcome.stdout.contains("--sparse"),
        "{}",
        outcome.everything()
    );
    verify("registry", world.storage.root(), &["--sparse"]).assert_code(0);
}

#[test]
fn json_names_the_same() {
    let world = World::new();
    faults::flip(&world.storage.blob_path(&world.layer));
    let outcome = verify("registry", world.storage.root(), &["--format", "json"]);
    outcome.assert_code(4);
    let report = outcome.report();
    assert_eq!(report["outcome"], "damaged");
    assert_eq!(report["problems"].as_array().unwrap().len(), 1);
    assert_eq!(report["collections"].as_array().unwrap().len(), 4);
}

#[test]
fn run_verify_full_catches_what_sizes_do_not_show() {
    let world = World::new();
    faults::flip(&world.storage.blob_path(&world.layer));
    let output = world.folder.path().join("output");
    let run = |how: &str| {
        regcarve(BINARY)
            .args(["run", "--image", "team/app:v1", "--verify", how])
            .arg(format!("registry:{}", world.storage.root().display()))
            .arg(format!("registry:{}", output.display()))
            .outcome()
    };
    let outcome = run("full");
    outcome.assert_code(4).assert_says(world.layer.hex());
    assert!(output.symlink_metadata().is_err(), "nothing is published");
    run("sizes").assert_code(0);
}

#[test]
fn a_demanded_collector_must_not_harm() {
    let world = World::new();
    let root = world.storage.root();
    let gentle = ["--gc", "distribution 3.1 garbage-collect --delete-untagged"];
    verify("registry", root, &gentle).assert_code(0);
    let harsh = ["--gc", "distribution 2.8 garbage-collect --delete-untagged"];
    let outcome = verify("registry", root, &harsh);
    outcome.assert_code(4);
    assert!(
        outcome.stdout.contains("team/multi:v1"),
        "{}",
        outcome.everything()
    );
    verify("registry", root, &["--gc", "no such"]).assert_code(2);
}

/// What is wrong is said, and decides how it ends, also where nobody can tell what a collector would do.
#[test]
fn a_collector_that_cannot_be_asked() {
    let world = World::new();
    let repositories = world.storage.base().join("repositories");
    faults::remove(&repositories);
    fs::write(&repositories, "no folder").unwrap();
    let outcome = verify("registry", world.storage.root(), &[]);
    outcome.assert_code(4);
    let gc = ["--gc", "distribution 2.8 garbage-collect"];
    let demanded = verify("registry", world.storage.root(), &gc);
    demanded.assert_code(4);
    let damages = |outcome: &Outcome| -> Vec<String> {
        let lines = outcome.stdout.lines();
        let damages = lines.filter(|line| line.starts_with("damaged: "));
        damages.map(str::to_owned).collect()
    };
    assert_eq!(damages(&demanded), damages(&outcome));
    assert!(!damages(&demanded).is_empty(), "{}", demanded.everything());
}

/// Compares the forecast for 2.8 with the real dry run, in both modes.
fn compare(what: &str, root: &Path) {
    let outcome = verify("registry", root, &["--format", "json"]);
    let report = outcome.report();
    for (position, untagged) in [(0, false), (1, true)] {
        let row = &report["collections"][position];
        match garbage_collect_dry_run(root, untagged) {
            Ok(real) => {
                let texts = |key: &str| -> BTreeSet<String> {
                    let all = row[key].as_array().unwrap().iter();
                    all.map(|text| text.as_str().unwrap().to_owned()).collect()
                };
                let context = format!("{what}, untagged {untagged}: {row}\n{}", real.output);
                assert!(row.get("aborts").is_none(), "{context}");
                let blobs: BTreeSet<String> = real.blobs.iter().cloned().collect();
                assert_eq!(texts("blobs"), blobs, "{context}");
                let digest = |text: &str| text.rsplit('@').next().unwrap().to_owned();
                let ours: BTreeSet<_> = texts("manifests").iter().map(|one| digest(one)).collect();
                let theirs: BTreeSet<_> = real.manifests.iter().cloned().collect();
                assert_eq!(ours, theirs, "{context}");
            }
            Err(error) => assert!(
                row.get("aborts").is_some(),
                "{what}, untagged {untagged}: {row}\n{error}"
            ),
        }
    }
}

#[test]
fn the_forecast_is_what_a_real_collector_does() {
    if !tools::require(&[registry::PROGRAM]) {
        return;
    }
    for (name, plant, _) in FAULTS {
        let world = World::new();
        plant(&world);
        compare(name, world.storage.root());
    }
    let world = World::new();
    let storage = &world.storage;
    storage.blob(b"orphan");
    let untagged = shapes::image(Flavour::Oci, "untagged");
    untagged.store(storage, "team/app", None);
    let piece = shapes::layer("by sha512").by_sha512();
    let odd = shapes::image_of(Flavour::Oci, "odd", "linux/amd64", &[piece]);
    odd.store(storage, "team/odd", Some("v1"));
    compare("untagged, orphan, sha512", storage.root());
    faults::rewrite(&storage.blob_path(untagged.digest()), "no JSON");
    compare("an untagged manifest is no JSON", storage.root());
}

#[test]
fn the_forecast_holds_for_the_corpus_and_a_carve_of_it() {
    if !tools::require(&[registry::PROGRAM, skopeo::PROGRAM]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    let registry = Registry::start(&source, Mode::Writable);
    let corpus = Corpus::push(&registry, &source);
    compare("corpus", &source);
    let list = folder.path().join("release.list");
    fs::write(&list, corpus.list()).unwrap();
    let output = folder.path().join("output");
    regcarve(BINARY)
        .args(["run", "--list"])
        .arg(&list)
        .arg(format!("registry:{}", source.display()))
        .arg(format!("registry:{}", output.display()))
        .outcome()
        .assert_code(0);
    compare("carve", &output);
    verify(
        "registry",
        &output,
        &["--gc", "distribution 2.8 garbage-collect"],
    )
    .assert_code(0);
}
