//! Tests of the way of an output from its staging directory to its name.

use std::fs;
use std::path::PathBuf;

use super::{Durability, IfExists, Staging, remove_leftovers};
use crate::error::Error;
use crate::fs::OutputTrees;

/// A folder, and a staging directory in it for `output` that holds one file. With `Replace` there is an old output.
fn begun(if_exists: IfExists) -> (tempfile::TempDir, Staging, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    if if_exists == IfExists::Replace {
        fs::create_dir(folder.path().join("output")).unwrap();
        fs::write(folder.path().join("output/old"), "").unwrap();
    }
    let staging =
        Staging::begin(&folder.path().join("output"), if_exists, OutputTrees::One).unwrap();
    let partial = folder.path().join(&staging.dir.name);
    fs::write(partial.join("built"), "").unwrap();
    (folder, staging, partial)
}

#[test]
fn a_swapped_staging_directory_is_not_published() {
    for if_exists in [IfExists::Refuse, IfExists::Replace] {
        let (folder, mut staging, partial) = begun(if_exists);
        let output = folder.path().join("output");
        fs::rename(&partial, folder.path().join("moved")).unwrap();
        fs::create_dir(&partial).unwrap();
        fs::write(partial.join("planted"), "").unwrap();

        let error = staging.publish(Durability::None).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("another process replaced its staging directory")
                && text.contains(&output.display().to_string()),
            "{text}"
        );
        assert_eq!(
            output.join("old").try_exists().unwrap(),
            if_exists == IfExists::Replace
        );
        assert!(!output.join("planted").try_exists().unwrap());
    }
}

#[test]
fn an_output_that_appeared_meanwhile_is_kept() {
    let (folder, mut staging, partial) = begun(IfExists::Refuse);
    let output = folder.path().join("output");
    fs::create_dir(&output).unwrap();
    let error = staging.publish(Durability::Full).unwrap_err();
    assert!(
        matches!(&error, Error::Exists(path) if *path == output),
        "{error}"
    );
    drop(staging);
    assert!(!partial.try_exists().unwrap());
    assert!(output.try_exists().unwrap());
}

#[test]
fn a_rollback_restores_the_old_output() {
    let (folder, mut staging, partial) = begun(IfExists::Replace);
    let output = folder.path().join("output");
    staging.publish(Durability::None).unwrap();
    assert!(output.join("built").try_exists().unwrap());
    // The old output may have to get its name back: it must not be removed as a leftover.
    remove_leftovers(&staging.parent, "output");
    assert!(partial.join("old").try_exists().unwrap());
    staging.rollback();
    drop(staging);
    assert!(output.join("old").try_exists().unwrap());
    assert!(!output.join("built").try_exists().unwrap());
    assert!(!partial.try_exists().unwrap());
}

#[test]
fn one_run_at_a_time_replaces_an_output() {
    let (folder, mut staging, _) = begun(IfExists::Replace);
    let output = folder.path().join("output");
    let is_busy = || {
        let another = Staging::begin(&output, IfExists::Replace, OutputTrees::One);
        matches!(another, Err(Error::Busy(path)) if path == output)
    };
    assert!(is_busy());
    staging.publish(Durability::None).unwrap();
    // The lock is held until the run is over.
    assert!(is_busy());
    drop(staging);
    assert!(!is_busy());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_output_of_another_run_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("output");
    let begin = || Staging::begin(&output, IfExists::Replace, OutputTrees::One).unwrap();
    let (mut slow, mut fast) = (begin(), begin());
    fast.publish(Durability::None).unwrap();
    drop(fast);
    fs::write(output.join("published"), "").unwrap();
    let error = slow.publish(Durability::None).unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error}");
    drop(slow);
    assert!(output.join("published").try_exists().unwrap());

    let mut staging = begin();
    fs::rename(&output, folder.path().join("moved")).unwrap();
    fs::create_dir(&output).unwrap();
    fs::write(output.join("precious"), "").unwrap();
    let error = staging.publish(Durability::None).unwrap_err();
    assert!(matches!(error, Error::Busy(_)), "{error}");
    drop(staging);
    assert!(output.join("precious").try_exists().unwrap());
}
