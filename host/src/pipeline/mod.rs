//! The way of a release through the program.
//!
//! ```text
//!  *.list ──select──▶ requests ──resolve──▶ images ──decide──▶ plan ──carve──▶ staging ──publish──▶ outputs
//! ```
//!
//! Data goes one way. Every stage takes the whole answer of the one before: nothing is written before the
//! plan is complete, and nothing is published before everything is written. Each stage also returns the problems that it
//! found, so that a run reports all of them and not only the first.
//!
//! The forms of an image on this way:
//!
//! | form | made by |
//! |------|---------|
//! | a line of a list | the user |
//! | `select.request` in the contract | the selector |
//! | [`Request`](crate::release::request::Request): a pattern and its origin | `wasm`, which checks the answer |
//! | [`ImageRequest`](crate::release::answers::ImageRequest) in a [`Selection`](select::Selection) | [`select`](select::select) |
//! | `read.image` in the contract | the reader |
//! | [`FoundImage`](crate::release::answers::FoundImage): its closure with the paths of its files | `wasm`, which checks the answer |
//! | [`Image`](crate::release::image::Image): its closure in the table of blobs | [`resolve`](resolve::resolve) |
//! | [`PlannedImage`](crate::release::plan::PlannedImage): named as in the output | [`decide`](decide::decide) |
//! | `write.image` in the contract | [`mod@carve`], for the writer |

use std::time::{Duration, Instant};

use self::carve::{CarveJob, Output};
use self::resolve::Resolved;
pub use self::session::Session;
use self::workers::Jobs;
use crate::error::Error;
use crate::fs::LinkMode;
use crate::release::plan::Plan;
use crate::release::problem::Problem;
use crate::release::request::ListText;
use crate::release::tally::Tally;
use crate::wasm::Component;
use crate::wasm::roles::policy::Policy;

pub mod carve;
pub mod check;
pub mod decide;
pub mod hash;
pub mod open_files;
pub mod referrers;
pub mod resolve;
pub mod select;
pub mod session;
pub mod suggest;
pub mod verify;
pub mod workers;

/// The selection of a release, with all files read and all components loaded. No component is started yet.
pub struct Prepared {
    /// The lists.
    pub lists: Vec<ListText>,
    /// References and patterns of the command line.
    pub images: Vec<String>,
    /// Every tag of every repository.
    pub all: bool,
    /// The component that reads the lists, if there are any.
    pub selector: Option<Component>,
    /// The policies in the order in which they are asked, with their settings.
    pub policies: Vec<(Component, String)>,
    /// True if referrers come along.
    pub referrers: bool,
    /// The number of workers.
    pub jobs: Jobs,
    /// Lists that are not UTF-8.
    pub problems: Vec<Problem>,
    /// The time that reading and loading took.
    pub took: Duration,
}

/// A plan, and all problems of the release.
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// The problems, in the order of the lists.
    pub problems: Vec<Problem>,
    /// The time of each stage.
    pub timings: Timings,
}

/// The time of each stage of planning.
#[derive(Debug, Default, Clone, Copy)]
pub struct Timings {
    /// Engine and components.
    pub start: Duration,
    /// Lists and patterns.
    pub requests: Duration,
    /// Images and their files.
    pub resolve: Duration,
    /// Policies.
    pub decide: Duration,
}

/// From requests to a plan. Nothing is written.
pub fn plan(session: &Session, prepared: &Prepared) -> Result<Planned, Error> {
    let mut timings = Timings::default();
    let clock = Instant::now();
    let mut policies = start_policies(session, prepared)?;
    timings.start = prepared.took + clock.elapsed();

    let (resolved, mut problems) = images(session, prepared, &mut timings)?;

    let clock = Instant::now();
    session.progress.stage("deciding", resolved.images.len());
    let (plan, refused) = decide::decide(resolved, &mut policies, &session.progress)?;
    timings.decide = clock.elapsed();

    problems.extend(refused);
    problems.sort_by(|a, b| {
        (&a.origin, &a.reference, &a.path).cmp(&(&b.origin, &b.reference, &b.path))
    });
    Ok(Planned {
        plan,
        problems,
        timings,
    })
}

/// From requests to images, before any policy is asked, and the problems of those that are missing or damaged.
pub fn images(
    session: &Session,
    prepared: &Prepared,
    timings: &mut Timings,
) -> Result<(Resolved, Vec<Problem>), Error> {
    let clock = Instant::now();
    let mut reader = session.start_reader()?;
    let (selection, mut problems) = select::select(prepared, &mut reader)?;
    timings.requests = clock.elapsed();

    let clock = Instant::now();
    let options = resolve::Options {
        jobs: prepared.jobs,
        referrers: prepared.referrers,
    };
    let mut resolved = resolve::resolve(session, &selection, reader, options)?;
    suggest::hints(session, &mut resolved)?;
    problems.append(&mut resolved.problems);
    timings.resolve = clock.elapsed();
    Ok((resolved, problems))
}

fn start_policies(session: &Session, prepared: &Prepared) -> Result<Vec<Policy>, Error> {
    let start = |(component, settings): &(Component, String)| {
        let mut policy = Policy::start(component, session.source.clone())?;
        policy.configure(settings)?;
        Ok(policy)
    };
    prepared.policies.iter().map(start).collect()
}

/// From a plan to files in the staging directory of an output. Nothing is published.
pub fn carve(
    session: &Session,
    job: &CarveJob,
    output: &mut Output,
    mode: LinkMode,
    jobs: Jobs,
) -> Result<Tally, Error> {
    session.progress.stage("carving", job.plan().images.len());
    output.fill(session, job, mode, jobs)
}
