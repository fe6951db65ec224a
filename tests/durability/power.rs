//! The power goes while a run is at work, or right after it said that it is complete.
//!
//! The file system's own shutdown call stands for the power: nothing that is not on the disk yet gets there any
//! more. With `-f` the journal is written first, so that names are ahead of the data: the worse case.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::tools::long_or;
use regcarve_test_support::tree::{staging_beside, walk};

use crate::disk::{Mount, must, possible};
use crate::trial::{Chance, Trial};

const FILE_SYSTEMS: [(&str, &[&str]); 2] = [
    ("ext4", &["mkfs.ext4", "-q", "-F"]),
    ("xfs", &["mkfs.xfs", "-q", "-f"]),
];

/// The results of all cuts of one kind.
#[derive(Debug, Default)]
struct Seen {
    cuts: usize,
    complete_after_exit: usize,
    whole: usize,
    absent: usize,
}

fn cut(mount: &Mount, flush_journal: bool) {
    let call = if flush_journal {
        "shutdown -f"
    } else {
        "shutdown"
    };
    must("xfs_io", &["-x", "-c", call, mount.path.to_str().unwrap()]);
}

/// No file without its content, whichever name it has: what the run before has left counts too.
fn assert_no_empty_link(output: &Path) {
    if output.exists() {
        for (name, meta) in walk(output) {
            assert!(
                !meta.is_file() || meta.len() > 0,
                "{} is empty",
                name.display()
            );
        }
    }
}

fn cuts(kind: &str, make: &[&str], flush_journal: bool, count: usize) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let mount = Mount::disk(&folder.path().join("disk"), 400, make);
    let trial = Trial::large_in(Fixture::at(&mount.path), 300);
    let output = trial.output();
    must("sync", &["--file-system", mount.path.to_str().unwrap()]);
    let usual = u64::try_from(trial.usual_time().as_micros()).unwrap();
    let mut chance = Chance::new(3);
    let mut seen = Seen::default();
    for round in 0..count {
        must("sync", &["--file-system", mount.path.to_str().unwrap()]);
        let mut child = trial
            .run(&output)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let after_exit = round % 2 == 0;
        let exit = if after_exit {
            child.wait().unwrap().code()
        } else {
            std::thread::sleep(Duration::from_micros(chance.below(usual)));
            child.try_wait().unwrap().and_then(|status| status.code())
        };
        cut(&mount, flush_journal);
        child.wait().unwrap();
        mount.again();
        seen.cuts += 1;
        assert_no_empty_link(&output);
        let whole = trial
            .is_whole(&output)
            .unwrap_or_else(|wrong| panic!("{kind}: {wrong}"));
        trial
            .source_is_unchanged()
            .unwrap_or_else(|wrong| panic!("{kind}: {wrong}"));
        if exit == Some(0) {
            assert!(whole, "{kind}: complete before the cut, gone after it");
            seen.complete_after_exit += 1;
        } else if whole {
            seen.whole += 1;
        } else {
            seen.absent += 1;
        }
        if whole {
            fs::remove_dir_all(&output).unwrap();
        }
        // The next run takes what this one left.
        assert!(trial.run(&output).status().unwrap().success());
        assert_eq!(staging_beside(&output), Vec::<String>::new());
        fs::remove_dir_all(&output).unwrap();
    }
    seen
}

fn power_cuts(of_each: usize) {
    let programs = ["mkfs.ext4", "mkfs.xfs", "xfs_io", "mount"];
    if !possible(&programs) {
        return;
    }
    for (kind, make) in FILE_SYSTEMS {
        for flush_journal in [false, true] {
            let seen = cuts(kind, make, flush_journal, of_each);
            eprintln!("power cuts on {kind}, journal flushed {flush_journal}: {seen:?}, 0 wrong");
            assert_eq!(seen.cuts, of_each);
            assert!(seen.complete_after_exit >= of_each / 2);
        }
    }
}

#[test]
fn after_a_power_cut_the_output_is_whole_or_absent() {
    // Of two file systems, in two ways each: 52 cuts.
    power_cuts(long_or(13, 4));
}

/// The test would see a tool that does not sync: without it, this very way of cutting leaves empty files.
#[test]
fn the_simulated_power_cut_loses_data_that_is_not_synced() {
    if !possible(&["mkfs.ext4", "xfs_io", "mount"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mount = Mount::disk(&folder.path().join("disk"), 400, FILE_SYSTEMS[0].1);
    let trial = Trial::large_in(Fixture::at(&mount.path), 50);
    let output = trial.output();
    must("sync", &["--file-system", mount.path.to_str().unwrap()]);
    let mut command: Command = trial.run(&output);
    assert!(
        command
            .args(["--durability", "none"])
            .status()
            .unwrap()
            .success()
    );
    cut(&mount, true);
    mount.again();
    let empty = |(_, meta): &(_, fs::Metadata)| meta.is_file() && meta.len() == 0;
    let lost = !output.exists() || walk(&output).iter().any(empty);
    assert!(
        lost,
        "a cut right after a run without any sync has lost nothing"
    );
}
