//! The programs that are measured, and how each is called.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::child::{self, Outcome};
use crate::race::{Attempt, Taken};
use crate::replay::Replayed;

/// Paths of all programs.
pub(crate) struct Tools {
    regcarve: PathBuf,
    /// This program: replays and storages are made in children, see [`child::Outcome`].
    this: PathBuf,
    scripts: TempDir,
}

impl Tools {
    /// Finds everything; `regcarve` must be there.
    pub(crate) fn new(regcarve: &Path) -> Result<Self> {
        let regcarve = regcarve.canonicalize().with_context(|| {
            format!(
                "cannot find {}: build it with `cargo build --release`, or name it with --regcarve",
                regcarve.display()
            )
        })?;
        let scripts = tempfile::tempdir()?;
        fs::write(scripts.path().join("carve.sh"), crate::CARVE_SH)?;
        Ok(Self {
            regcarve,
            this: std::env::current_exe()?,
            scripts,
        })
    }

    /// A call of regcarve.
    pub(crate) fn regcarve<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(&self.regcarve);
        command.args(arguments);
        command
    }

    /// A call of the shell way.
    pub(crate) fn carve_sh(&self, list: &Path, source: &Path, out: &Path) -> Command {
        let mut command = Command::new("bash");
        command
            .arg(self.scripts.path().join("carve.sh"))
            .args([list, source, out]);
        command
    }

    /// A call of this program's own `replay`.
    pub(crate) fn replay(&self, threads: usize, source: &Path, tree: &Path, out: &Path) -> Command {
        let mut command = Command::new(&self.this);
        command.args(["replay", "--threads", &threads.to_string()]);
        command.args([source, tree, out]);
        command
    }

    /// A call of this program's own `make-storage`.
    pub(crate) fn make_storage(&self) -> Command {
        let mut command = Command::new(&self.this);
        command.arg("make-storage");
        command
    }
}

/// `registry:PATH`.
pub(crate) fn registry(path: &Path) -> Result<String> {
    let path = path.to_str().context("a path is not UTF-8")?;
    Ok(format!("registry:{path}"))
}

/// Runs regcarve.
pub(crate) fn attempt(command: &mut Command) -> Result<Attempt> {
    Ok(match run(command)? {
        Ok(outcome) => Attempt::Done(taken(&outcome)),
        Err(words) => Attempt::Unsupported(words),
    })
}

/// Runs any other program, which must succeed.
pub(crate) fn attempt_plain(command: &mut Command) -> Result<Attempt> {
    Ok(Attempt::Done(taken(&child::succeed(command)?)))
}

/// Runs a replay: what counts is the time it measured inside.
pub(crate) fn attempt_replay(command: &mut Command) -> Result<Attempt> {
    let outcome = match run(command)? {
        Ok(outcome) => outcome,
        Err(words) => return Ok(Attempt::Unsupported(words)),
    };
    let replayed: Replayed = serde_json::from_str(&outcome.stdout)?;
    Ok(Attempt::Done(Taken {
        seconds: replayed.seconds,
        // It holds the whole tree in memory, which says nothing about the calls.
        peak: 0,
        also: Some(outcome.seconds),
    }))
}

/// Runs a program and answers how it ended, or in its own words why it cannot: a refusal of the command line, or of a
/// component that it does not have, means that this build does not know it yet.
fn run(command: &mut Command) -> Result<Result<Outcome, String>> {
    const COMPONENT: i32 = 5;
    let outcome = child::run(command)?;
    let cannot = match outcome.code {
        Some(0) => return Ok(Ok(outcome)),
        Some(crate::UNSUPPORTED) => true,
        Some(COMPONENT) => outcome.stderr.contains("not shipped"),
        _ => false,
    };
    if !cannot {
        bail!(
            "{command:?} ended with {:?}: {}",
            outcome.code,
            outcome.stderr.trim()
        );
    }
    Ok(Err(first_line(&outcome.stderr)))
}

fn taken(outcome: &Outcome) -> Taken {
    Taken {
        seconds: outcome.seconds,
        peak: outcome.peak,
        also: None,
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("it says nothing").trim().to_owned()
}
