//! A disk that hangs in the middle of a run: one that is frozen, which stops every writer in the kernel.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::tree::staging_beside;
use rustix::process::{Pid, Signal, kill_process};

use crate::disk::{Mount, must, possible};
use crate::world::World;

/// A busy machine may take so long for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file system that takes no writes as long as this lives.
struct Frozen<'a>(&'a str);

impl<'a> Frozen<'a> {
    fn new(path: &'a str) -> Self {
        must("fsfreeze", &["--freeze", path]);
        Self(path)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        let _ = Command::new("fsfreeze")
            .args(["--unfreeze", self.0])
            .status();
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_disk_that_hangs_ends_the_run() {
    if !possible(&["mount", "mkfs.ext4", "fsfreeze"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let make = ["mkfs.ext4", "-q", "-F"];
    let disk = Mount::disk(&folder.path().join("disk"), 256, &make);
    let world = World::large(&disk.path, 500);
    let output = world.output("output");

    let mut run = world.run(&output);
    run.args(["--guest-wait", "1"]).stderr(Stdio::piped());
    let mut child = run.spawn().unwrap();
    // In its middle: there are blobs, and it is stopped until the disk is frozen.
    wait_until("a first blob", || {
        staging_beside(&output).iter().any(|staging| {
            let blobs = "docker/registry/v2/blobs/sha256";
            world.output(staging).join(blobs).exists()
        })
    });
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    let frozen = Frozen::new(disk.path.to_str().unwrap());
    kill_process(pid, Signal::CONT).unwrap();

    // It says what hangs while it does.
    let (says, said) = mpsc::channel();
    let stderr = BufReader::new(child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        stderr.lines().map_while(Result::ok).for_each(|line| {
            let _ = says.send(line);
        });
    });
    let line = said.recv_timeout(PATIENCE).unwrap();
    assert!(
        line.contains("the system has not answered `output.")
            && line.contains("of component `registry` for more than 1 s"),
        "{line}"
    );
    // The kernel lets a process go that waits for a disk when the disk is back, and not before.
    drop(frozen);
    let mut status = None;
    wait_until("the end", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    reader.join().unwrap();
    assert_eq!(status.and_then(|status| status.code()), Some(1));
    assert_eq!(world.is_whole(&output), Ok(false));
    assert_eq!(world.source_is_unchanged(), Ok(()));
    assert!(!staging_beside(&output).is_empty());

    let next = world.run(&output).outcome();
    assert_eq!(world.clean(&output, &next), Ok(true));
}
