//! Every call fails once, in each way that a file system knows: the run ends with a message that a person can act on and
//! leaves nothing, or it is complete.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::tools::{self, long_or};

use crate::strace::{self, Point};
use crate::trial::{Trial, Way};

const FILE_ERRORS: [&str; 8] = [
    "EIO", "ENOSPC", "EXDEV", "EPERM", "EACCES", "EMLINK", "EMFILE", "EINTR",
];
/// The system calls that only copies and reports need.
const COPY_CALLS: [&str; 4] = ["copy_file_range", "sendfile", "splice", "ioctl"];
/// The system calls that look after a staging directory.
const STAGING_CALLS: [&str; 7] = [
    "flock", "fchmod", "unlinkat", "fstatfs", "readlink", "open", "mkdir",
];
const STAGING_ERRORS: [&str; 5] = ["EIO", "EPERM", "ENOMEM", "EAGAIN", "EINTR"];
/// The system calls of the program itself: threads, signals, limits, memory of components. None of them is ever
/// interrupted.
const PROCESS_CALLS: [&str; 10] = [
    "clone3",
    "rt_sigaction",
    "sigaltstack",
    "prlimit64",
    "fcntl",
    "umask",
    "memfd_create",
    "sched_getaffinity",
    "getcwd",
    "madvise",
];
const PROCESS_ERRORS: [&str; 3] = ["EIO", "EAGAIN", "ENOMEM"];

/// No run may take longer.
const LONGEST: Duration = Duration::from_secs(30);

#[derive(Clone)]
struct Case {
    point: Point,
    error: &'static str,
    jobs: Option<&'static str>,
}

/// The results of all cases.
#[derive(Default)]
struct Tally {
    ends: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

fn cases(trial: &Trial, calls: &[&'static str], errors: &[&'static str]) -> Vec<Case> {
    let mut cases = Vec::new();
    for jobs in [Some("1"), None] {
        let output = trial.path("counted");
        let mut command = trial.run(&output);
        command.args(jobs.iter().flat_map(|jobs| ["--jobs", jobs]));
        let points = strace::points(calls, &command);
        std::fs::remove_dir_all(output).unwrap();
        let of = |point: &Point| {
            let point = *point;
            errors.iter().map(move |error| Case { point, error, jobs })
        };
        cases.extend(points.iter().flat_map(of));
    }
    cases
}

/// Runs all cases, two at a time.
fn run_all(trial: &Trial, cases: &[Case]) -> Tally {
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = |worker: usize| {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (end, wrong) = run_one(trial, worker, case);
            let mut tally = tally.lock().unwrap();
            *tally.ends.entry(end).or_default() += 1;
            tally.wrong.extend(wrong);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| work(0));
        work(1);
    });
    tally.into_inner().unwrap()
}

fn run_one(trial: &Trial, worker: usize, case: &Case) -> (String, Option<String>) {
    let output = trial.path(&format!("out{worker}"));
    let log = trial.path(&format!("log{worker}"));
    let mut command = trial.run(&output);
    command.args(case.jobs.iter().flat_map(|jobs| ["--jobs", jobs]));
    let mut options = case.point.options(&format!("error={}", case.error));
    // Twice as fast: strace is not asked about other calls. It cannot send signals so.
    options.push("--seccomp-bpf".into());
    let began = Instant::now();
    let outcome = strace::under(&options, &log, &command).outcome();
    let took = began.elapsed();
    let injected = std::fs::read_to_string(&log)
        .unwrap()
        .contains("(INJECTED)");
    let result = judge(trial, &output, case, &outcome, injected);
    let _ = std::fs::remove_dir_all(&output);
    let end = match (injected, outcome.code) {
        (false, _) => "not reached".to_owned(),
        _ if not_started(&outcome) => "not started".to_owned(),
        (true, code) => format!("exit {code}"),
    };
    let problem = match result {
        Ok(()) if took > LONGEST => Some(format!("it took {took:?}")),
        Ok(()) => None,
        Err(problem) => Some(problem),
    };
    let Case { point, error, jobs } = case;
    let wrong = problem.map(|problem| {
        format!(
            "{} {} {error} jobs {jobs:?}: exit {}: {problem}\n    {}",
            point.call,
            point.when,
            outcome.code,
            outcome.stderr.trim_end().replace('\n', "\n    ")
        )
    });
    (end, wrong)
}

fn judge(
    trial: &Trial,
    output: &std::path::Path,
    case: &Case,
    outcome: &Outcome,
    injected: bool,
) -> Result<(), String> {
    if trial.clean(output, outcome)? {
        return Ok(());
    }
    if not_started(outcome) {
        return Ok(());
    }
    if !injected {
        return Err("it failed without a fault".into());
    }
    if case.error == "EINTR" {
        return Err("an interrupted call was not made again".into());
    }
    if !(1..=7).contains(&outcome.code) {
        return Err("the exit code means nothing".into());
    }
    if !outcome.stderr.starts_with("regcarve: ") {
        return Err("the message is not ours".into());
    }
    // The library of threads makes one reason of two.
    let error = match (case.point.call, case.error) {
        ("clone3", "ENOMEM") => "EAGAIN",
        (_, error) => error,
    };
    let number = format!("(os error {})", number(error));
    if !outcome.stderr.contains(error) && !outcome.stderr.contains(&number) {
        return Err(format!("the message does not say {error}"));
    }
    let call = case.point.call.trim_start_matches("new");
    // The one place that these calls are about.
    if matches!(call, "syncfs" | "fsync") && !outcome.stderr.contains(&output.display().to_string())
    {
        return Err("the message does not name the output".into());
    }
    let names_call = match call {
        // These are one call in several forms.
        "fstatat" | "statx" | "fstat" => outcome.stderr.contains("stat"),
        "openat" | "openat2" | "open" => outcome.stderr.contains("open"),
        "rt_sigaction" => outcome.stderr.contains("signal"),
        call => outcome.stderr.contains(call),
    };
    if names_call {
        Ok(())
    } else {
        Err(format!("the message does not name the call {call}"))
    }
}

/// The system could not even start the program: neither its loader nor the runtime of its language has got to its
/// `main`.
fn not_started(outcome: &Outcome) -> bool {
    let said = |text| outcome.stderr.contains(text);
    (outcome.code == 127 && said("loading shared libraries"))
        || (outcome.code == 134 && said("fatal runtime error"))
}

fn number(error: &str) -> u8 {
    match error {
        "EPERM" => 1,
        "EINTR" => 4,
        "EIO" => 5,
        "EAGAIN" => 11,
        "ENOMEM" => 12,
        "EACCES" => 13,
        "EXDEV" => 18,
        "EMFILE" => 24,
        "ENOSPC" => 28,
        "EMLINK" => 31,
        other => panic!("{other}?"),
    }
}

fn prove(title: &str, tally: &Tally, least: usize) {
    let runs: usize = tally.ends.values().sum();
    eprintln!(
        "{title}: {runs} runs: {:?}, {} wrong",
        tally.ends,
        tally.wrong.len()
    );
    assert!(
        tally.wrong.is_empty(),
        "{} of {runs} runs broke the promise:\n{}",
        tally.wrong.len(),
        tally.wrong[..tally.wrong.len().min(60)].join("\n")
    );
    assert!(runs >= least, "only {runs} runs");
}

fn whole_matrix(
    title: &str,
    way: Way,
    calls: &[&'static str],
    errors: &[&'static str],
    count: usize,
) {
    if !tools::require(&["strace"]) {
        return;
    }
    let trial = Trial::small().carved(way);
    let cases = strace::sample(&cases(&trial, calls, errors), count);
    prove(title, &run_all(&trial, &cases), cases.len());
}

#[test]
fn every_file_call_may_fail() {
    let count = long_or(usize::MAX, 200);
    whole_matrix("links", Way::Link, &strace::FILE_CALLS, &FILE_ERRORS, count);
}

#[test]
fn every_file_call_may_fail_while_replacing_and_copying() {
    let count = long_or(usize::MAX, 50);
    whole_matrix(
        "replace",
        Way::Replace,
        &strace::FILE_CALLS,
        &FILE_ERRORS,
        count,
    );
    whole_matrix(
        "copies",
        Way::Copy,
        &strace::FILE_CALLS,
        &FILE_ERRORS,
        count,
    );
    whole_matrix("copying", Way::Copy, &COPY_CALLS, &FILE_ERRORS, count);
}

#[test]
fn every_call_of_staging_and_of_the_process_may_fail() {
    let count = long_or(usize::MAX, 25);
    let matrix = |title, calls, errors| whole_matrix(title, Way::Link, calls, errors, count);
    matrix("staging", &STAGING_CALLS, &STAGING_ERRORS);
    matrix("process", &PROCESS_CALLS, &PROCESS_ERRORS);
}
