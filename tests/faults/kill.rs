//! A run that is killed leaves no output or a whole one, and the next run for the same name succeeds and cleans up.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Runs as _, regcarve};
use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tools;
use regcarve_test_support::tree::staging_beside;
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};

use crate::long_or;
use crate::strace::{self, Point};
use crate::world::{Chance, World, quick_folder, run, spec};

/// Those that a run makes, from its first to its last.
const CALLS: [&str; 18] = [
    "openat",
    "openat2",
    "linkat",
    "mkdirat",
    "renameat2",
    "write",
    "fsync",
    "syncfs",
    "fstat",
    "newfstatat",
    "getdents64",
    "close",
    "read",
    "flock",
    "fchmod",
    "unlinkat",
    "mmap",
    "clone3",
];

/// Names beside the output that look like staging and must not be touched: no pattern of ours, and one at
/// which another run is still busy.
struct Strangers {
    names: Vec<String>,
    _busy: std::os::fd::OwnedFd,
}

impl Strangers {
    fn beside(output: &Path) -> Self {
        let name = output.file_name().unwrap().to_str().unwrap();
        let names = ["backup", "1-mine", "1-0000beef"].map(|end| format!(".{name}.partial-{end}"));
        for name in &names {
            let path = output.with_file_name(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("precious"), "work").unwrap();
        }
        let busy = output.with_file_name(&names[2]);
        let busy = rustix::fs::open(&busy, OFlags::RDONLY, Mode::empty()).unwrap();
        rustix::fs::flock(&busy, FlockOperation::LockExclusive).unwrap();
        let mut names = names.to_vec();
        names.sort();
        Self { names, _busy: busy }
    }

    fn are_all(&self, output: &Path) -> Result<(), String> {
        let mut left = staging_beside(output);
        left.sort();
        if left != self.names {
            return Err(format!("beside the output are {left:?}"));
        }
        Ok(())
    }
}

/// What has to be true after a kill, and of the run after it.
fn check(world: &World, output: &Path, strangers: &Strangers) -> Result<bool, String> {
    world.source_is_unchanged()?;
    let whole = world.is_whole(output)?;
    let next = world.run(output).outcome();
    let expected = if whole { 6 } else { 0 };
    if next.code != expected {
        return Err(format!("the next run: {}", next.everything()));
    }
    // One that finds the name taken has no reason to look for what was left.
    if whole {
        fs::remove_dir_all(output).unwrap();
        world.run(output).outcome().assert_code(0);
    }
    if !world.is_whole(output)? {
        return Err("the next run published nothing".into());
    }
    fs::remove_dir_all(output).unwrap();
    strangers.are_all(output)?;
    world.source_is_unchanged()?;
    Ok(whole)
}

fn prove(title: &str, results: Vec<Result<bool, String>>, least: usize) {
    let runs = results.len();
    let whole = results.iter().filter(|result| **result == Ok(true)).count();
    let wrong: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    eprintln!(
        "{title}: {runs} kills: {whole} whole, {} absent, {} wrong",
        runs - whole - wrong.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(runs >= least, "only {runs} kills");
}

fn kill_at_calls(count: usize) {
    if !tools::require(&["strace"]) {
        return;
    }
    let folder = quick_folder();
    let world = World::small(folder.path());
    let output = world.output("output");
    // One job makes the same calls every time.
    let mut run = world.run(&output);
    run.args(["--jobs", "1"]);
    let points = strace::points(&CALLS, &run);
    fs::remove_dir_all(&output).unwrap();
    let strangers = Strangers::beside(&output);
    let chosen = strace::sample(&points, count);
    let kill = |point: &Point| {
        let log = world.output("log");
        let options = point.options("signal=KILL");
        let killed = strace::under(&options, &log, &run).outcome();
        if killed.code != 128 + 9 {
            let _ = fs::remove_dir_all(&output);
            return Err(format!("{point:?}: not killed but exit {}", killed.code));
        }
        check(&world, &output, &strangers).map_err(|wrong| format!("{point:?}: {wrong}"))
    };
    let results = chosen.iter().map(kill).collect();
    prove("kill at calls", results, count.min(points.len()));
}

fn kill_at_times(count: u64) {
    let folder = quick_folder();
    let world = World::large(folder.path(), 200);
    let output = world.output("output");
    let clock = Instant::now();
    assert!(world.run(&output).status().unwrap().success());
    let usual = clock.elapsed();
    fs::remove_dir_all(&output).unwrap();
    let strangers = Strangers::beside(&output);
    let mut chance = Chance::new(1);
    let kill = |_| {
        let mut child = world.run(&output).stderr(Stdio::null()).spawn().unwrap();
        let time = chance.below(u64::try_from(usual.as_micros()).unwrap());
        std::thread::sleep(Duration::from_micros(time));
        let _ = child.kill();
        child.wait().unwrap();
        check(&world, &output, &strangers).map_err(|wrong| format!("after {time} µs: {wrong}"))
    };
    let results = (0..count).map(kill).collect();
    prove("kill at times", results, usize::try_from(count).unwrap());
}

/// Asked to stop, a run is gone within two seconds, with nothing left, and says by its exit code why.
fn stop_at_times(count: u64) {
    let folder = quick_folder();
    let world = World::large(folder.path(), 500);
    let output = world.output("output");
    let clock = Instant::now();
    assert!(world.run(&output).status().unwrap().success());
    let usual = clock.elapsed();
    fs::remove_dir_all(&output).unwrap();
    let mut chance = Chance::new(2);
    let (mut ends, mut longest) = ([0; 3], Duration::ZERO);
    for round in 0..count {
        let (signal, code) =
            [(Signal::INT, 130), (Signal::TERM, 143)][usize::try_from(round % 2).unwrap()];
        let child = world.run(&output).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(
            chance.below(u64::try_from(usual.as_micros()).unwrap()),
        ));
        let sent = Instant::now();
        let _ = kill_process(Pid::from_child(&child), signal);
        let ended = child.wait_with_output().unwrap();
        longest = longest.max(sent.elapsed());
        let said = String::from_utf8_lossy(&ended.stderr);
        let status = ended.status;
        assert_eq!(staging_beside(&output), Vec::<String>::new());
        match (status.code(), status.signal()) {
            (Some(0), _) => {
                ends[0] += 1;
                assert_eq!(world.is_whole(&output), Ok(true));
                fs::remove_dir_all(&output).unwrap();
            }
            // Before the program listens, the signal itself ends it. A shell shows the same code.
            (None, Some(ended)) => {
                ends[1] += 1;
                assert_eq!(128 + ended, code);
                assert_eq!(world.is_whole(&output), Ok(false));
            }
            (other, _) => {
                // Before anything is made, the signal ends the program at once.
                ends[1 + usize::from(said.contains("nothing was published"))] += 1;
                assert_eq!(other, Some(code));
                assert_eq!(world.is_whole(&output), Ok(false));
            }
        }
    }
    assert_eq!(world.source_is_unchanged(), Ok(()));
    eprintln!(
        "SIGINT and SIGTERM: {count} runs: {} complete before, {} stopped before they made anything, {} stopped and clean; the longest was gone after {longest:?}",
        ends[0], ends[1], ends[2]
    );
    assert!(
        longest < Duration::from_secs(2),
        "one went on for {longest:?}"
    );
    assert!(ends[2] > 0, "none was stopped in its middle");
}

/// A list that somebody types is waited for, but not by somebody deaf.
#[test]
fn a_run_that_waits_for_its_list_stops_at_once() {
    let folder = quick_folder();
    let world = World::small(folder.path());
    let output = world.output("output");
    let fifo = world.output("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        Mode::RWXU,
        0,
    )
    .unwrap();
    for list in ["-".into(), fifo.display().to_string()] {
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let mut command = regcarve(env!("CARGO_BIN_EXE_regcarve"));
            command.args(["run", "--list", &list]);
            command.arg(spec(world.storage.root())).arg(spec(&output));
            command.stdin(Stdio::piped()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            // Until it listens and waits.
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(child.try_wait().unwrap(), None);
            assert_eq!(staging_beside(&output), Vec::<String>::new());
            let sent = Instant::now();
            kill_process(Pid::from_child(&child), signal).unwrap();
            let status = child.wait().unwrap();
            assert!(
                sent.elapsed() < Duration::from_secs(2),
                "{list}: {:?}",
                sent.elapsed()
            );
            assert_eq!(status.code(), Some(code), "{list}");
            assert_eq!(staging_beside(&output), Vec::<String>::new());
            assert_eq!(world.is_whole(&output), Ok(false));
        }
    }
}

/// The same for a copy of something large.
#[test]
fn a_long_copy_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let huge = folder.path().join("huge");
    let storage = Storage::create(&huge);
    // A blob with holes is large at once, and is copied with all its bytes.
    let size = 6 << 30;
    // Not of its content: without --verify full only its size is looked at.
    let digest = Digest::of(b"huge");
    storage.blob_as(&digest, b"");
    fs::File::options()
        .write(true)
        .open(storage.blob_path(&digest))
        .unwrap()
        .set_len(size)
        .unwrap();
    let config = storage.blob(b"{}").typed(media::OCI_CONFIG);
    let layer = Descriptor {
        digest,
        size,
        ..Descriptor::of(b"")
    }
    .typed(media::OCI_LAYER);
    storage.image_of("huge", Some("1"), &config, &[layer]);
    let output = folder.path().join("output");
    let mut command = run(&huge, &output);
    let mut child = command
        .args(["--link", "copy"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(
        child.try_wait().unwrap(),
        None,
        "the copy is not long enough"
    );
    let sent = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let status = child.wait().unwrap();
    assert!(
        sent.elapsed() < Duration::from_secs(2),
        "{:?}",
        sent.elapsed()
    );
    assert_eq!(status.code(), Some(143));
    assert_eq!(staging_beside(&output), Vec::<String>::new());
    assert!(!output.exists());
}

#[test]
fn kills_at_every_call() {
    kill_at_calls(long_or(260, 24));
}

#[test]
fn kills_at_any_time() {
    kill_at_times(long_or(200, 24));
}

#[test]
fn signals_at_any_time() {
    stop_at_times(long_or(100, 8));
}
