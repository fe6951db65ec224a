//! A run that is killed leaves no output or a whole one, and the next run for the same name succeeds and cleans up.

use std::fs;
use std::io::Read as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::fixture::{Fixture, program, registry};
use regcarve_test_support::media;
use regcarve_test_support::tools::{self, long_or};
use regcarve_test_support::tree::{assert_carved, staging_beside};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};

use crate::strace::{self, Point};
use crate::trial::{Chance, Trial, run};

/// The system calls that a run makes besides [`strace::FILE_CALLS`].
const OTHER_CALLS: [&str; 5] = ["flock", "fchmod", "unlinkat", "mmap", "clone3"];

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

/// Checks all that has to be true after a kill, and of the run after it; answers whether the output is whole.
fn check(trial: &Trial, output: &Path, strangers: &Strangers) -> Result<bool, String> {
    trial.source_is_unchanged()?;
    let whole = trial.is_whole(output)?;
    let next = trial.run(output).outcome();
    let expected = if whole { 6 } else { 0 };
    if next.code != expected {
        return Err(format!("the next run: {}", next.everything()));
    }
    // One that finds the name taken has no reason to look for what was left.
    if whole {
        fs::remove_dir_all(output).unwrap();
        trial.run(output).outcome().assert_code(0);
    }
    if !trial.is_whole(output)? {
        return Err("the next run published nothing".into());
    }
    fs::remove_dir_all(output).unwrap();
    strangers.are_all(output)?;
    trial.source_is_unchanged()?;
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
    let trial = Trial::small();
    let output = trial.output();
    // One job makes the same calls every time.
    let mut run = trial.run(&output);
    run.args(["--jobs", "1"]);
    let calls = [&strace::FILE_CALLS[..], &OTHER_CALLS].concat();
    let points = strace::points(&calls, &run);
    fs::remove_dir_all(&output).unwrap();
    let strangers = Strangers::beside(&output);
    let chosen = strace::sample(&points, count);
    let kill = |point: &Point| {
        let log = trial.path("log");
        let options = point.options("signal=KILL");
        let killed = strace::under(&options, &log, &run).outcome();
        if killed.code != 128 + 9 {
            let _ = fs::remove_dir_all(&output);
            return Err(format!("{point:?}: not killed but exit {}", killed.code));
        }
        check(&trial, &output, &strangers).map_err(|wrong| format!("{point:?}: {wrong}"))
    };
    let results = chosen.iter().map(kill).collect();
    prove("kill at calls", results, count.min(points.len()));
}

fn kill_at_times(count: u64) {
    let trial = Trial::large_in(Fixture::in_memory(), 200);
    let output = trial.output();
    let usual = trial.usual_time();
    let strangers = Strangers::beside(&output);
    let mut chance = Chance::new(1);
    let kill = |_| {
        let mut child = trial.run(&output).stderr(Stdio::null()).spawn().unwrap();
        let time = chance.below(u64::try_from(usual.as_micros()).unwrap());
        std::thread::sleep(Duration::from_micros(time));
        let _ = child.kill();
        child.wait().unwrap();
        check(&trial, &output, &strangers).map_err(|wrong| format!("after {time} µs: {wrong}"))
    };
    let results = (0..count).map(kill).collect();
    prove("kill at times", results, usize::try_from(count).unwrap());
}

/// The signals that tell a run to stop, and the exit code for each.
const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// Asked to stop, a run is gone within two seconds, with nothing left, and says by its exit code why.
fn stop_at_times(count: u64) {
    let trial = Trial::large_in(Fixture::in_memory(), 500);
    let output = trial.output();
    let usual = trial.usual_time();
    let mut chance = Chance::new(2);
    let (mut ends, mut longest) = ([0; 3], Duration::ZERO);
    for round in 0..count {
        let (signal, code) = SIGNALS[usize::try_from(round % 2).unwrap()];
        let mut child = trial.run(&output).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(
            chance.below(u64::try_from(usual.as_micros()).unwrap()),
        ));
        let sent = Instant::now();
        let _ = kill_process(Pid::from_child(&child), signal);
        let status = child.wait().unwrap();
        longest = longest.max(sent.elapsed());
        assert_eq!(staging_beside(&output), Vec::<String>::new());
        match (status.code(), status.signal()) {
            (Some(0), _) => {
                ends[0] += 1;
                assert_eq!(trial.is_whole(&output), Ok(true));
                assert_carved(trial.source(), &output);
                fs::remove_dir_all(&output).unwrap();
            }
            // Before the program listens, the signal itself ends it. A shell shows the same code.
            (None, Some(ended)) => {
                ends[1] += 1;
                assert_eq!(128 + ended, code);
                assert_eq!(trial.is_whole(&output), Ok(false));
            }
            (other, _) => {
                ends[2] += 1;
                assert_eq!(other, Some(code));
                assert_eq!(trial.is_whole(&output), Ok(false));
            }
        }
    }
    assert_eq!(trial.source_is_unchanged(), Ok(()));
    eprintln!(
        "SIGINT and SIGTERM: {count} runs: {} complete before, {} stopped before they listened, {} stopped and clean; the longest was gone after {longest:?}",
        ends[0], ends[1], ends[2]
    );
    assert!(
        longest < Duration::from_secs(2),
        "one went on for {longest:?}"
    );
    assert!(ends[2] > 0, "none was stopped in its middle");
}

/// The list is being typed: a run may have begun with its output, or not.
#[test]
fn a_run_that_waits_for_its_list_stops_at_once() {
    let trial = Trial::small();
    let output = trial.output();
    let fifo = trial.path("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        Mode::RWXU,
        0,
    )
    .unwrap();
    for list in ["-".into(), fifo.display().to_string()] {
        for (signal, code) in SIGNALS {
            let mut child = program("run")
                .args(["--list", &list])
                .args([registry(trial.source()), registry(&output)])
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // Time enough to get to the list.
            std::thread::sleep(Duration::from_millis(300));
            assert_eq!(child.try_wait().unwrap(), None, "{list}: it does not wait");
            let sent = Instant::now();
            kill_process(Pid::from_child(&child), signal).unwrap();
            // What it reads is not closed: `wait` would do so.
            let typed = child.stdin.take();
            let status = child.wait().unwrap();
            drop(typed);
            assert!(
                sent.elapsed() < Duration::from_secs(2),
                "{list}: {:?}",
                sent.elapsed()
            );
            let mut said = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            // Before anything is made the signal itself ends it. A shell shows the same code.
            match status.code() {
                Some(own) => {
                    assert_eq!(own, code, "{list}: {said}");
                    assert!(said.contains("nothing was published"), "{list}: {said}");
                }
                None => assert_eq!(
                    status.signal().map(|ended| 128 + ended),
                    Some(code),
                    "{list}"
                ),
            }
            assert_eq!(staging_beside(&output), Vec::<String>::new());
            assert_eq!(trial.is_whole(&output), Ok(false));
        }
    }
}

/// A copy of something large is given up in its middle.
#[test]
fn a_long_copy_stops_at_once() {
    let fixture = Fixture::new();
    let storage = &fixture.storage;
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
    let output = fixture.output();
    let mut command = run(storage.root(), &output);
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
fn after_a_kill_at_any_call_the_next_run_succeeds_and_cleans_up() {
    kill_at_calls(long_or(260, 24));
}

#[test]
fn after_a_kill_at_any_time_the_next_run_succeeds_and_cleans_up() {
    kill_at_times(long_or(200, 24));
}

#[test]
fn a_signal_at_any_time_stops_the_run_and_leaves_nothing() {
    stop_at_times(long_or(100, 12));
}
