//! `regcarve policy …`: tools for authors and operators of policies. None of them carves a release.

use anyhow::Result;

use crate::cli::policy::PolicyCommand;
use crate::options::ComponentOptions;
use crate::progress::Progress;
use crate::spec::PolicySpec;
use crate::wasm::{Component, Engine, Role};

mod bench;
mod check;
pub(super) mod inspect;
mod list;
mod new;
mod sample;
pub(super) mod test;

/// Runs the command.
pub fn policy(command: PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::List => list::list(),
        PolicyCommand::Inspect(args) => inspect::inspect(&args),
        PolicyCommand::Check(args) => check::check(&args),
        PolicyCommand::Bench(args) => bench::bench(&args),
        PolicyCommand::Test(args) => test::test(&args),
        PolicyCommand::New(args) => new::new(&args),
    }
}

/// An engine that logs to standard error.
fn engine(options: &ComponentOptions) -> Result<Engine> {
    Ok(super::engine(options, &Progress::hidden())?)
}

/// Loads a policy, and checks its bytes and its imports.
fn load(engine: &Engine, spec: &PolicySpec, options: &ComponentOptions) -> Result<Component> {
    let pins = options.require_pins;
    Ok(Component::load(
        engine,
        Role::Policy,
        &spec.component,
        pins,
    )?)
}
