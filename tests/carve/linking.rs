//! Where the system refuses hard links, the run says so and copies nothing unasked.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::tools;
use regcarve_test_support::tree::{draw, staging_beside, walk};

use crate::world::{World, program, spec};

/// A memory file system that is mounted nearly everywhere.
const SHM: &str = "/dev/shm";

#[track_caller]
fn assert_refused(outcome: &Outcome, output: &Path, began: Instant) {
    outcome
        .assert_code(7)
        .assert_no_panic()
        .assert_says("linkat")
        .assert_says("different mounts")
        .assert_says("--link auto");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        began.elapsed()
    );
    assert!(
        !output.exists() && staging_beside(output).is_empty(),
        "something was left"
    );
}

#[test]
fn another_file_system_is_refused_at_once_and_copied_to_when_allowed() {
    let world = World::new();
    let Ok(elsewhere) = tempfile::tempdir_in(SHM) else {
        return tools::skip(&format!("{SHM} cannot be written to"));
    };
    let output = elsewhere.path().join("output");
    if fs::metadata(&elsewhere).unwrap().dev() == fs::metadata(world.path("")).unwrap().dev() {
        return tools::skip("the folder for temporary files is in memory, too");
    }
    let carve = |link: &[&str]| {
        let mut command = program("run");
        command
            .args(link)
            .args(["--all", "--report", "-"])
            .arg(world.source())
            .arg(spec(&output));
        command.outcome()
    };
    let began = Instant::now();
    assert_refused(&carve(&[]), &output, began);
    for mode in ["copy", "auto"] {
        let outcome = carve(&["--link", mode]);
        let totals = &outcome.assert_code(0).report()["totals"];
        assert_eq!([&totals["linked"], &totals["reflinked"]], [0, 0], "{mode}");
        assert_eq!(totals["copied"], totals["blobs"], "{mode}");
        outcome.assert_says("copied");
        let shared = walk(&output)
            .iter()
            .filter(|(_, meta)| meta.is_file() && meta.nlink() > 1)
            .count();
        assert_eq!(shared, 0);
        fs::remove_dir_all(&output).unwrap();
    }
}

/// Two mounts of one file system have the same device number; only a real link tells.
#[test]
fn another_mount_of_the_same_file_system_is_refused() {
    let world = World::new();
    let bound = world.path("bound");
    fs::create_dir(&bound).unwrap();
    // In a mount namespace of its own: it is gone with the process.
    let inside = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--map-root-user", "sh", "-ec", script, "sh"])
            .args([world.storage.root(), &bound]);
        command
    };
    let allowed = inside(r#"mount --bind "$1" "$2""#)
        .output()
        .is_ok_and(|output| output.status.success());
    if !allowed {
        return tools::skip("this user cannot mount, not even in a namespace");
    }
    let output = world.output();
    let mut command = inside(r#"mount --bind "$1" "$2"; shift 2; exec "$@""#);
    command
        .arg(program("run").get_program())
        .args(["run", "--all"])
        .arg(spec(&bound))
        .arg(spec(&output));
    let began = Instant::now();
    assert_refused(&command.outcome(), &output, began);
}

#[test]
fn every_mode_gives_the_same_tree() {
    let world = World::new();
    let mut drawings = Vec::new();
    for mode in ["hard", "copy", "auto"] {
        world.carve(&["--all", "--link", mode]).assert_code(0);
        drawings.push(draw(&world.output()).replace(" shared", " written"));
        fs::remove_dir_all(world.output()).unwrap();
    }
    assert_eq!(drawings[0], drawings[1]);
    assert_eq!(drawings[0], drawings[2]);
}
