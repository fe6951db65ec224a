//! `regcarve-bench`: one command that measures, and the two tools it calls for that.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use regcarve_bench::options::Options;
use regcarve_bench::replay::{self, Plan};
use regcarve_bench::storage::{self, Shape};
use regcarve_bench::{UNSUPPORTED, place, run};

/// Measures regcarve next to the other ways of carving a release out of a registry's storage.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a registry's storage of tiny images
    MakeStorage(MakeStorage),
    /// Make a carved tree again with bare system calls, and print their time as JSON
    Replay(Replay),
    /// Make storages, measure everything on them, print tables
    Run(Options),
}

#[derive(clap::Args)]
struct MakeStorage {
    #[command(flatten)]
    shape: Shape,
    /// A list of further `name:tag` that the storage shall hold
    #[arg(long, value_name = "FILE")]
    include: Option<PathBuf>,
    /// How many images to name in --list, spread evenly
    #[arg(long, default_value_t = 183, requires = "list")]
    select: usize,
    /// Write the names of the selected images
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The registry's `rootdirectory`, to be made
    root: PathBuf,
}

#[derive(clap::Args)]
struct Replay {
    /// Threads that share the work
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Do it in a Landlock sandbox like that of regcarve
    #[arg(long)]
    landlock: bool,
    /// Drop the kernel's caches right before the calls; needs the superuser
    #[arg(long)]
    drop_caches: bool,
    /// The storage that the tree was carved from
    source: PathBuf,
    /// The finished tree
    tree: PathBuf,
    /// Where to make it again; must not exist
    out: PathBuf,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::MakeStorage(arguments) => make_storage(&arguments),
        Command::Replay(arguments) => make_again(&arguments),
        Command::Run(options) => run(&options),
    }
}

fn make_storage(arguments: &MakeStorage) -> Result<()> {
    let include = match &arguments.include {
        Some(file) => {
            let text = fs::read_to_string(file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            storage::references_of(&text)
        }
        None => Vec::new(),
    };
    let all = storage::make(&arguments.root, &arguments.shape, &include)?;
    if let Some(file) = &arguments.list {
        let list = storage::select(&all, arguments.select).join("\n") + "\n";
        fs::write(file, list).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn make_again(arguments: &Replay) -> Result<()> {
    let absolute = std::path::absolute;
    let (source, out) = (absolute(&arguments.source)?, absolute(&arguments.out)?);
    let plan = Plan::read(&source, &arguments.tree, &out)?;
    if arguments.drop_caches {
        place::drop_caches()?;
    }
    if arguments.landlock
        && let Err(error) = replay::restrict_with_landlock(&source, &out)
    {
        eprintln!("cannot use Landlock: {error:#}");
        std::process::exit(UNSUPPORTED);
    }
    let replayed = plan.carry_out(arguments.threads)?;
    println!("{}", serde_json::to_string(&replayed)?);
    Ok(())
}
