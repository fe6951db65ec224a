//! `regcarve list`: the images of a storage.

use super::print;
use crate::cli::List;
use crate::error::Error;
use crate::fs::Access;
use crate::pipeline::resolve::{self, Options};
use crate::pipeline::select::{self, Selection};
use crate::pipeline::workers::Jobs;
use crate::release::image::Image;
use crate::text;

/// Runs the command.
pub fn list(args: List) -> anyhow::Result<()> {
    let mut session = super::open(&args.source, &args.components)?;
    session.restrict(Access::Read)?;
    let mut reader = session.start_reader()?;
    let selection = select::everything(&mut reader)?;
    if !args.long {
        return Ok(print(&names(&selection).join("\n"))?);
    }
    let options = Options {
        jobs: Jobs::requested(None),
        referrers: false,
    };
    let resolved = resolve::resolve(&session, &selection, reader, options)?;
    session.progress.done();
    let rows: Vec<_> = resolved.images.iter().map(|image| row(image)).collect();
    print(&rows.join("\n"))?;
    if resolved.problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(resolved.problems).into())
    }
}

/// `name:tag` of each tag.
fn names(selection: &Selection) -> Vec<String> {
    let mut names = Vec::with_capacity(selection.len());
    for (repository, requests) in &selection.by_repository {
        let tags = requests.keys().filter_map(|request| request.tag.as_ref());
        names.extend(tags.map(|tag| format!("{repository}:{tag}")));
    }
    names
}

fn row(image: &Image) -> String {
    let platforms: Vec<_> = image.platforms().map(ToString::to_string).collect();
    format!(
        "{}\t{}\t{}\t{}",
        image.reference(),
        image.digest,
        text::bytes(image.size),
        platforms.join(",")
    )
}
