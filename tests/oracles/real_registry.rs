//! A second registry serves the carved storage of a real registry with the same content, digest for digest.
//!
//! Needs `docker-registry` and `skopeo`; skips aloud where one is missing.

use std::fs;
use std::path::{Path, PathBuf};

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::corpus::{Corpus, Image};
use regcarve_test_support::fixture::{self, program};
use regcarve_test_support::registry::{self, Mode, Registry};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::{check, skopeo, tools, tree};

/// A registry's storage with the whole corpus in it, and a list of what is selected.
struct Release {
    corpus: Corpus,
    source: PathBuf,
    list: PathBuf,
}

/// One carve to try: what is in the result must follow from `attached`.
struct Carve {
    name: &'static str,
    arguments: &'static [&'static str],
    attached: bool,
}

const CARVES: [Carve; 2] = [
    Carve {
        name: "all",
        arguments: &[],
        attached: true,
    },
    Carve {
        name: "no-attached",
        arguments: &["--no-attached"],
        attached: false,
    },
];

#[test]
fn a_second_registry_serves_what_was_carved() {
    if !tools::require(&[registry::PROGRAM, skopeo::PROGRAM]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder for both storages");
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    // It goes on running: a registry is not stopped to take a release out of it.
    let first = Registry::start(&source, Mode::Writable);
    let corpus = Corpus::push(&first, &source);
    let list = folder.path().join("release.list");
    fs::write(&list, corpus.list()).unwrap();
    let release = Release {
        corpus,
        source,
        list,
    };

    let before = Snapshot::take(&release.source);
    let mut problems = Vec::new();
    for carve in &CARVES {
        let output = folder.path().join(carve.name);
        let found = release.carve_and_check(carve, &output);
        problems.extend(
            found
                .iter()
                .map(|problem| format!("[{}] {problem}", carve.name)),
        );
    }
    let changes = before.differences(&Snapshot::take(&release.source));
    problems.extend(changes.iter().map(|change| format!("the source: {change}")));
    drop(first);
    assert!(
        problems.is_empty(),
        "{} mismatches:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

impl Release {
    fn carve_and_check(&self, carve: &Carve, output: &Path) -> Vec<String> {
        let outcome = program("run")
            .args(carve.arguments)
            .arg("--list")
            .arg(&self.list)
            .args([fixture::registry(&self.source), fixture::registry(output)])
            .reported();
        if outcome.code != 0 {
            return vec![outcome.everything()];
        }
        let expected = self.corpus.expected(carve.attached);
        let mut problems = reported(&outcome, &self.corpus);
        problems.extend(check::files(
            output,
            &self.corpus.expected_files(carve.attached),
        ));
        problems.extend(tree::carve_problems(&self.source, output));
        problems.extend(without_layers_folder(&expected, output));
        problems.extend(check::garbage(output));

        let before = Snapshot::take(output);
        let second = Registry::start(output, Mode::ReadOnly);
        problems.extend(check::names(
            &second,
            &self.corpus.expected_tags(carve.attached),
        ));
        problems.extend(check::images(&second, &expected));
        // Nothing that only reads may have changed what is compared here.
        problems.extend(before.differences(&Snapshot::take(output)));
        problems
    }
}

/// The report names every selected image with its digest, misses none, and counts no copy.
fn reported(outcome: &Outcome, corpus: &Corpus) -> Vec<String> {
    let Some(report) = &outcome.report else {
        return vec![format!("no report\n{}", outcome.everything())];
    };
    let members = |list: &str| report[list].as_array().cloned();
    let digests: Vec<_> = members("images").into_iter().flatten().collect();
    let mut problems = Vec::new();
    for image in corpus.expected(false) {
        if !digests
            .iter()
            .any(|member| member["digest"] == image.digest().as_str())
        {
            problems.push(format!(
                "not in the report: {} ({})",
                image.reference(),
                image.shape
            ));
        }
    }
    for list in ["missing", "dropped"] {
        if members(list).is_none_or(|members| !members.is_empty()) {
            problems.push(format!("report: {list} is {}", report[list]));
        }
    }
    for count in ["copied", "reflinked"] {
        if report["totals"][count] != 0 {
            problems.push(format!(
                "report: totals.{count} is {}",
                report["totals"][count]
            ));
        }
    }
    problems
}

/// Garbage collection of later registries gives up on a repository without `_layers`.
fn without_layers_folder(expected: &[&Image], output: &Path) -> Vec<String> {
    let storage = regcarve_test_support::storage::Storage::at(output);
    expected
        .iter()
        .map(|image| storage.repository_path(&image.repository).join("_layers"))
        .filter(|path| !path.is_dir())
        .map(|path| format!("folder missing: {}", path.display()))
        .collect()
}
