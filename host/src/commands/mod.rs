//! One file a subcommand, and what they share.

pub mod list;
pub mod plan;
pub mod policy;
pub mod run;
mod session;

use std::io::Write as _;

use crate::capability::Fault;
use crate::error::Error;

/// Prints results. A reader that has seen enough is no failure.
fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::system(
            "print the result",
        )(
            Fault::from_io("write", "standard output", &error),
        )),
        _ => Ok(()),
    }
}
