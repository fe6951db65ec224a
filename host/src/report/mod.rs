//! Reports of commands: pure functions of what was planned, carved and verified.
//!
//! | file        | result                                     |
//! |-------------|--------------------------------------------|
//! | [`run`]     | JSON of `run --report` and of `plan`       |
//! | [`rows`]    | its images, problems, sums …               |
//! | [`verify`]  | JSON and text of `verify`                  |
//! | [`summary`] | text of `run` and `plan` for people        |
//! | [`mod@file`]    | the file of `run --report`                 |

use std::io::{ErrorKind, Write as _};
use std::time::Duration;

use crate::error::{Error, SystemContext as _};
use crate::fs::OsResultExt as _;

pub mod file;
pub mod rows;
pub mod run;
pub mod summary;
pub mod verify;

/// The milliseconds of a duration, to the microsecond.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Prints a result. A reader that closes the pipe has seen enough, which is no failure.
pub fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error)
            .during("write", "standard output")
            .context("print the result"),
        _ => Ok(()),
    }
}
