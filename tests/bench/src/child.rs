//! Runs one program as a whole and says what it took.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use wait4::Wait4;

/// The time, the memory and the words of a finished program.
///
/// The peak is that of the process and its children. Linux counts in the peak of whoever started it,
/// so this program keeps itself small: whatever needs much memory runs in a child.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// From before the start to after the end, as a shell's `time` would say.
    pub seconds: f64,
    /// Largest resident memory in bytes.
    pub peak: u64,
    /// Exit code, if it was not killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a program to its end, whatever that is.
pub(crate) fn run(command: &mut Command) -> Result<Outcome> {
    // Files and not pipes: the program never waits for us.
    let (stdout, stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?);
    let start = Instant::now();
    let used = command
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?
        .wait4()?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Outcome {
        seconds,
        peak: used.rusage.maxrss,
        code: used.status.code(),
        stdout: text(stdout)?,
        stderr: text(stderr)?,
    })
}

/// Runs a program that must succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<Outcome> {
    let outcome = run(command)?;
    if outcome.code != Some(0) {
        bail!(
            "{command:?} ended with {:?}: {}",
            outcome.code,
            outcome.stderr.trim()
        );
    }
    Ok(outcome)
}

fn text(mut file: File) -> Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
