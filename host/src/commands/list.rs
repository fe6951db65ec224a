//! `regcarve list`: what there is.

use super::print;
use super::session::{Session, everything, jobs};
use crate::cli::List;
use crate::error::Error;
use crate::fs::Access;
use crate::pipeline::open_files::OpenFileBudget;
use crate::pipeline::resolve::Resolver;
use crate::release::image::Image;
use crate::text;

/// Runs the command.
pub fn list(args: List) -> Result<(), Error> {
    let mut session = Session::open(&args.source, &args.components)?;
    session.fence(Access::Read)?;
    let mut reader = session.start_reader()?;
    let selection = everything(&mut reader)?;
    if !args.long {
        let names = selection
            .by_repository
            .iter()
            .flat_map(|(repository, selection)| {
                selection.keys().filter_map(move |wanted| {
                    wanted.tag.as_ref().map(|tag| format!("{repository}:{tag}"))
                })
            });
        return print(&names.collect::<Vec<_>>().join("\n"));
    }
    session.progress.stage("resolving", selection.len());
    let resolver = Resolver {
        component: &session.reader,
        source: &session.source,
        jobs: jobs(None),
        attached: false,
        handles: &OpenFileBudget::none(),
    };
    let resolved = resolver.resolve(&selection, reader, &session.progress)?;
    session.progress.done();
    let rows: Vec<_> = resolved.images.iter().map(|image| row(image)).collect();
    print(&rows.join("\n"))?;
    if resolved.problems.is_empty() {
        Ok(())
    } else {
        Err(Error::Problems(resolved.problems))
    }
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
