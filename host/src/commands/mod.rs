//! One file a subcommand, and what they share.

pub mod list;
pub mod plan;
pub mod policy;
pub mod run;
mod session;
pub mod verify;

use std::io::Write as _;

use crate::error::Error;
use crate::fs::OsError;
use crate::release::problem::Problem;
use crate::text;

/// How many bytes of problems are printed; nobody reads more. The report has all of them.
const MAX_PRINTED: usize = 1 << 20;

/// Prints what is wrong with a release, a message each.
pub fn print_problems(problems: &[Problem]) {
    let mut left = MAX_PRINTED;
    for (printed, problem) in problems.iter().enumerate() {
        let message = format!("regcarve: {problem}");
        match left.checked_sub(message.len()) {
            Some(rest) => left = rest,
            None => {
                let more = problems.len() - printed;
                text::say(&format!(
                    "regcarve: … and {more} more; `run --report FILE` has them all"
                ));
                return;
            }
        }
        text::say(&message);
    }
}

/// Prints results. A reader that has seen enough is no failure.
fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::system(
            "print the result",
        )(
            OsError::from_io("write", "standard output", &error),
        )),
        _ => Ok(()),
    }
}
