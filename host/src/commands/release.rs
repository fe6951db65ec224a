//! The flags that say what to take, the same for `run` and `plan`: from a command line to a prepared release.

use std::time::Instant;

use crate::cli::Release;
use crate::error::Error;
use crate::inputs::Inputs;
use crate::pipeline::workers::Jobs;
use crate::pipeline::{Prepared, Session};
use crate::wasm::{Component, Role};

/// Reads all inputs, opens the source and loads all components. Nothing is started or made yet.
pub(super) fn prepare(release: &Release) -> Result<(Session, Prepared), Error> {
    let clock = Instant::now();
    let inputs = Inputs::read(release)?;
    let session = super::open(&release.source, &release.components)?;
    let load = |(spec, settings)| Ok((session.load(Role::Policy, &spec)?, settings));
    let policies = inputs.policies.into_iter().map(load);
    let policies = policies.collect::<Result<_, Error>>()?;
    let selector = match release.lists.as_slice() {
        [] => None,
        _ => Some(session.load(Role::Selector, &release.selector)?),
    };
    let prepared = Prepared {
        lists: inputs.lists,
        images: release.images.clone(),
        all: release.all,
        selector,
        policies,
        referrers: !release.no_attached,
        jobs: Jobs::requested(release.jobs),
        problems: inputs.problems,
        took: clock.elapsed(),
    };
    Ok((session, prepared))
}

/// All components that take part in planning.
pub(super) fn components<'a>(
    session: &'a Session,
    prepared: &'a Prepared,
) -> impl Iterator<Item = &'a Component> {
    let policies = prepared.policies.iter().map(|(component, _)| component);
    std::iter::once(&session.reader)
        .chain(policies)
        .chain(&prepared.selector)
}
