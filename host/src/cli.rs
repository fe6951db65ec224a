//! The command line: types and help text only.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use regcarve_types::Platform;

use crate::fs::LinkMode;
use crate::options::{COMPONENTS, ComponentOptions};
use crate::publish::Durability;
use crate::spec::{ComponentSpec, PolicySpec, StorageSpec};

pub mod policy;
#[cfg(test)]
mod tests;

/// Carves a release out of a container registry's storage.
///
/// From a storage that holds thousands of images regcarve takes those that a release names and puts them into a
/// new storage by hard links: no registry process, no HTTP, no payload byte copied.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// The job.
    #[command(subcommand)]
    pub command: Command,
}

/// The promise to scripts; a test holds it against [`crate::Error::exit_code`].
const EXIT_CODES: &str = "\
Exit codes:
  0  complete
  1  the system refused something, or an internal error
  2  the command line or a setting of a policy is wrong
  3  something that was asked for is missing, or a line of a list is not a reference
  4  the source is damaged
  5  a component failed or was refused
  6  the output exists already or is in use
  7  the system refuses to link source and output
  128+N  stopped by signal N";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Carve a release into one or several new storages
    Run(Run),
    /// Show what `run` would do, without writing anything
    Plan(PlanArgs),
    /// List the images of a storage
    List(List),
    /// Inspect, check, test and write policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Check a storage: hash every byte of every image, and say what garbage collection would delete
    Verify(VerifyArgs),
}

/// The selection of a release: flags of `run` and `plan`.
#[derive(Debug, Args)]
pub struct Release {
    /// Take what this list names, a reference or pattern per line: a file, a folder (every *.list below it) or `-`
    #[arg(long = "list", value_name = "PATH")]
    pub lists: Vec<PathBuf>,

    /// Take this image, or all that match a pattern: library/nginx:1.25, library/nginx@sha256:…, 'library/*:1.*'
    #[arg(long = "image", value_name = "REF")]
    pub images: Vec<String>,

    /// Take every tag of every repository
    #[arg(long)]
    pub all: bool,

    /// Ask a policy, shipped or your own
    ///
    /// Policies are asked in the order given; the first that drops an image wins. SETTINGS are JSON, a short form that
    /// the policy knows (`newest=3`), or @FILE with either
    #[arg(long = "policy", value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policies: Vec<PolicySpec>,

    /// Take only these platforms of each image: linux/amd64, linux/arm/v7, 'windows(10.0.17763)/amd64'
    ///
    /// An image that lacks one counts as missing. Shorthand for `--policy platforms=…`, applied last: images dropped
    /// earlier need not have these platforms
    #[arg(long = "platform", value_name = "OS/ARCH", value_delimiter = ',')]
    pub platforms: Vec<Platform>,

    /// With --platform, what becomes of an index
    #[arg(long, value_name = "HOW", value_enum, default_value_t = PlatformMode::Sparse, requires = "platforms")]
    pub platform_mode: PlatformMode,

    /// Leave out referrers: signatures, attestations, SBOMs and other artifacts whose subject is in the release
    #[arg(long)]
    pub no_attached: bool,

    /// Go on without images that are missing (the report names them; damaged images still end the run)
    #[arg(long)]
    pub allow_missing: bool,

    /// How many repositories are worked on at once [default: the number of CPUs, and up to 32 while all wait for the disk]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// The component that reads lists
    #[arg(
        long,
        value_name = "NAME|FILE.wasm[@sha256:…]",
        default_value = "images-list"
    )]
    #[arg(help_heading = COMPONENTS, hide_short_help = true)]
    pub selector: ComponentSpec,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,

    /// The storage to take images from: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "SOURCE")]
    pub source: StorageSpec,
}

impl Release {
    /// Images of a storage, or all of them; no policy is asked.
    pub(crate) fn of(
        source: StorageSpec,
        images: Vec<String>,
        components: ComponentOptions,
    ) -> Self {
        Self {
            lists: Vec::new(),
            all: images.is_empty(),
            images,
            policies: Vec::new(),
            platforms: Vec::new(),
            platform_mode: PlatformMode::Sparse,
            no_attached: false,
            allow_missing: false,
            jobs: None,
            selector: ComponentSpec::Shipped("images-list".into()),
            components,
            source,
        }
    }
}

/// `regcarve run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The selection.
    #[command(flatten)]
    pub release: Release,

    /// Replace an output that exists, in one step
    #[arg(long)]
    pub replace: bool,

    /// How files get into the output
    #[arg(long, value_name = "MODE", value_enum, default_value_t = LinkMode::Hard)]
    pub link: LinkMode,

    /// How much of the source is checked before anything is published
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Verify::Sizes)]
    pub verify: Verify,

    /// How much must be on the disk before the output gets its name
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Durability::Full)]
    pub durability: Durability,

    /// Write a JSON report to a file, or to standard output (`-`)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// In the report, list every digest of every image
    #[arg(long, requires = "report", hide_short_help = true)]
    pub report_contents: bool,

    /// New storages: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "OUTPUT", required = true)]
    pub outputs: Vec<StorageSpec>,
}

/// `regcarve plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The selection.
    #[command(flatten)]
    pub release: Release,

    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `regcarve list`.
#[derive(Debug, Args)]
pub struct List {
    /// Also show digest, size and platforms of each image
    #[arg(long, short)]
    pub long: bool,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,

    /// The storage: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "SOURCE")]
    pub source: StorageSpec,
}

/// `regcarve verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Accept indexes that lack whole children, as in a storage that was carved for some platforms
    #[arg(long)]
    pub sparse: bool,

    /// Fail if this garbage collector, named as in the output, would stop or would delete content of a tagged image
    #[arg(long = "gc", value_name = "COLLECTOR")]
    pub collectors: Vec<String>,

    /// The form of the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// How many files are hashed at once [default: the number of CPUs]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,

    /// How components are run.
    #[command(flatten)]
    pub components: ComponentOptions,

    /// The storage: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "STORAGE")]
    pub storage: StorageSpec,
}

/// How much of the source a run checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Every file has its size, every manifest its digest
    Sizes,
    /// Every file has its digest
    Full,
}

/// The fate of an index of which not all platforms are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlatformMode {
    /// It keeps its digest and its signatures; the content of other platforms is left out
    Sparse,
    /// It is rewritten to name only what is taken, with a new digest: signatures of the old one do not apply
    Strip,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}
