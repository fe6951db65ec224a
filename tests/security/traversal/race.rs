//! Another process swaps folders for symlinks to the canary, as fast as a machine can, while runs go on.
//!
//! The swap is `renameat2` with `RENAME_EXCHANGE`, so there is no moment without the name. Whatever a run makes of it,
//! the canary has one name afterwards, and nothing that was carved is another thing than it should be.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::tools::long_or;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Guarded, LAYER, RUN, breaches, canary, guarded_storage};

/// As many as the kernel's own test of `openat2` does.
const SWAPS: usize = 400_000;

fn swap(one: &Path, other: &Path) -> bool {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok()
}

/// A run with one worker or two. With few open files allowed, none is kept open between looking and linking: it is opened
/// by its name once more.
fn carve(guarded: &Guarded, jobs: &str, open_files: u32) -> Outcome {
    Command::new("sh")
        .args(["-c", &format!("ulimit -n {open_files}; exec \"$@\""), "sh"])
        .arg(regcarve().get_program())
        .args(RUN)
        .args(["--jobs", jobs])
        .args([guarded.source(), guarded.spec("registry:output")])
        .stdin(Stdio::null())
        .reported()
}

/// Everything that is wrong with the end of a run.
fn problems(guarded: &Guarded, outcome: &Outcome, layer: u64) -> Vec<String> {
    let mut problems = breaches(guarded, &outcome.everything());
    let output = guarded.path("output");
    match outcome.code {
        0 => {
            let root = regcarve_test_support::storage::Storage::at(&output);
            let link = fs::read_to_string(root.tag_path("team/app", "v1")).unwrap_or_default();
            if link != guarded.made.top.as_str() {
                problems.push(format!("the tag is {link}"));
            }
            let placed = root.blob_path(&Digest::of(LAYER)).symlink_metadata();
            if placed.map(|meta| meta.ino()).ok() != Some(layer) {
                problems.push("the layer is another file".into());
            }
        }
        // A symlink that was seen is damage of the source, and so is what is out of it at this moment.
        4 if output.symlink_metadata().is_err() => {}
        _ => problems.push(format!("exit code {}", outcome.code)),
    }
    if outcome.stderr.contains("panicked") {
        problems.push("it panicked".into());
    }
    if !problems.is_empty() {
        problems.push(outcome.everything());
    }
    problems
}

/// Swaps a folder of the storage for a symlink to the canary, and back, during runs.
fn beside_runs(place: &str, path: impl Fn(&Guarded) -> PathBuf, swaps: usize) {
    let guarded = guarded_storage();
    let path = path(&guarded);
    let decoy = guarded.path("decoy");
    symlink(canary(&guarded), &decoy).unwrap();
    let layer = fs::metadata(guarded.storage.blob_path(&Digest::of(LAYER)))
        .unwrap()
        .ino();
    let done = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (mut runs, mut complete) = (0, 0);
    let mut wrong = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = fastrand::Rng::with_seed(3);
            while !stop.load(Ordering::Relaxed) {
                // Two by two, so that it ends as it began.
                assert!(swap(&path, &decoy));
                for _ in 0..random.u32(0..200) {
                    std::hint::spin_loop();
                }
                assert!(swap(&path, &decoy));
                done.fetch_add(2, Ordering::Relaxed);
            }
        });
        while done.load(Ordering::Relaxed) < swaps && wrong.is_empty() {
            let (jobs, open_files) = [("1", 64), ("2", 64), ("2", 1024)][runs % 3];
            let outcome = carve(&guarded, jobs, open_files);
            runs += 1;
            complete += usize::from(outcome.code == 0);
            wrong = problems(&guarded, &outcome, layer);
            let _ = fs::remove_dir_all(guarded.path("output"));
        }
        stop.store(true, Ordering::Relaxed);
    });
    let swaps = done.load(Ordering::Relaxed);
    println!(
        "{place}: {swaps} swaps, {runs} runs, {complete} complete, {} breaches",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{place}:\n{}", wrong.join("\n"));
    carve(&guarded, "2", 1024).assert_code(0);
}

fn swaps() -> usize {
    long_or(SWAPS, SWAPS / 20)
}

#[test]
fn a_tag_folder_that_is_swapped_is_never_followed() {
    beside_runs(
        "tag folder",
        |guarded| {
            guarded
                .storage
                .tag_path("team/app", "v1")
                .ancestors()
                .nth(2)
                .unwrap()
                .to_owned()
        },
        swaps(),
    );
}

#[test]
fn a_blob_folder_that_is_swapped_is_never_followed() {
    let folder = |guarded: &Guarded| {
        guarded
            .storage
            .blob_path(&Digest::of(LAYER))
            .parent()
            .unwrap()
            .to_owned()
    };
    beside_runs("blob folder", folder, swaps());
}

/// A process that can write beside the output can put something else in its place; but nothing is written or removed through it,
/// and a run does not take it for what it has built.
#[test]
fn a_staging_folder_that_is_swapped_is_not_taken_for_the_output() {
    let guarded = guarded_storage();
    let decoy = guarded.path("decoy");
    symlink(canary(&guarded), &decoy).unwrap();
    let done = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let (mut runs, mut complete) = (0, 0);
    let mut wrong = Vec::new();
    let staging = || {
        let names = fs::read_dir(guarded.folder()).unwrap().flatten();
        names.map(|entry| entry.path()).find(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(".output.partial-")
        })
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let Some(path) = staging() else { continue };
                // As often as it goes, until it is renamed or removed.
                while !stop.load(Ordering::Relaxed) && swap(&path, &decoy) {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        while done.load(Ordering::Relaxed) < swaps() && wrong.is_empty() {
            let outcome = carve(&guarded, "2", 1024);
            runs += 1;
            complete += usize::from(outcome.code == 0);
            wrong = breaches(&guarded, &outcome.everything());
            let built = guarded
                .path("output")
                .symlink_metadata()
                .is_ok_and(|meta| meta.is_dir());
            // What was swapped before it was opened, or when it was renamed, is noticed.
            let fine = if outcome.code == 0 {
                built
            } else {
                outcome.code == 1
            };
            if outcome.stderr.contains("panicked") || !fine {
                wrong.push(outcome.everything());
            }
            tidy(&guarded);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let swaps = done.load(Ordering::Relaxed);
    println!(
        "staging folder: {swaps} swaps, {runs} runs, {complete} complete, {} breaches",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Removes what a run and the swapper left, whatever it is now, and puts the decoy back.
fn tidy(guarded: &Guarded) {
    let keep = ["source", "canary"];
    for entry in fs::read_dir(guarded.folder()).unwrap().flatten() {
        let path = entry.path();
        if keep.contains(&entry.file_name().to_string_lossy().as_ref()) {
            continue;
        }
        let is_link = path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        // The swapper may be quicker; then it is gone next time.
        let _ = if is_link {
            fs::remove_file(&path)
        } else {
            fs::remove_dir_all(&path)
        };
    }
    let _ = symlink(canary(guarded), guarded.path("decoy"));
}
