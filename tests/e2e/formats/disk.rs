//! Three outputs of one run share every large file with the source.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::tree;

use super::FORMATS;

/// Large enough that a copy of any one layer shows.
const LAYER: usize = 64 << 20;

/// The space that three outputs may take besides folders and files of their own. They need none; this is room for a
/// file system that counts its own tables.
const ALLOWED: u64 = 1 << 20;

#[test]
fn three_outputs_take_no_disk_space_for_layers() {
    let fixture = Fixture::new();
    let storage = &fixture.storage;
    let base = shapes::layer_of("large base", LAYER);
    for name in ["one", "two"] {
        let layers = [
            base.clone(),
            shapes::layer_of(&format!("large {name}"), LAYER),
        ];
        shapes::image_of(Flavour::Oci, name, "linux/amd64", &layers).store(
            storage,
            &format!("large/{name}"),
            Some("v1"),
        );
    }
    let before = used(&[&fixture.path("source")]);
    assert!(before > 3 * LAYER as u64, "{before}");

    let outcome = fixture.convert(
        &["--all"],
        "registry:source",
        &FORMATS
            .map(|format| format!("{format}:{format}"))
            .each_ref()
            .map(String::as_str),
    );
    outcome.assert_code(0);
    let totals = &outcome.report()["totals"];
    assert_eq!(
        (&totals["copied"], &totals["reflinked"]),
        (&0.into(), &0.into())
    );

    let outputs = FORMATS.map(|format| fixture.path(format));
    let [one, two, three] = outputs.each_ref().map(|path| path.as_path());
    let growth = used(&[&fixture.path("source"), one, two, three]) - before;
    let own: u64 = outputs.iter().map(|output| own(output)).sum();
    println!(
        "source {before} bytes on disk; three outputs add {growth}, of which {own} are their own folders and small files"
    );
    assert!(
        growth <= own + ALLOWED,
        "{growth} bytes more, {own} of folders and small files"
    );
    assert!(own < ALLOWED, "{own}");

    let source: HashSet<u64> = tree::walk(&fixture.path("source"))
        .iter()
        .map(|(_, meta)| meta.ino())
        .collect();
    for output in &outputs {
        let large = tree::walk(output)
            .into_iter()
            .filter(|(_, meta)| meta.is_file() && meta.size() > 4096);
        let of_source = large.map(|(_, meta)| source.contains(&meta.ino()));
        let (count, all) = of_source.fold((0, true), |(count, all), is| (count + 1, all && is));
        assert!(
            all && count >= 3,
            "{}: {count} large files",
            output.display()
        );
    }
}

/// Bytes on the disk, each inode counted once, as `du` of coreutils sees it.
fn used(paths: &[&Path]) -> u64 {
    let done = Command::new("du")
        .args(["--summarize", "--total", "--block-size=1"])
        .args(paths)
        .output()
        .expect("du");
    let text = String::from_utf8(done.stdout).unwrap();
    let total = text.lines().last().and_then(|line| line.split('\t').next());
    total
        .and_then(|total| total.parse().ok())
        .expect("a number of bytes")
}

/// Bytes on the disk of folders, and of files that have only one name.
fn own(root: &Path) -> u64 {
    let blocks = |meta: &std::fs::Metadata| meta.blocks() * 512;
    let below: u64 = tree::walk(root)
        .iter()
        .filter(|(_, meta)| meta.is_dir() || meta.nlink() == 1)
        .map(|(_, meta)| blocks(meta))
        .sum();
    below + blocks(&root.symlink_metadata().unwrap())
}
