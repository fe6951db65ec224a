//! `regcarve policy …`: what authors and operators ask of a policy without running a release through it.

use crate::cli::PolicyCommand;
use crate::error::Error;
use crate::options::ComponentOptions;
use crate::progress::Progress;
use crate::spec::PolicySpec;
use crate::wasm::{Component, Engine, Role};

mod bench;
mod check;
mod inspect;
mod list;
mod new;
mod sample;
mod test;

/// Runs the command.
pub fn policy(command: PolicyCommand) -> Result<(), Error> {
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
fn engine(options: &ComponentOptions) -> Result<Engine, Error> {
    super::session::engine(options, &Progress::hidden())
}

/// Loads a policy: every check of its bytes and its world is made here.
fn load(
    engine: &Engine,
    spec: &PolicySpec,
    options: &ComponentOptions,
) -> Result<Component, Error> {
    Ok(Component::load(
        engine,
        Role::Policy,
        &spec.component,
        options.require_pins,
    )?)
}
