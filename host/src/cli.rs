//! The command line: types and help text only.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use regcarve_types::Platform;

use crate::spec::StorageSpec;
use crate::wasm::ComponentSpec;

/// Carves a release out of a container registry's storage.
///
/// From a storage that holds thousands of images regcarve takes those that a release names and puts them into a
/// new storage by hard links: no registry process, no HTTP, no payload byte copied.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  complete
  1  the system refused something, or an internal error
  2  the command line, a list or a setting is wrong
  3  something that was asked for is missing
  4  the source is damaged
  5  a component failed or was refused
  6  the output exists already
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
    /// Look at policies: shipped ones and your own
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check a storage: every tag whole, every byte hashed, and what garbage collection would delete
    Verify(VerifyArgs),
}

/// What a release is; the same for `run` and `plan`.
#[derive(Debug, Args)]
pub struct Release {
    /// A list of references or patterns, one a line: a file, a folder (every *.list below it) or `-`
    #[arg(long = "list", value_name = "PATH")]
    pub lists: Vec<PathBuf>,

    /// A reference or a pattern: library/nginx:1.25, library/nginx@sha256:…, 'library/*:1.*'
    #[arg(long = "image", value_name = "REF")]
    pub images: Vec<String>,

    /// Every tag of every repository
    #[arg(long)]
    pub all: bool,

    /// A policy, shipped or your own; they are asked in this order, the first that drops an image wins.
    /// SETTINGS are JSON, a short form that the policy knows (`newest=3`), or @FILE with either
    #[arg(long = "policy", value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policies: Vec<PolicySpec>,

    /// Only these platforms of the images: linux/amd64, linux/arm/v7, 'windows(10.0.17763)/amd64'. An image that lacks
    /// one is missing. Stands for the policy `platforms`, asked after all others: what these drop need not have
    /// the platforms. To have it earlier, for instance before `max-size`, write --policy platforms=…
    #[arg(long = "platform", value_name = "OS/ARCH", value_delimiter = ',')]
    pub platforms: Vec<Platform>,

    /// With --platform, what happens to an index
    #[arg(long, value_name = "HOW", value_enum, default_value_t = PlatformMode::Sparse, requires = "platforms")]
    pub platform_mode: PlatformMode,

    /// The component that reads lists
    #[arg(long, value_name = "NAME|FILE.wasm[@sha256:…]", default_value = "images-list", value_parser = component)]
    pub selector: ComponentSpec,

    /// Leave out signatures, attestations, SBOMs and other artifacts that speak of the images
    #[arg(long)]
    pub no_attached: bool,

    /// Go on without what is missing (it is reported; what is damaged still ends the run)
    #[arg(long)]
    pub allow_missing: bool,

    /// How many repositories are worked on at once; by default as many as CPUs, and up to 32 while all of them wait for
    /// the disk
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,

    /// The storage to take images from: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "SOURCE")]
    pub source: StorageSpec,
}

impl Release {
    /// Images of a storage, or all of them; no policy is asked.
    pub(crate) fn of(source: StorageSpec, images: Vec<String>, limits: LimitArgs) -> Self {
        Self {
            lists: Vec::new(),
            all: images.is_empty(),
            images,
            policies: Vec::new(),
            platforms: Vec::new(),
            platform_mode: PlatformMode::Sparse,
            selector: ComponentSpec::Shipped("images-list".into()),
            no_attached: false,
            allow_missing: false,
            jobs: None,
            limits,
            source,
        }
    }
}

/// Limits of components, and what is accepted as one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Components")]
pub struct LimitArgs {
    /// Time that a component may run in one call, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub guest_time: Duration,

    /// Memory of a component, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    pub guest_memory: usize,

    /// Elements of all tables of a component
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub guest_tables: usize,

    /// Core instances that a component may be made of
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub guest_instances: usize,

    /// Data that a component may hand to the host in one call, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub guest_data: usize,

    /// Calls that a component may make into the host, and the host into it; every 4 KiB that these read, write or tell of
    /// images count as one more
    #[arg(long, value_name = "N", default_value_t = 100_000_000)]
    pub guest_calls: u64,

    /// Messages that a component may leave in the log, in KiB; the rest is left out
    #[arg(long, value_name = "KIB", default_value_t = 1_024)]
    pub guest_log: usize,

    /// Length of a component file, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 128)]
    pub component_size: u64,

    /// Time for compiling a component file, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub compile_time: Duration,

    /// Memory for compiling a component file, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2_048)]
    pub compile_memory: usize,

    /// Accept component files only with their digest: FILE.wasm@sha256:…
    #[arg(long)]
    pub require_pins: bool,

    /// Compile component files afresh, and keep nothing of it
    #[arg(long)]
    pub no_cache: bool,

    /// Let the kernel fence the run in (Landlock), on top of the components' own sandbox: reading outside of the storages,
    /// writing to the source and network are refused from before the first component starts
    #[arg(long, value_name = "HOW", value_enum, default_value_t = SandboxArg::Auto)]
    pub sandbox: SandboxArg,

    /// Also show what components say for their authors
    #[arg(long, short)]
    pub verbose: bool,
}

/// `regcarve run`.
#[derive(Debug, Args)]
pub struct Run {
    /// What to take.
    #[command(flatten)]
    pub release: Release,

    /// Exchange an output that exists for the new one, in one step
    #[arg(long)]
    pub replace: bool,

    /// How files get into the output
    #[arg(long, value_name = "MODE", value_enum, default_value_t = Link::Hard)]
    pub link: Link,

    /// `full`: a complete run survives a capability cut; `none`: for stages that are thrown away
    #[arg(long, value_name = "HOW", value_enum, default_value_t = DurabilityArg::Full)]
    pub durability: DurabilityArg,

    /// `sizes`: every file is there with its size, every manifest is hashed; `full`: everything is hashed
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Verify::Sizes)]
    pub verify: Verify,

    /// Write a JSON report; `-` for standard output
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// In the report, name every digest of every image
    #[arg(long, requires = "report")]
    pub report_contents: bool,

    /// New storages: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "OUTPUT", required = true)]
    pub outputs: Vec<StorageSpec>,
}

/// `regcarve plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What to take.
    #[command(flatten)]
    pub release: Release,

    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// `regcarve list`.
#[derive(Debug, Args)]
pub struct List {
    /// Also digest, size and platforms of each image
    #[arg(long, short)]
    pub long: bool,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,

    /// The storage: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "SOURCE")]
    pub source: StorageSpec,
}

/// `regcarve policy …`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// What is shipped
    List,
    /// Say who a policy is, what it can do and which settings it takes
    Inspect(Inspect),
    /// Prove that a policy can run here, with these settings
    Check(Check),
    /// Run cases of images and expected decisions, or record such cases
    Test(Test),
    /// Measure what a policy costs
    Bench(Bench),
    /// Start a policy of your own: a project that builds, with its tests
    New(New),
}

/// `regcarve policy new`.
#[derive(Debug, Args)]
pub struct New {
    /// The name of the policy and of its folder: lower-case words joined by `-`
    #[arg(value_name = "NAME")]
    pub name: String,

    /// What it is written in
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    pub lang: Language,
}

/// What policies are written in.
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
    /// A folder with cases (every *.json below it), or one file
    #[arg(value_name = "DIR")]
    pub cases: PathBuf,

    /// This policy, whatever the files say. With --record: the policy, with its settings
    #[arg(long, value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policy: Option<PolicySpec>,

    /// Write DIR/recorded.json instead: what the policy decides in this storage, with all that it reads for that
    #[arg(long, value_name = "STORAGE", requires = "policy")]
    pub record: Option<StorageSpec>,

    /// With --record, a reference or a pattern; every tag of every repository by default
    #[arg(long = "image", value_name = "REF", requires = "record")]
    pub images: Vec<String>,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `regcarve policy inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A shipped name, or a file
    #[arg(value_name = "NAME|FILE.wasm[@sha256:…]")]
    pub policy: PolicySpec,

    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `regcarve policy check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A shipped name, or a file; with settings, these are checked too
    #[arg(value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policy: PolicySpec,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `regcarve policy bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// A shipped name, or a file
    #[arg(value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policy: PolicySpec,

    /// How many images it is asked about
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub images: usize,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `regcarve verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Accept indexes that lack whole children, as in a storage that was carved for some platforms
    #[arg(long)]
    pub sparse: bool,

    /// A collector, named as in the output, that must neither give up nor delete content of a tagged image
    #[arg(long = "gc", value_name = "COLLECTOR")]
    pub collectors: Vec<String>,

    /// For people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// How many files are hashed at once; the number of CPUs by default
    #[arg(long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,

    /// Limits of components
    #[command(flatten)]
    pub limits: LimitArgs,

    /// The storage: registry:PATH, dir:PATH, oci:PATH or FILE.wasm:PATH
    #[arg(value_name = "STORAGE")]
    pub storage: StorageSpec,
}

/// See [`crate::fs::Sandbox`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum SandboxArg {
    /// Fail where the kernel cannot do it
    Require,
    /// Where the kernel can do it
    Auto,
    /// Not at all
    Off,
}

/// See [`crate::fs::LinkMode`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Link {
    /// Hard links, or an error that says why not
    Hard,
    /// Copies that share their blocks (btrfs, XFS), or an error
    Reflink,
    /// Copies
    Copy,
    /// The best that the disk does: hard links, else reflinks, else copies
    Auto,
}

/// See [`crate::publish::Durability`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DurabilityArg {
    /// Everything is on the disk before the output gets its name
    Full,
    /// The system writes when it likes
    None,
}

/// How much of the source is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Sizes of all files, digests of manifests
    Sizes,
    /// Digests of all files
    Full,
}

/// What happens to an index of which not all platforms are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlatformMode {
    /// It keeps its digest and its signatures; the content of other platforms stays behind
    Sparse,
    /// Another index that names only what is taken, with a new digest: signatures of the old one do not apply
    Strip,
}

/// How something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// A policy of the command line.
#[derive(Debug, Clone)]
pub struct PolicySpec {
    /// Which component.
    pub component: ComponentSpec,
    /// Its settings: JSON, another text, or `@` and the path of a file with either.
    pub settings: Option<String>,
}

impl FromStr for PolicySpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A path may hold `=`; settings begin behind the component.
        let behind_file = text.find(".wasm").map_or(0, |start| start + ".wasm".len());
        let (component_text, settings) = match text[behind_file..].find('=') {
            Some(at) => (
                &text[..behind_file + at],
                Some(text[behind_file + at + 1..].to_owned()),
            ),
            None => (text, None),
        };
        Ok(Self {
            component: component(component_text)?,
            settings,
        })
    }
}

fn component(text: &str) -> Result<ComponentSpec, String> {
    if text.is_empty() {
        return Err("no component is named".into());
    }
    ComponentSpec::parse(text).map_err(|error| format!("the pin is no digest: {error}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
