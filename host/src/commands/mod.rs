//! The subcommands, one file each: flags in, text out; and what they share.

pub mod list;
pub mod plan;
pub mod policy;
mod release;
#[cfg(test)]
mod report_docs;
pub mod run;
pub mod verify;

use std::sync::Arc;

use crate::error::Error;
use crate::options::ComponentOptions;
use crate::pipeline::Session;
use crate::progress::Progress;
use crate::release::problem::Problem;
pub(crate) use crate::report::print;
use crate::spec::StorageSpec;
use crate::text;
use crate::wasm::{Engine, Limits, LogLevel};

/// The bytes of problems that are printed. More are not readable; the report has all of them.
const MAX_PRINTED: usize = 1 << 20;

/// Prints the problems of a release, a message each.
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

/// Opens a storage, with a progress bar.
fn open(source: &StorageSpec, options: &ComponentOptions) -> Result<Session, Error> {
    let progress = Progress::new(true);
    let engine = engine(options, &progress)?;
    Session::open(
        source,
        engine,
        options.sandbox,
        options.require_pins,
        progress,
    )
}

/// An engine whose components log to standard error.
fn engine(options: &ComponentOptions, progress: &Progress) -> Result<Engine, Error> {
    let least = match options.verbose {
        true => LogLevel::Debug,
        false => LogLevel::Info,
    };
    let (limits, cached) = (options.limits.clone(), !options.no_cache);
    logging_engine(limits, least, cached, progress)
}

/// An engine with the default options.
fn default_engine(progress: &Progress) -> Result<Engine, Error> {
    logging_engine(Limits::default(), LogLevel::Debug, true, progress)
}

/// An engine that prints log messages down to this level.
fn logging_engine(
    limits: Limits,
    least: LogLevel,
    cached: bool,
    progress: &Progress,
) -> Result<Engine, Error> {
    let progress = progress.clone();
    let sink = move |level: LogLevel, name: &str, line: &str| {
        if level <= least {
            progress.message(&format!("{name}: {line}"));
        }
    };
    Engine::new(limits, Arc::new(sink), cached)
}
