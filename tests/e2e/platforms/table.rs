//! Sparse and strip, shape by shape.
//!
//! A manifest is called by the path that leads to it: `linux/amd64`, `index 0 linux/amd64` for one in the first
//! nested index, `attests linux/amd64` for what describes one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::package::Package;
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tree::{carve_problems, walk};
use serde_json::Value;

use super::{REPOSITORY, Shapes, all_shapes, carve, carve_with, image};

const OUTPUTS: [&str; 3] = ["registry:registry", "dir:dir", "oci:oci"];

/// Shape, platforms, what travels besides the top; nothing where a platform is missing.
type Row = (&'static str, &'static str, Option<&'static [&'static str]>);

const TABLE: [Row; 32] = [
    ("docker-list", "linux/amd64", Some(&["linux/amd64"])),
    ("docker-list", "linux/arm64", Some(&["linux/arm64"])),
    (
        "docker-list",
        "linux/amd64,linux/arm64",
        Some(&["linux/amd64", "linux/arm64"]),
    ),
    ("docker-list", "linux/riscv64", None),
    ("docker-list", "linux/amd64,linux/riscv64", None),
    ("oci-index", "linux/arm64", Some(&["linux/arm64"])),
    ("oci-index", "windows/amd64", None),
    ("mixed", "linux/amd64", Some(&["linux/amd64"])),
    ("mixed", "linux/arm64", Some(&["linux/arm64"])),
    (
        "attested",
        "linux/amd64",
        Some(&["linux/amd64", "attests linux/amd64"]),
    ),
    (
        "attested",
        "linux/arm64",
        Some(&["linux/arm64", "attests linux/arm64"]),
    ),
    ("attested", "unknown/unknown", None),
    ("nested", "linux/s390x", Some(&["linux/s390x"])),
    (
        "nested",
        "linux/amd64",
        Some(&["index 0", "index 0 linux/amd64"]),
    ),
    (
        "nested",
        "linux/arm64,linux/s390x",
        Some(&["index 0", "index 0 linux/arm64", "linux/s390x"]),
    ),
    ("nested", "linux/riscv64", None),
    (
        "nested-twice",
        "linux/arm64",
        Some(&["index 0", "index 0 index 0", "index 0 index 0 linux/arm64"]),
    ),
    (
        "nested-twice",
        "linux/s390x",
        Some(&["linux/s390x", "index 0", "index 0 linux/s390x"]),
    ),
    ("nested-twice", "windows/arm64", None),
    (
        "nested-lists",
        "linux/amd64",
        Some(&["index 0", "index 0 linux/amd64"]),
    ),
    ("nested-lists", "linux/s390x", Some(&["linux/s390x"])),
    (
        "nested-attested",
        "linux/arm64",
        Some(&[
            "index 0",
            "index 0 linux/arm64",
            "index 0 attests linux/arm64",
        ]),
    ),
    ("nested-attested", "linux/s390x", Some(&["linux/s390x"])),
    ("nested-attested", "linux/riscv64", None),
    (
        "nested-shared",
        "linux/amd64",
        Some(&["index 0", "linux/amd64"]),
    ),
    ("doubled", "linux/amd64", Some(&["linux/amd64"])),
    ("doubled", "linux/arm/v6", Some(&["linux/arm"])),
    ("doubled", "linux/arm/v7", Some(&["linux/arm"])),
    ("doubled", "linux/arm", Some(&["linux/arm"])),
    ("doubled", "linux/arm/v8", None),
    ("single", "linux/amd64", Some(&[])),
    ("single", "linux/arm64", None),
];

/// Every manifest of an image below its top, by the path that leads to it. What is reached by two goes by the shorter.
fn names(image: &Package) -> BTreeMap<Digest, String> {
    fn walk(at: &Package, above: &str, names: &mut BTreeMap<Digest, String>) {
        let platform = |child: &Package| {
            let value = child.descriptor.json()["platform"].clone();
            let part = |key: &str| value[key].as_str().map(str::to_owned);
            Some(format!("{}/{}", part("os")?, part("architecture")?))
        };
        for (position, child) in at.children.iter().enumerate() {
            let described = child.descriptor.json()["annotations"]["vnd.docker.reference.digest"]
                .as_str()
                .map(str::to_owned);
            let name = match (described, platform(child)) {
                (Some(subject), _) => {
                    let subject = at
                        .children
                        .iter()
                        .find(|one| one.digest().as_str() == subject);
                    format!("attests {}", platform(subject.unwrap()).unwrap())
                }
                (None, Some(platform)) => platform,
                (None, None) => format!("index {position}"),
            };
            let name = format!("{above}{name}");
            walk(child, &format!("{name} "), names);
            let kept = names
                .entry(child.digest().clone())
                .or_insert_with(|| name.clone());
            if name.len() < kept.len() {
                *kept = name;
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(image, "", &mut all);
    all
}

fn is_index(name: &str) -> bool {
    name.rsplit(' ').nth(1) == Some("index")
}

/// Digests of a kind of links that a repository has.
fn links(root: &Path, folder: &str) -> BTreeSet<Digest> {
    let base = Storage::at(root).repository_path(REPOSITORY).join(folder);
    let files = walk(&base).into_iter().filter(|(_, meta)| meta.is_file());
    files
        .map(|(name, _)| Digest::new(fs::read_to_string(base.join(name)).unwrap()))
        .collect()
}

/// Digests of the content of these manifests.
fn content<'a>(manifests: impl Iterator<Item = &'a Package>) -> BTreeSet<Digest> {
    let pieces = manifests.flat_map(|manifest| &manifest.pieces);
    pieces
        .map(|piece| piece.descriptor.digest.clone())
        .collect()
}

/// The result of a run for some platforms.
struct Carved<'a> {
    fixture: &'a Fixture<Shapes>,
    image: &'a Package,
    outcome: Outcome,
    /// The manifests that travel, besides the top; empty where a platform is missing.
    wanted: BTreeSet<&'a str>,
}

impl Carved<'_> {
    /// The index is what it was, and what travels is exactly what was chosen.
    fn sparse(&self) -> Vec<String> {
        let names = names(self.image);
        let root = self.fixture.path("registry");
        let found = links(&root, "_manifests/revisions");
        let mut problems = self.content(&found);
        if !found.contains(self.image.digest()) {
            problems.push("the top is not there".into());
        }
        let found: BTreeSet<&str> = found
            .iter()
            .filter(|digest| *digest != self.image.digest())
            .map(|digest| names.get(digest).map_or("a stranger", String::as_str))
            .collect();
        // An index names what there is, so every index stays, whatever stays of what it names.
        let indexes = names.values().filter(|name| is_index(name));
        let wanted: BTreeSet<&str> = self
            .wanted
            .iter()
            .copied()
            .chain(indexes.map(String::as_str))
            .collect();
        if found != wanted {
            problems.push(format!("manifests: {found:?}"));
        }
        if self.outcome.listed("images", "digest") != [self.image.digest().as_str()] {
            problems.push("another digest in the report".into());
        }
        let whole = wanted.len() == names.len();
        problems.extend(self.verified(&["--sparse"], true));
        problems.extend(self.verified(&[], whole));
        problems
    }

    /// New indexes name what was chosen and nothing else; all that they name is there.
    fn strip(&self) -> Vec<String> {
        let names = names(self.image);
        let root = self.fixture.path("registry");
        let found = links(&root, "_manifests/revisions");
        let top = Digest::new(self.outcome.listed("images", "digest").concat());
        let mut problems = self.content(&found);
        let mut left = BTreeSet::new();
        self.left(&root, &top, "", &names, &mut left);
        if left != self.wanted.iter().map(|name| (*name).to_owned()).collect() {
            problems.push(format!("the new index leads to {left:?}"));
        }
        let changed = self.wanted.len() != names.len();
        if (top != *self.image.digest()) != changed {
            problems.push(format!("the top is {top}, it was {}", self.image.digest()));
        }
        let said = self.outcome.stderr.contains("signatures");
        let from = &self.outcome.report()["images"][0]["rewritten_from"];
        if changed && (from != self.image.digest().as_str() || !said) {
            problems.push("neither report nor message says that the index is another".into());
        }
        if !changed && (!from.is_null() || said) {
            problems.push("the index is the same, but something else is said".into());
        }
        problems.extend(self.verified(&[], true));
        problems
    }

    /// The layers and configs that are there are those of the manifests that are there.
    fn content(&self, manifests: &BTreeSet<Digest>) -> Vec<String> {
        let root = self.fixture.path("registry");
        let all = self.image.manifests();
        let there = all
            .into_iter()
            .filter(|one| manifests.contains(one.digest()));
        let mut problems = carve_problems(&self.fixture.path("source"), &root);
        // Stripping writes indexes of its own; those are no inodes of the source.
        problems.retain(|problem| !problem.ends_with("is not in the source"));
        if links(&root, "_layers") != content(there) {
            problems.push("other layers or configs".into());
        }
        problems
    }

    /// Follows an index in the output, as a client does.
    fn left(
        &self,
        root: &Path,
        at: &Digest,
        above: &str,
        names: &BTreeMap<Digest, String>,
        left: &mut BTreeSet<String>,
    ) {
        let path = Storage::at(root).blob_path(at);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(Digest::of(&bytes), *at, "a manifest under a wrong name");
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        for child in value["manifests"].as_array().into_iter().flatten() {
            let digest = Digest::new(child["digest"].as_str().unwrap());
            // What is in no table is new: an index, named by its place.
            let nested = child["platform"].is_null();
            let name = match names.get(&digest) {
                Some(name) => name.clone(),
                None => format!("{above}index 0"),
            };
            self.left(
                root,
                &digest,
                &if nested {
                    format!("{name} ")
                } else {
                    String::new()
                },
                names,
                left,
            );
            left.insert(name);
        }
    }

    fn verified(&self, flags: &[&str], whole: bool) -> Vec<String> {
        let wrong = OUTPUTS.iter().filter_map(|output| {
            let outcome = self.fixture.verify(flags, output);
            let code = if whole { 0 } else { 4 };
            (outcome.code != code).then(|| format!("verify {flags:?}:\n{}", outcome.everything()))
        });
        wrong.collect()
    }

    /// A platform that is not there is missing, by name, and nothing is published.
    fn missing(&self, shape: &str) -> Vec<String> {
        let mut problems = Vec::new();
        if self.outcome.listed("missing", "reference") != [format!("{REPOSITORY}:{shape}")] {
            problems.push("the image is not missing in the report".into());
        }
        if !self.outcome.stderr.contains("lacks ") {
            problems.push("the message does not say what it lacks".into());
        }
        for output in OUTPUTS {
            let (_, name) = output.split_once(':').unwrap();
            if !self.fixture.is_clean(name) {
                problems.push(format!("{output} was left"));
            }
        }
        problems
    }
}

fn check(fixture: &Fixture<Shapes>, row: &Row, mode: &str) -> Vec<String> {
    let (shape, platforms, wanted) = *row;
    let outcome = carve(fixture, shape, platforms, mode, &OUTPUTS);
    let code = if wanted.is_some() { 0 } else { 3 };
    let everything = outcome.everything();
    if outcome.code != code {
        return vec![everything];
    }
    let wanted_names = wanted.unwrap_or_default().iter().copied().collect();
    let image = image(fixture, shape);
    let carved = Carved {
        fixture,
        image,
        outcome,
        wanted: wanted_names,
    };
    let mut problems = match (wanted, mode) {
        (None, _) => carved.missing(shape),
        (Some(_), "sparse") => carved.sparse(),
        (Some(_), _) => carved.strip(),
    };
    for output in OUTPUTS {
        let _ = fs::remove_dir_all(fixture.path(&output[output.find(':').unwrap() + 1..]));
    }
    if !problems.is_empty() {
        problems.push(everything);
    }
    problems
}

fn check_all(mode: &str) {
    let fixture = all_shapes();
    let mut failed = Vec::new();
    for row in &TABLE {
        let problems = check(&fixture, row, mode);
        if !problems.is_empty() {
            failed.push(format!(
                "{} for {}:\n  {}",
                row.0,
                row.1,
                problems.join("\n  ")
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{mode}: {} of {} rows failed:\n\n{}",
        failed.len(),
        TABLE.len(),
        failed.join("\n\n")
    );
}

#[test]
fn sparse_takes_exactly_the_chosen_manifests() {
    check_all("sparse");
}

#[test]
fn strip_makes_indexes_of_exactly_the_chosen_manifests() {
    check_all("strip");
}

/// Whichever of them the index names first.
#[test]
fn a_manifest_that_an_index_offers_for_two_platforms_is_there_for_both() {
    let fixture = all_shapes();
    let image = image(&fixture, "doubled");
    let (amd64, arm) = (&image.children[0], &image.children[1]);
    let keep = r#"platforms={"platforms":["linux/amd64","linux/arm/v7"],"missing":"keep"}"#;
    for flags in [
        ["--policy", keep],
        ["--platform", "linux/amd64,linux/arm/v7"],
        ["--platform", "linux/arm/v6,linux/arm/v7,linux/amd64"],
    ] {
        let outcome = carve_with(&fixture, &flags, "doubled", &["registry:registry"]);
        outcome.assert_code(0);
        let root = fixture.path("registry");
        let expected = [image, amd64, arm].map(|one| one.digest().clone());
        assert_eq!(
            links(&root, "_manifests/revisions"),
            expected.into(),
            "{flags:?}"
        );
        fs::remove_dir_all(root).unwrap();
    }

    // A new index offers it for what was asked for, and for nothing else.
    let outcome = carve(
        &fixture,
        "doubled",
        "linux/arm/v7",
        "strip",
        &["registry:registry"],
    );
    outcome.assert_code(0);
    let top = Digest::new(outcome.listed("images", "digest").concat());
    let path = Storage::at(fixture.path("registry")).blob_path(&top);
    let index: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let named = index["manifests"].as_array().unwrap();
    assert_eq!(named.len(), 1, "{index}");
    assert_eq!(named[0]["digest"], arm.digest().as_str());
    assert_eq!(named[0]["platform"]["variant"], "v7");
}
