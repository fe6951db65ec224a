//! `verify` finds all damage of a storage and nothing else, and foretells what garbage collection would do.
//!
//! The forecast is compared with the dry run of a real `docker-registry` (distribution 2.8).

use std::collections::BTreeSet;
use std::fs;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::corpus::Corpus;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::garbage::garbage_collect_dry_run;
use regcarve_test_support::package::Package;
use regcarve_test_support::registry::{self, Mode, Registry};
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::{faults, skopeo, tools};
use serde_json::json;

/// A good storage: an image, one that shares its layer, and one for two platforms.
struct Stored {
    multi: Package,
    top: Digest,
    layer: Digest,
}

const LAYER: &[u8] = b"a layer that two images share, long enough to be cut";

fn good_storage() -> Fixture<Stored> {
    Fixture::new().with(|fixture| {
        let storage = &fixture.storage;
        let config = json!({"os": "linux"});
        let top = storage.image("team/app", "v1", &[LAYER], &config);
        let config = json!({"os": "linux", "b": 1});
        storage.image("team/other", "v1", &[LAYER], &config);
        let multi = shapes::multi(Flavour::Oci, "multi", &["linux/amd64", "linux/arm64"]);
        multi.store(storage, "team/multi", Some("v1"));
        Stored {
            multi,
            top,
            layer: Digest::of(LAYER),
        }
    })
}

impl Stored {
    /// The child for arm64.
    fn child(&self) -> &Package {
        &self.multi.children[1]
    }
}

/// A fault, and the words that the output must have.
type Fault = (
    &'static str,
    fn(&Fixture<Stored>),
    fn(&Fixture<Stored>) -> Vec<String>,
);

fn named(all: &[&str]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

const FAULTS: [Fault; 16] = [
    (
        "layer gone",
        |w| faults::remove(&w.storage.blob_path(&w.made.layer)),
        |w| {
            named(&[
                "team/app:v1",
                "team/other:v1",
                w.made.layer.hex(),
                "no such file",
            ])
        },
    ),
    (
        "layer cut",
        |w| faults::truncate(&w.storage.blob_path(&w.made.layer), 3),
        |w| named(&["team/app:v1", w.made.layer.hex(), "has 3 bytes"]),
    ),
    (
        "layer flipped",
        |w| faults::flip(&w.storage.blob_path(&w.made.layer)),
        |w| {
            named(&[
                "team/app:v1, team/other:v1",
                w.made.layer.hex(),
                "has the digest",
            ])
        },
    ),
    (
        "manifest flipped",
        |w| faults::flip(&w.storage.blob_path(&w.made.top)),
        |w| named(&["team/app:v1", w.made.top.hex(), "has the digest"]),
    ),
    (
        "manifest empty",
        |w| faults::truncate(&w.storage.blob_path(&w.made.top), 0),
        |w| named(&["team/app:v1", w.made.top.hex()]),
    ),
    (
        "manifest gone",
        |w| faults::remove(&w.storage.blob_path(&w.made.top)),
        |w| named(&["team/app", w.made.top.hex(), "no such file"]),
    ),
    (
        "child gone",
        |w| faults::remove(&w.storage.blob_path(w.made.child().digest())),
        |w| named(&["team/multi", w.made.child().digest().hex(), "no such file"]),
    ),
    (
        "layer of a child flipped",
        |w| {
            faults::flip(
                &w.storage
                    .blob_path(&w.made.child().pieces[1].descriptor.digest),
            )
        },
        |w| {
            named(&[
                "team/multi:v1",
                w.made.child().pieces[1].descriptor.digest.hex(),
            ])
        },
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
                format!("{}\n", w.made.top),
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
        |w| {
            faults::rewrite(
                &w.storage.layer_link_path("team/app", &w.made.layer),
                "nonsense",
            )
        },
        |w| named(&["team/app", "_layers/sha256", w.made.layer.hex(), "nonsense"]),
    ),
    (
        "untagged revision whose blob is gone",
        |w| w.storage.revision_link("team/app", &Digest::of(b"gone")),
        |_| vec!["team/app".into(), Digest::of(b"gone").hex().into()],
    ),
    (
        "history of a tag malformed",
        |w| faults::rewrite(&w.storage.tag_index_path("team/app", "v1", &w.made.top), ""),
        |w| named(&["team/app", "tags/v1/index", w.made.top.hex()]),
    ),
];

#[test]
fn every_fault_is_found_and_named() {
    let mut failed = Vec::new();
    for (name, plant, wanted) in FAULTS {
        let fixture = good_storage();
        plant(&fixture);
        let outcome = fixture.verify(&[], "registry:source");
        let mut lines = outcome
            .stdout
            .lines()
            .filter(|line| line.starts_with("damaged: "));
        let wanted = wanted(&fixture);
        let found = lines.any(|line| wanted.iter().all(|word| line.contains(word.as_str())));
        if outcome.code != 4 || !found {
            failed.push(format!("{name}: {wanted:?}\n{}", outcome.everything()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn good_storages_of_all_formats_are_whole() {
    let fixture = good_storage();
    let outputs = ["registry:output", "dir:dir", "oci:oci"];
    fixture
        .convert(&["--all"], "registry:source", &outputs)
        .assert_code(0);
    for storage in outputs.iter().chain(&["registry:source"]) {
        let outcome = fixture.verify(&[], storage);
        outcome.assert_code(0);
        outcome.assert_prints(": whole");
        assert!(
            !outcome.stdout.contains("damaged: "),
            "{}",
            outcome.everything()
        );
    }
}

#[test]
fn a_sparse_storage_is_whole_with_the_flag_sparse() {
    let fixture = good_storage();
    let child = fixture.made.child().digest();
    faults::remove(&fixture.storage.blob_path(child));
    faults::remove(&fixture.storage.revision_link_path("team/multi", child));
    let outcome = fixture.verify(&[], "registry:source");
    outcome.assert_code(4);
    outcome.assert_prints("--sparse");
    fixture
        .verify(&["--sparse"], "registry:source")
        .assert_code(0);
}

/// Untagged images are hashed as tagged ones are, in every format.
#[test]
fn damage_of_untagged_content_is_found_in_every_format() {
    let fixture = good_storage();
    let wanted = format!("team/app@{}", fixture.made.top);
    let hex = fixture.made.layer.hex();
    let folder = format!("dir/{wanted}");
    for (format, blob) in [
        (
            "registry",
            format!(
                "registry/docker/registry/v2/blobs/sha256/{}/{hex}/data",
                &hex[..2]
            ),
        ),
        ("dir", format!("{folder}/{hex}")),
        ("oci", format!("oci/blobs/sha256/{hex}")),
    ] {
        let output = format!("{format}:{format}");
        fixture
            .convert(
                &["--link", "copy", "--image", &wanted],
                "registry:source",
                &[&output],
            )
            .assert_code(0);
        let whole = fixture.verify(&["--format", "json"], &output);
        whole.assert_code(0);
        assert_eq!(whole.report()["audited"], true, "{format}");
        assert_eq!(whole.report()["totals"]["tags"], 0, "{format}");
        assert_eq!(whole.report()["totals"]["untagged"], 1, "{format}");
        faults::flip(&fixture.path(blob));
        let outcome = fixture.verify(&[], &output);
        outcome.assert_code(4);
        outcome.assert_prints("has the digest");
        outcome.assert_prints(&wanted);
    }
}

#[test]
fn the_json_report_has_the_same_problems() {
    let fixture = good_storage();
    faults::flip(&fixture.storage.blob_path(&fixture.made.layer));
    let outcome = fixture.verify(&["--format", "json"], "registry:source");
    outcome.assert_code(4);
    let report = outcome.report();
    assert_eq!(report["outcome"], "damaged");
    assert_eq!(report["problems"].as_array().unwrap().len(), 1);
    assert_eq!(report["collections"].as_array().unwrap().len(), 4);
}

#[test]
fn run_verify_full_catches_what_sizes_do_not_show() {
    let fixture = good_storage();
    faults::flip(&fixture.storage.blob_path(&fixture.made.layer));
    let by = |how| ["--image", "team/app:v1", "--verify", how];
    fixture
        .refuse(4, &by("full"))
        .assert_says(fixture.made.layer.hex());
    fixture.carve(&by("sizes")).assert_code(0);
}

#[test]
fn gc_fails_if_that_collector_would_take_content_of_a_tag() {
    let fixture = good_storage();
    let gentle = ["--gc", "distribution 3.1 garbage-collect --delete-untagged"];
    fixture.verify(&gentle, "registry:source").assert_code(0);
    let harsh = ["--gc", "distribution 2.8 garbage-collect --delete-untagged"];
    let outcome = fixture.verify(&harsh, "registry:source");
    outcome.assert_code(4);
    outcome.assert_prints("team/multi:v1");
    fixture
        .verify(&["--gc", "no such"], "registry:source")
        .assert_code(2);
}

#[test]
fn damage_is_reported_where_no_forecast_is_possible() {
    let fixture = good_storage();
    let repositories = fixture.storage.base().join("repositories");
    faults::remove(&repositories);
    fs::write(&repositories, "no folder").unwrap();
    let outcome = fixture.verify(&[], "registry:source");
    outcome.assert_code(4);
    let gc = ["--gc", "distribution 2.8 garbage-collect"];
    let demanded = fixture.verify(&gc, "registry:source");
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
fn compare<T>(what: &str, fixture: &Fixture<T>, name: &str) {
    let root = &fixture.path(name);
    let outcome = fixture.verify(&["--format", "json"], &format!("registry:{name}"));
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
fn the_forecast_equals_a_real_dry_run() {
    if !tools::require(&[registry::PROGRAM]) {
        return;
    }
    for (name, plant, _) in FAULTS {
        let fixture = good_storage();
        plant(&fixture);
        compare(name, &fixture, "source");
    }
    let fixture = good_storage();
    let storage = &fixture.storage;
    storage.blob(b"orphan");
    let untagged = shapes::image(Flavour::Oci, "untagged");
    untagged.store(storage, "team/app", None);
    let piece = shapes::layer("by sha512").by_sha512();
    let odd = shapes::image_of(Flavour::Oci, "odd", "linux/amd64", &[piece]);
    odd.store(storage, "team/odd", Some("v1"));
    compare("untagged, orphan, sha512", &fixture, "source");
    faults::rewrite(&storage.blob_path(untagged.digest()), "no JSON");
    compare("an untagged manifest is no JSON", &fixture, "source");
}

#[test]
fn the_forecast_equals_a_real_dry_run_for_the_corpus_and_its_release() {
    if !tools::require(&[registry::PROGRAM, skopeo::PROGRAM]) {
        return;
    }
    let fixture = Fixture::new();
    let registry = Registry::start(fixture.storage.root(), Mode::Writable);
    let corpus = Corpus::push(&registry, fixture.storage.root());
    compare("corpus", &fixture, "source");
    let list = fixture.write("release.list", corpus.list());
    fixture
        .convert(&["--list", &list], "registry:source", &["registry:output"])
        .assert_code(0);
    compare("carve", &fixture, "output");
    let gc = ["--gc", "distribution 2.8 garbage-collect"];
    fixture.verify(&gc, "registry:output").assert_code(0);
}
