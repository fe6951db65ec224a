//! Many runs at once for the same output.

use std::fs;
use std::process::{Command, Stdio};

use crate::trial::{Trial, run};
use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::tools::long_or;
use regcarve_test_support::tree::{draw, staging_beside};

/// Starts all at once; how each ended, and what those said that were neither complete (0) nor refused (6).
fn at_once(
    runs: usize,
    make: impl Fn() -> Command,
    refused: &[String],
) -> (Vec<Option<i32>>, String) {
    let children: Vec<_> = (0..runs)
        .map(|_| make().stderr(Stdio::piped()).spawn().unwrap())
        .collect();
    let mut codes = Vec::new();
    let mut said = String::new();
    for child in children {
        let ended = child.wait_with_output().unwrap();
        codes.push(ended.status.code());
        let stderr = String::from_utf8_lossy(&ended.stderr);
        match ended.status.code() {
            Some(0) => {}
            Some(6) => assert!(
                refused.iter().any(|words| stderr.contains(words)),
                "{stderr}"
            ),
            _ => said += &stderr,
        }
    }
    codes.sort_unstable();
    (codes, said)
}

/// Exactly one gets it, the others say that it is taken, and nothing is left. Among them are those that look for what
/// killed runs left in the moment in which another has made its staging folder and not locked it yet.
fn one_name(runs: usize, rounds: usize) {
    let trial = Trial::small();
    let output = trial.output();
    for _ in 0..rounds {
        let exists = format!("{} exists already", output.display());
        let (codes, said) = at_once(runs, || trial.run(&output), &[exists]);
        assert_eq!(codes[0], Some(0), "{said}");
        assert!(
            codes[1..].iter().all(|code| *code == Some(6)),
            "{codes:?}\n{said}"
        );
        assert_eq!(trial.is_whole(&output), Ok(true));
        assert_eq!(staging_beside(&output), Vec::<String>::new());
        assert_eq!(trial.source_is_unchanged(), Ok(()));
        fs::remove_dir_all(&output).unwrap();
    }
    eprintln!(
        "{runs} runs to one name, {rounds} times: 1 complete, {} refused each time, nothing left",
        runs - 1
    );
}

#[test]
fn of_a_hundred_runs_for_one_output_exactly_one_succeeds() {
    one_name(100, long_or(10, 1));
}

/// Those that are not refused replace one another's output: one after the other, each as a whole.
#[test]
fn concurrent_runs_with_replace_leave_one_whole_output() {
    let trial = Trial::small();
    let output = trial.output();
    let busy = format!("another run is at work on {}", output.display());
    let replace = || {
        let mut run = run(trial.source(), &output);
        run.args(["--replace", "--link", "copy"]);
        run
    };
    let mut complete = 0;
    for _ in 0..long_or(50, 5) {
        let (codes, said) = at_once(20, replace, std::slice::from_ref(&busy));
        complete += codes.iter().filter(|code| **code == Some(0)).count();
        assert_eq!(codes[0], Some(0), "{said}");
        assert!(
            codes.iter().all(|code| matches!(code, Some(0 | 6))),
            "{codes:?}\n{said}"
        );
        let whole = draw(&output);
        assert_eq!(staging_beside(&output), Vec::<String>::new());
        fs::remove_dir_all(&output).unwrap();
        replace().outcome().assert_code(0);
        assert_eq!(draw(&output), whole);
    }
    assert_eq!(trial.source_is_unchanged(), Ok(()));
    eprintln!(
        "runs that replace one output: {complete} complete, the others refused, nothing left"
    );
}
