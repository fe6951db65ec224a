//! The command line of `regcarve policy …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Format;
use crate::options::ComponentOptions;
use crate::spec::{PolicySpec, StorageSpec};

/// `regcarve policy …`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// List the shipped policies
    List,
    /// Show a policy's name, digest, imports and settings
    Inspect(Inspect),
    /// Check that a policy can run here, with these settings
    Check(Check),
    /// Compare a policy's decisions with test cases, or record such cases
    Test(Test),
    /// Measure the time that a policy takes
    Bench(Bench),
    /// Create the project of a new policy, which builds and has tests
    New(New),
}

/// `regcarve policy new`.
#[derive(Debug, Args)]
pub struct New {
    /// The name of the policy and of its folder: lower-case words joined by `-`
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The language to write it in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub lang: Language,
}

/// A language that policies are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Built by cargo
    Rust,
    /// Built by componentize-qjs, from npm
    Javascript,
    /// Built by componentize-py, from PyPI
    Python,
}

/// `regcarve policy test`.
#[derive(Debug, Args)]
pub struct Test {
    /// A folder with test cases (every *.json below it), or one file
    #[arg(value_name = "DIR")]
    pub cases: PathBuf,

    /// Test this policy instead of the one that the files name. With --record: the policy, with its settings
    #[arg(long, value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policy: Option<PolicySpec>,

    /// Write DIR/recorded.json instead: the policy's decisions on this storage, with everything that it reads for them
    #[arg(long, value_name = "STORAGE", requires = "policy")]
    pub record: Option<StorageSpec>,

    /// With --record, the images to record: a reference or a pattern [default: every tag of every repository]
    #[arg(long = "image", value_name = "REF", requires = "record")]
    pub images: Vec<String>,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,
}

/// `regcarve policy inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A shipped name, or a file
    #[arg(value_name = "NAME|FILE.wasm[@sha256:…]")]
    pub policy: PolicySpec,

    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,
}

/// `regcarve policy check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A shipped name, or a file; settings, where given, are checked too
    #[arg(value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policy: PolicySpec,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,
}

/// `regcarve policy bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// A shipped name, or a file
    #[arg(value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policy: PolicySpec,

    /// How many images the policy decides on
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub images: usize,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,
}
