//! `regcarve verify`: checks a storage. All problems are the result, and go to standard output.

use std::time::Instant;

use super::print;
use crate::cli::{Format, VerifyArgs};
use crate::error::Error;
use crate::fs::Access;
use crate::pipeline::verify::{self, Options};
use crate::pipeline::workers::Jobs;
use crate::release::problem::Severity;
use crate::report::file::json;
use crate::report::verify::{VerifyReport, demanded};
use crate::text;

/// Runs the command.
pub fn verify(args: VerifyArgs) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut session = super::open(&args.storage, &args.components)?;
    let landlock_abi = session.restrict(Access::Read)?;
    let options = Options {
        jobs: Jobs::requested(args.jobs),
        sparse: args.sparse,
    };
    let mut verified = verify::verify(&session, &options)?;
    let demanded = demanded(&args.collectors, &verified)?;
    verified.problems.extend(demanded);
    let storage = args.storage.to_string();
    let report = VerifyReport::new(storage, landlock_abi, &verified, began.elapsed());
    print(&match args.format {
        Format::Json => json(&report)?,
        Format::Text => report.text(&verified.problems),
    })?;
    if verified.problems.is_empty() {
        return Ok(());
    }
    let count = text::count(verified.problems.len(), "problem");
    let mut severities = verified.problems.iter().map(|problem| problem.severity);
    Err(Error::NotWhole {
        summary: format!("{} is not whole: {count}", args.storage),
        exit_code: match severities.any(|severity| severity == Severity::Unreadable) {
            true => 1,
            false => 4,
        },
    }
    .into())
}
