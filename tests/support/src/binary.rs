//! Runs the program and keeps everything it said.
//!
//! ```ignore
//! let outcome = regcarve()
//!     .args(["run", "--image", "team/app:v1", "registry:in", "registry:out"])
//!     .outcome();
//! outcome.assert_code(0);
//! ```

use std::env;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use wait4::Wait4 as _;

/// No run in a test of ours takes a tenth of this, even on a busy machine; more is a hang.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The program under test: `REGCARVE_BIN`, else what cargo has built for the test that is running.
pub fn path() -> PathBuf {
    env::var_os("REGCARVE_BIN")
        .or_else(|| env::var_os("CARGO_BIN_EXE_regcarve"))
        .map(PathBuf::from)
        .expect("REGCARVE_BIN names the program where cargo does not start the test")
}

/// The program under test, with nothing on its standard input.
pub fn regcarve() -> Command {
    let mut command = Command::new(path());
    command.stdin(Stdio::null());
    command
}

/// Everything that is left of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The command, for messages.
    pub command: String,
    /// Exit code; 128 + n where a signal n ended it, so 137 where it took too long.
    pub code: i32,
    /// Its standard output: the result.
    pub stdout: String,
    /// Its standard error: the messages.
    pub stderr: String,
    /// From before its start to after its end.
    pub took: Duration,
    /// The most memory that it had at a time, in bytes.
    pub peak: u64,
    /// The JSON report: the `--report` file, else stdout where that is JSON.
    pub report: Option<Value>,
}

/// Runs a command to its end.
pub trait Runs {
    /// Runs; takes the report from the file of a `--report` argument or from stdout.
    fn outcome(&mut self) -> Outcome;
    /// Adds `--report` with a file of its own, then runs.
    fn reported(&mut self) -> Outcome;
}

impl Runs for Command {
    fn outcome(&mut self) -> Outcome {
        let command = format!("{self:?}");
        let done = run_within(self, TIME_LIMIT)
            .unwrap_or_else(|error| panic!("cannot run {command}: {error}"));
        let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
        let text = report_file(self).and_then(|path| fs::read_to_string(path).ok());
        let report = serde_json::from_str(text.as_deref().unwrap_or(&stdout)).ok();
        let signal = || 128 + done.status.signal().unwrap_or(0);
        Outcome {
            command,
            code: done.status.code().unwrap_or_else(signal),
            stdout,
            stderr: String::from_utf8_lossy(&done.stderr).into_owned(),
            took: done.took,
            peak: done.peak,
            report,
        }
    }

    fn reported(&mut self) -> Outcome {
        let folder = tempfile::tempdir().expect("folder for the report");
        self.arg("--report").arg(folder.path().join("report.json"));
        self.outcome()
    }
}

/// The status, the output, the time and the peak memory of a process that has ended.
struct Done {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    took: Duration,
    peak: u64,
}

/// Runs a command and kills it when it takes too long: a test must fail and not hang.
fn run_within(command: &mut Command, limit: Duration) -> io::Result<Done> {
    let start = Instant::now();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let process = Pid::from_child(&child);
    let (ended, waiting) = mpsc::channel::<()>();
    let guard = thread::spawn(move || {
        if waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(process, Signal::KILL);
        }
    });
    let used = child.wait4();
    let took = start.elapsed();
    drop(ended);
    guard.join().expect("a thread that only waits");
    let used = used?;
    let collected = |part: JoinHandle<Vec<u8>>| part.join().expect("a thread that only reads");
    Ok(Done {
        status: used.status,
        stdout: collected(stdout),
        stderr: collected(stderr),
        took,
        peak: used.rusage.maxrss,
    })
}

/// Reads a pipe to its end beside the main thread, so that neither pipe can fill up.
fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is what there is to show.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn report_file(command: &Command) -> Option<PathBuf> {
    let mut arguments = command.get_args();
    arguments.find(|argument| *argument == "--report")?;
    arguments.next().map(PathBuf::from)
}

impl Outcome {
    /// Everything, for a message.
    pub fn everything(&self) -> String {
        format!(
            "command: {}\nexit code: {}\nstdout:\n{}\nstderr:\n{}\nreport: {}",
            self.command,
            self.code,
            self.stdout,
            self.stderr,
            self.report
                .as_ref()
                .map_or_else(|| "none".to_owned(), |value| format!("{value:#}"))
        )
    }

    /// Fails unless the run ended with this code; gives itself back for the next question.
    #[track_caller]
    pub fn assert_code(&self, code: i32) -> &Self {
        assert!(
            self.code == code,
            "expected exit code {code}\n{}",
            self.everything()
        );
        self
    }

    /// Fails unless the messages hold this text.
    #[track_caller]
    pub fn assert_says(&self, text: &str) -> &Self {
        assert!(
            self.stderr.contains(text),
            "expected message {text:?}\n{}",
            self.everything()
        );
        self
    }

    /// Fails unless its result holds this text.
    #[track_caller]
    pub fn assert_prints(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text),
            "expected output {text:?}\n{}",
            self.everything()
        );
        self
    }

    /// Fails if the messages show a panic, whatever the exit code was.
    #[track_caller]
    pub fn assert_no_panic(&self) -> &Self {
        assert!(
            !self.stderr.contains("panicked at"),
            "it panicked\n{}",
            self.everything()
        );
        self
    }

    /// The report; fails where there is none.
    #[track_caller]
    pub fn report(&self) -> &Value {
        match &self.report {
            Some(report) => report,
            None => panic!("expected a report\n{}", self.everything()),
        }
    }

    /// The texts under `key` of all members of the report's list `list`, such as
    /// `listed("images", "reference")`.
    #[track_caller]
    pub fn listed(&self, list: &str, key: &str) -> Vec<String> {
        let Some(members) = self.report()[list].as_array() else {
            panic!(
                "expected a list {list:?} in the report\n{}",
                self.everything()
            );
        };
        members
            .iter()
            .map(|member| member[key].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_code_output_and_report() {
        let outcome = Command::new("sh")
            .args([
                "-c",
                r#"echo '{"images":[{"reference":"a:1"}]}'; echo said >&2; exit 3"#,
            ])
            .outcome();
        outcome.assert_code(3).assert_says("said").assert_no_panic();
        assert_eq!(outcome.listed("images", "reference"), ["a:1"]);
    }

    #[test]
    fn reads_the_report_file() {
        let outcome = Command::new("sh")
            .args(["-c", r#"echo '{"totals":{}}' > "$1""#])
            .reported();
        assert!(outcome.report()["totals"].is_object());
    }
}
