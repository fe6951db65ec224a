//! The command line of `regcarve-bench run`.

use std::path::PathBuf;

use crate::place::Where;
use crate::scenarios::Scenario;

/// The things to measure, and the places to measure in.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The program to measure
    #[arg(long, default_value = "target/release/regcarve")]
    pub regcarve: PathBuf,
    /// Sizes of the storages; releases are carved from the first
    #[arg(long, value_delimiter = ',', default_value = "2000,20000,100000")]
    pub images: Vec<usize>,
    /// Images of a release
    #[arg(long, default_value_t = 183)]
    pub select: usize,
    /// Rounds of each measurement
    #[arg(long, default_value_t = 11)]
    pub rounds: usize,
    /// Rounds of what takes seconds: the shell way, skopeo, all images of a storage
    #[arg(long, default_value_t = 3)]
    pub slow_rounds: usize,
    /// File systems to measure on
    #[arg(long = "where", value_delimiter = ',', default_value = "tmpfs,disk")]
    pub places: Vec<Where>,
    /// A folder on tmpfs; 100,000 images need one without a limit of inodes
    #[arg(long, default_value = "/dev/shm")]
    pub tmpfs_dir: PathBuf,
    /// A folder on a disk
    #[arg(long, default_value = "target/bench")]
    pub disk_dir: PathBuf,
    /// Only these scenarios
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<Scenario>,
    /// Also with cold caches; drops those of the whole machine, which needs the superuser
    #[arg(long)]
    pub cold: bool,
    /// Also copy with skopeo between two docker-registry processes
    #[arg(long)]
    pub skopeo: bool,
    /// Images that skopeo copies; its time is scaled to the release
    #[arg(long, default_value_t = 40)]
    pub skopeo_sample: usize,
    /// A policy that reads every config and keeps all images, as for `regcarve run --policy`
    #[arg(long, default_value = r#"labels={"require":{"tier":"*"}}"#)]
    pub labels_policy: String,
    /// Size of the storage with large layers
    #[arg(long, default_value_t = 1_024)]
    pub verify_mib: usize,
    /// Write a plot of the releases
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write everything measured
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Leave the storages for the next run
    #[arg(long)]
    pub keep: bool,
}

impl Options {
    /// The scenarios asked for, in the order in which they are best measured: small ones first.
    pub fn scenarios(&self) -> Vec<Scenario> {
        let all: &[Scenario] = &[
            Scenario::Release,
            Scenario::Cold,
            Scenario::Startup,
            Scenario::Verify,
            Scenario::Larger,
            Scenario::Policy,
            Scenario::Scale,
        ];
        let wanted = |scenario: &&Scenario| self.only.is_empty() || self.only.contains(*scenario);
        all.iter().filter(wanted).copied().collect()
    }
}
