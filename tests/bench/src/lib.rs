//! Measures regcarve, and makes the storages to measure it on.
//!
//! ```text
//! storage     a registry's storage of any size, the same for the same seed
//! tree        reads trees and compares them
//! replay      a tree made again by bare system calls: what the kernel alone needs
//! carve.sh    the shell way
//! skopeo      the way over HTTP
//!
//! scenarios   what is measured, one file for each question
//! race        several ways of doing a thing in turns
//! place       the file systems to measure on
//! child       time and memory of one process
//! stats       medians and ratios;  section, report, plot   how results are shown
//! ```
//!
//! The integration tests use the first four.

mod child;
pub mod options;
pub mod place;
mod plot;
mod race;
pub mod replay;
mod report;
mod scenarios;
mod section;
mod skopeo;
mod stats;
pub mod storage;
mod tools;
pub mod tree;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use options::Options;
use place::{Place, Where};
use scenarios::Bench;
use section::Section;
use tools::Tools;

/// The shell way of carving, as a script for bash: `carve.sh LIST SOURCE OUTPUT`.
pub const CARVE_SH: &str = include_str!("../carve.sh");

/// Exit code of a program that does not know what it is asked for, or cannot do it on this machine.
pub const UNSUPPORTED: i32 = 2;

/// Tells whether a path of a storage is for pushes alone, so that carved trees may or may not have it.
pub fn is_upload(path: &str) -> bool {
    path.split('/').any(|part| part == "_uploads")
}

/// Everything measured, as it is written to the JSON file.
#[derive(Serialize)]
struct Measured<'a> {
    machine: Machine,
    regcarve: String,
    sections: &'a [Section],
}

/// Where numbers come from; they mean little elsewhere.
#[derive(Serialize)]
struct Machine {
    cores: usize,
    processor: String,
    kernel: String,
}

/// Measures what the options ask for; prints tables as results come in.
pub fn run(options: &Options) -> Result<()> {
    let tools = Tools::new(&options.regcarve)?;
    let version = child::succeed(&mut tools.regcarve(["--version"]))?
        .stdout
        .trim()
        .to_owned();
    let machine = Machine::here()?;
    println!(
        "{version} · {} cores, {} · Linux {}",
        machine.cores, machine.processor, machine.kernel
    );

    let mut sections = Vec::new();
    let mut failures = Vec::new();
    for &kind in &options.places {
        let parent = match kind {
            Where::Tmpfs => &options.tmpfs_dir,
            Where::Disk => &options.disk_dir,
        };
        let place = Place::open(kind, parent, options.keep)?;
        let bench = Bench {
            tools: &tools,
            options,
            place: &place,
        };
        for scenario in options.scenarios() {
            match bench.measure(scenario) {
                Ok(more) => {
                    more.iter()
                        .for_each(|section| print!("{}", report::section(section)));
                    sections.extend(more);
                }
                // The others may still have something to say.
                Err(error) => {
                    eprintln!("\n{scenario:?} on {}: {error:#}", place.name);
                    failures.push(format!("{scenario:?} on {}", place.name));
                }
            }
        }
    }
    print!(
        "{}",
        report::goals(sections.iter().flat_map(|section| &section.goals))
    );

    if let Some(file) = &options.svg {
        let footer = format!(
            "Medians of up to {} runs on {} cores. (n×): ratio to the bare system calls on 1 thread.",
            options.rounds, machine.cores
        );
        match plot::releases(&sections, &footer)? {
            Some(svg) => write(file, svg)?,
            None => eprintln!("no release was measured: nothing to plot"),
        }
    }
    if let Some(file) = &options.json {
        let measured = Measured {
            machine,
            regcarve: version,
            sections: &sections,
        };
        write(file, serde_json::to_string_pretty(&measured)? + "\n")?;
    }
    if !failures.is_empty() {
        bail!("failed: {}", failures.join(", "));
    }
    Ok(())
}

impl Machine {
    fn here() -> Result<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: model.unwrap_or("unknown processor").to_owned(),
            kernel: kernel.trim().to_owned(),
        })
    }
}

fn write(file: &Path, text: String) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
