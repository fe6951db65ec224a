//! The corpus tested by itself, without the program: what it says must come back does come back.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::garbage::garbage_collect_dry_run;
use crate::registry::{self, Mode};
use crate::snapshot::{Snapshot, assert_same};
use crate::{check, skopeo, tools, tree};

#[test]
fn a_second_registry_serves_the_corpus_and_what_is_expected_of_a_carve() {
    if !tools::require(&[registry::PROGRAM, skopeo::PROGRAM]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (source, output) = (folder.path().join("source"), folder.path().join("output"));
    fs::create_dir(&source).unwrap();
    let first = Registry::start(&source, Mode::Writable);
    let corpus = Corpus::push(&first, &source);
    drop(first);
    let before = Snapshot::take(&source);

    let second = Registry::start(&source, Mode::ReadOnly);
    let there: Vec<&Image> = corpus
        .images
        .iter()
        .filter(|image| !image.superseded)
        .collect();
    let mut problems = check::images(&second, &there);
    drop(second);

    carve_by_expectation(&corpus, &source, &output);
    let third = Registry::start(&output, Mode::ReadOnly);
    problems.extend(check::images(&third, &corpus.expected(true)));
    problems.extend(check::names(&third, &corpus.expected_tags(true)));
    problems.extend(check::files(&output, &corpus.expected_files(true)));
    problems.extend(tree::carve_problems(&source, &output));
    problems.extend(check::garbage(&output));
    assert!(
        problems.is_empty(),
        "{}\n{}",
        problems.join("\n"),
        third.log()
    );
    assert_same(&before, &Snapshot::take(&source));

    // In the storage that the registry wrote the collector makes its mistake.
    let garbage = garbage_collect_dry_run(&source, false).unwrap();
    for lost in corpus.lost_to_collector() {
        assert!(garbage.blobs.contains(&lost.to_string()), "{lost}");
    }
}

/// A carve made of nothing but the list of files that it must leave.
fn carve_by_expectation(corpus: &Corpus, source: &Path, output: &Path) {
    let storage = Storage::create(output);
    for repository in corpus.expected_tags(true).keys() {
        fs::create_dir_all(storage.repository_path(repository).join("_layers")).unwrap();
    }
    let from_source = Storage::at(source);
    let relative = Storage::at("");
    let stored: HashMap<PathBuf, Digest> = corpus
        .expected(true)
        .iter()
        .flat_map(|image| image.package.contents())
        .filter_map(|piece| {
            let name = relative.blob_path(&piece.descriptor.digest);
            Some((name, piece.stored_as()?))
        })
        .collect();
    for name in corpus.expected_files(true) {
        let (from, to) = (source.join(&name), output.join(&name));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if name.ends_with("data") {
            let from = stored
                .get(&name)
                .map_or(from, |digest| from_source.blob_path(digest));
            fs::hard_link(from, to).unwrap();
        } else if name.ends_with("current/link") {
            fs::copy(from, to).unwrap();
        } else {
            let mut above = name.iter().rev().skip(1).map(|part| part.to_str().unwrap());
            let (hex, algorithm) = (above.next().unwrap(), above.next().unwrap());
            fs::write(to, format!("{algorithm}:{hex}")).unwrap();
        }
    }
}

#[test]
fn expects_enough_and_no_decoy() {
    let corpus = Corpus {
        images: entries::all(),
    };
    assert!(corpus.expected(false).len() >= 25);
    assert!(corpus.expected(true).len() > corpus.expected(false).len());
    let tags = corpus.expected_tags(true);
    assert!(tags["bydigest/app"].is_empty());
    assert!(!tags.contains_key("a/b"));
    assert!(
        corpus
            .list()
            .contains("moved/tag:latest # tag that was moved\n")
    );
}

#[test]
fn is_the_same_in_every_run() {
    let digests = || -> Vec<Digest> {
        entries::all()
            .iter()
            .map(|image| image.digest().clone())
            .collect()
    };
    assert_eq!(digests(), digests());
}
