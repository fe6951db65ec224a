//! regcarve makes the tree that a shell script makes, where the script works.
//!
//! The script is `tests/bench/carve.sh`; the storage holds the references of `tests/data/images.list`
//! among 2,000 other images.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use regcarve_bench::storage::{self, Shape};
use regcarve_bench::tree::{self, Kind};
use regcarve_bench::{CARVE_SH, is_upload};
use regcarve_test_support::fixture::{program, registry};
use regcarve_test_support::tree::assert_carved;

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/images.list");

#[test]
fn the_script_and_regcarve_make_the_same_tree() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name);
    let (source, by_script, ours) = (path("source"), path("by-shell"), path("ours"));

    let wanted = storage::references_of(&fs::read_to_string(LIST)?);
    assert_eq!(wanted.len(), 53);
    let all = storage::make(&source, &Shape::default(), &wanted)?;
    assert_eq!(all.len(), 2_053);

    let script = path("carve.sh");
    fs::write(&script, CARVE_SH)?;
    succeed(
        Command::new("bash")
            .arg(&script)
            .arg(LIST)
            .args([&source, &by_script]),
    )?;
    succeed(
        program("run")
            .args(["--durability", "none", "--list", LIST])
            .args([registry(&source), registry(&ours)]),
    )?;

    let differences = tree::differences(&by_script, &ours, is_upload)?;
    assert_eq!(differences, Vec::<String>::new());
    for root in [&by_script, &ours] {
        assert_carved(&source, root);
        assert_layers_folders(root)?;
        assert_eq!(references(root)?, BTreeSet::from_iter(wanted.clone()));
    }
    Ok(())
}

/// A registry's garbage collection stops at a repository that has no folder for layers.
fn assert_layers_folders(root: &Path) -> Result<()> {
    let entries = tree::entries(root)?;
    for repository in entries
        .keys()
        .filter_map(|path| path.strip_suffix("/_manifests"))
    {
        let layers = format!("{repository}/_layers");
        assert_eq!(entries.get(&layers), Some(&Kind::Directory), "{layers}");
    }
    Ok(())
}

/// Every `name:tag` below `root`.
fn references(root: &Path) -> Result<BTreeSet<String>> {
    let reference = |path: &String| -> Option<String> {
        let below = path.strip_prefix("docker/registry/v2/repositories/")?;
        let (name, tag) = below
            .strip_suffix("/current/link")?
            .split_once("/_manifests/tags/")?;
        Some(format!("{name}:{tag}"))
    };
    Ok(tree::entries(root)?.keys().filter_map(reference).collect())
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {words}");
    Ok(())
}
