//! How components are run: flags of every command that runs one.

use clap::Args;

use crate::fs::Sandbox;
use crate::wasm::Limits;

/// The heading of these flags in `--help`. The rest of a command's flags stands above them.
pub(crate) const COMPONENTS: &str = "Components";

/// How components are run.
#[derive(Debug, Clone, Args)]
pub struct ComponentOptions {
    /// Also print debug messages of components
    #[arg(long, short)]
    pub verbose: bool,

    /// Confine the process with Landlock: no reads outside the storages, no writes to the source, no network
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Sandbox::Auto)]
    #[arg(help_heading = COMPONENTS)]
    pub sandbox: Sandbox,

    /// Refuse component files without a pin: write FILE.wasm@sha256:…
    #[arg(long, help_heading = COMPONENTS)]
    pub require_pins: bool,

    /// Neither use nor fill the cache of compiled components
    #[arg(long, help_heading = COMPONENTS)]
    pub no_cache: bool,

    /// The most that a component may use.
    #[command(flatten)]
    pub limits: Limits,
}
