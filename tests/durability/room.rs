//! No room: the run says what has run out, and gives back what it took.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::snapshot::{Snapshot, assert_same};

use crate::disk::{Mount, must, possible};
use crate::trial::{Trial, run};

fn inodes_in_use(folder: &Path) -> u64 {
    let room = rustix::fs::statvfs(folder).unwrap();
    room.f_files - room.f_ffree
}

fn refused(source: &Path, output: &Path, says: &str) {
    let before = Snapshot::take(source);
    let in_use = inodes_in_use(source);
    let outcome = run(source, output).outcome();
    outcome
        .assert_code(1)
        .assert_no_panic()
        .assert_says("ENOSPC")
        .assert_says(says);
    assert!(!output.exists());
    // The kernel gives up what a Landlock ruleset referred to some time after the process is gone: more on a busy machine.
    let ended = Instant::now();
    while inodes_in_use(source) != in_use {
        let late = ended.elapsed() > Duration::from_secs(60);
        assert!(!late, "inodes were kept\n{}", outcome.everything());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_same(&before, &Snapshot::take(source));
}

#[test]
fn without_inodes_a_run_says_so_and_gives_back_what_it_took() {
    if !possible(&["mount"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let memory = Mount::new(&folder.path().join("memory"), &["-t", "tmpfs", "none"]);
    let trial = Trial::small_in(Fixture::at(&memory.path));
    // None for the first directory, and a few.
    for spare in [0, 1, 12] {
        let most = inodes_in_use(&memory.path) + spare;
        let options = format!("remount,nr_inodes={most}");
        must("mount", &["-o", &options, memory.path.to_str().unwrap()]);
        refused(trial.source(), &trial.output(), "no inodes are left");
    }
    must(
        "mount",
        &[
            "-o",
            "remount,nr_inodes=1000",
            memory.path.to_str().unwrap(),
        ],
    );
    run(trial.source(), &trial.output())
        .outcome()
        .assert_code(0);
}

#[test]
fn without_blocks_a_run_says_so_and_gives_back_what_it_took() {
    if !possible(&["mount", "mkfs.ext4"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let make = ["mkfs.ext4", "-q", "-F", "-m", "0", "-b", "1024"];
    let disk = Mount::disk(&folder.path().join("disk"), 16, &make);
    let trial = Trial::small_in(Fixture::at(&disk.path));
    let filler = disk.path.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    for piece in [1 << 16, 1 << 10] {
        while file.write_all(&vec![b'x'; piece]).is_ok() {}
    }
    file.sync_all().unwrap();
    drop(file);
    refused(trial.source(), &trial.output(), "no blocks are left");
    fs::remove_file(&filler).unwrap();
    run(trial.source(), &trial.output())
        .outcome()
        .assert_code(0);
}

#[test]
fn nothing_is_published_if_the_report_cannot_be_written() {
    let trial = Trial::small_in(Fixture::new());
    let output = trial.output();
    let fails = |arguments: &[&str]| {
        let outcome = trial
            .run(&output)
            .arg("--report=/dev/full")
            .args(arguments)
            .outcome();
        outcome
            .assert_code(1)
            .assert_says("write the report")
            .assert_says("ENOSPC");
        outcome
    };
    let outcome = fails(&[]);
    assert_eq!(trial.is_whole(&output), Ok(false));
    // `clean` knows that nothing may be there after a failure.
    assert_eq!(trial.clean(&output, &outcome), Ok(false));
    // What was to be replaced is there again.
    fs::create_dir(&output).unwrap();
    fs::write(output.join("old"), "old").unwrap();
    fails(&["--replace"]);
    assert_eq!(fs::read_to_string(output.join("old")).unwrap(), "old");
    assert_eq!(fs::read_dir(&output).unwrap().count(), 1);
    let left = regcarve_test_support::tree::staging_beside(&output);
    assert_eq!(left, Vec::<String>::new());
}
