//! The command line: types and help text only.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use regcarve_types::Platform;

use crate::fs::LinkMode;
use crate::options::{COMPONENTS, ComponentOptions};
use crate::publish::Durability;
pub use crate::spec::PolicySpec;
use crate::spec::{ComponentSpec, StorageSpec};

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

/// What scripts rely on; a test holds it against [`crate::Error::exit_code`].
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
    Policy(PolicyCommand),
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

    /// Ask a policy, shipped or your own. Policies are asked in the order given; the first that drops an image wins.
    /// SETTINGS are JSON, a short form that the policy knows (`newest=3`), or @FILE with either
    #[arg(long = "policy", value_name = "NAME|FILE.wasm[@sha256:…][=SETTINGS]")]
    pub policies: Vec<PolicySpec>,

    /// Take only these platforms of each image: linux/amd64, linux/arm/v7, 'windows(10.0.17763)/amd64'. An image that
    /// lacks one counts as missing. Shorthand for `--policy platforms=…`, applied last: images dropped earlier need not
    /// have these platforms
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
    /// What to take.
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

    /// What must have reached the disk before the output gets its name
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
    /// What to take.
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

/// What becomes of an index of which not all platforms are taken.
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::{CommandFactory as _, Parser as _};

    use super::{Cli, Command};
    use crate::Error;
    use crate::fs::OsError;
    use crate::release::problem::{Problem, Severity};
    use crate::wasm::Limits;

    fn help(args: &[&str]) -> String {
        let mut command = Cli::command();
        command.build();
        let mut command = &mut command;
        let (last, subcommands) = args.split_last().unwrap();
        for name in subcommands {
            command = command.find_subcommand_mut(name).unwrap();
        }
        match *last {
            "-h" => command.render_help().to_string(),
            _ => command.render_long_help().to_string(),
        }
    }

    /// The heading above a flag.
    fn heading(help: &str, flag: &str) -> String {
        let is_flag = |line: &str| {
            let mut words = line.split([' ', ',', '=']).filter(|word| !word.is_empty());
            words.next().is_some_and(|first| {
                first == flag || first.len() == 2 && words.next() == Some(flag)
            })
        };
        let above: Vec<_> = help.lines().take_while(|line| !is_flag(line)).collect();
        assert!(above.len() < help.lines().count(), "no {flag} in {help}");
        let heading = above
            .into_iter()
            .rfind(|line| line.ends_with(':') && !line.starts_with(' '));
        heading.unwrap_or_default().to_owned()
    }

    #[test]
    fn flags_stand_under_their_headings() {
        let long = help(&["run", "--help"]);
        let headings: Vec<_> = long
            .lines()
            .filter(|line| line.ends_with(':') && !line.starts_with(' '))
            .collect();
        assert_eq!(
            headings,
            ["Arguments:", "Options:", "Components:", "Sandbox limits:"]
        );
        for (flags, expected) in [
            (
                &[
                    "--list",
                    "--image",
                    "--all",
                    "--policy",
                    "--platform",
                    "--no-attached",
                    "--allow-missing",
                    "--jobs",
                    "--replace",
                    "--link",
                    "--verify",
                    "--durability",
                    "--report",
                    "--report-contents",
                    "--verbose",
                    "--help",
                ][..],
                "Options:",
            ),
            (
                &["--selector", "--sandbox", "--require-pins", "--no-cache"],
                "Components:",
            ),
            (
                &[
                    "--guest-time",
                    "--guest-memory",
                    "--component-size",
                    "--compile-memory",
                ],
                "Sandbox limits:",
            ),
        ] {
            for flag in flags {
                assert_eq!(heading(&long, flag), expected, "{flag}");
            }
        }
    }

    #[test]
    fn short_help_leaves_out_the_limits() {
        for command in ["run", "plan", "list", "verify"] {
            let short = help(&[command, "-h"]);
            assert!(!short.contains("--guest-"), "{short}");
            assert!(short.lines().count() < 60, "{short}");
        }
    }

    /// The command line says nothing: the limits are those of the library.
    #[test]
    fn limits_have_their_defaults() {
        let cli = Cli::parse_from(["regcarve", "list", "registry:/srv"]);
        let Command::List(list) = cli.command else {
            unreachable!("the command that was typed")
        };
        assert_eq!(list.components.limits, Limits::default());
    }

    #[test]
    fn exit_codes_are_those_of_the_errors() {
        let problem = |severity| {
            Error::problem(Problem {
                severity,
                reference: String::new(),
                origin: None,
                path: None,
                cause: String::new(),
                hint: None,
            })
        };
        let refused = OsError::new("openat", "", rustix::io::Errno::ACCESS);
        let help = help(&["--help"]);
        let text_of = |code: u8| {
            let start = format!("  {code}  ");
            let text = help.lines().find_map(|line| line.strip_prefix(&start));
            text.unwrap_or_else(|| panic!("no exit code {code} in {help}"))
        };
        for (error, words) in [
            (Error::system("x")(refused), "the system refused"),
            (Error::Internal(String::new()), "internal error"),
            (Error::Usage(String::new()), "the command line"),
            (problem(Severity::Missing), "missing"),
            (
                problem(Severity::Malformed),
                "a line of a list is not a reference",
            ),
            (problem(Severity::Damaged), "damaged"),
            (problem(Severity::Unreadable), "the system refused"),
            (Error::Exists(PathBuf::new()), "the output exists"),
            (Error::Busy(PathBuf::new()), "or is in use"),
            (
                Error::LinkRefused {
                    message: String::new(),
                    hint: String::new(),
                },
                "refuses to link",
            ),
        ] {
            let text = text_of(error.exit_code());
            assert!(text.contains(words), "{error:?}: {text}");
        }
        assert_eq!(Error::Signal(15).exit_code(), 128 + 15);
    }
}
