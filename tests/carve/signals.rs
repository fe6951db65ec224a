//! A run that is told to stop leaves nothing.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tree::{assert_carved, staging_beside};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::world::{World, program, spec};

const SIGNALS: [(Signal, i32); 3] = [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)];

fn send(child: &Child, signal: Signal) {
    // A run that has ended meanwhile is waited for below, so the number is still its own.
    let _ = kill_process(Pid::from_child(child), signal);
}

/// The signal comes while the list is still being typed: nothing has been made yet, and the run ends at once.
#[test]
fn a_signal_while_the_list_is_typed() {
    let world = World::new();
    for (signal, code) in SIGNALS {
        let mut child = program("run")
            .args(["--list", "-"])
            .arg(world.source())
            .arg(spec(&world.output()))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut list = child.stdin.take().unwrap();
        list.write_all(b"team/app:v1\n").unwrap();
        let began = Instant::now();
        // The first line has been read: the run waits for the second one.
        while rustix::io::ioctl_fionread(&list).unwrap() > 0 {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "the list is not read"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(!world.output().exists() && staging_beside(&world.output()).is_empty());
        let sent = Instant::now();
        send(&child, signal);
        let status = child.wait().unwrap();
        assert!(
            sent.elapsed() < Duration::from_secs(2),
            "it went on for {:?}",
            sent.elapsed()
        );
        assert_eq!(status.code(), Some(code));
        assert!(!world.output().exists() && staging_beside(&world.output()).is_empty());
    }
}

/// Signals at any other moment: the output is whole or not there, and the source is what it was.
#[test]
fn a_signal_at_any_moment() {
    // In memory, if there is such a place: this is about moments, not about disks.
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let storage = Storage::create(folder.path().join("source"));
    for number in 0..1_000 {
        let layer = format!("layer {number}");
        let config = json!({ "number": number });
        storage.image(
            &format!("team/app{}", number / 10),
            &format!("v{number}"),
            &[layer.as_bytes()],
            &config,
        );
    }
    let output = folder.path().join("output");
    let before = Snapshot::take(storage.root());
    let mut stopped = 0;
    for step in 0..12 {
        let (signal, code) = SIGNALS[step % 2];
        let child = command(&storage, &output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(6 * step as u64));
        let sent = Instant::now();
        send(&child, signal);
        let ended = child.wait_with_output().unwrap();
        let (status, said) = (ended.status, String::from_utf8_lossy(&ended.stderr));
        assert!(
            sent.elapsed() < Duration::from_secs(2),
            "it went on for {:?}",
            sent.elapsed()
        );
        assert!(
            staging_beside(&output).is_empty(),
            "staging was left after step {step}"
        );
        match status.code() {
            Some(0) => {
                assert_carved(storage.root(), &output);
                std::fs::remove_dir_all(&output).unwrap();
            }
            // Before anything is made, the signal ends the program at once; there is nothing to clean up then.
            other => {
                let killed = std::os::unix::process::ExitStatusExt::signal(&status)
                    .map(|number| 128 + number);
                assert_eq!(other.or(killed), Some(code), "step {step}");
                assert!(!output.exists());
                stopped += usize::from(said.contains("nothing was published"));
            }
        }
    }
    assert!(
        stopped > 0,
        "no run was stopped in its middle: the storage is too small for this machine"
    );
    assert_same(&before, &Snapshot::take(storage.root()));
}

fn command(storage: &Storage, output: &std::path::Path) -> Command {
    let mut command = program("run");
    command
        .args(["--all", "--jobs", "2"])
        .arg(spec(storage.root()))
        .arg(spec(output));
    command
}

/// Whoever reads the result may stop reading.
#[test]
fn a_closed_pipe_is_no_failure() {
    let world = World::new();
    let output = spec(&world.output());
    let source = world.source();
    let commands: [&[&str]; 4] = [
        &["list", &source],
        &["list", "--long", &source],
        &["plan", "--all", "--format", "json", &source],
        &["run", "--all", "--report", "-", &source, &output],
    ];
    for arguments in commands {
        let mut child = program(arguments[0])
            .args(&arguments[1..])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    program("list").arg(world.source()).outcome().assert_code(0);
}
