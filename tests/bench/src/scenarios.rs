//! The scenarios: one file per question, and here the code that all of them share.

mod policy;
mod release;
mod scale;
mod startup;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::child;
use crate::options::Options;
use crate::place::{self, Place, Where};
use crate::race::{Attempt, Contestant};
use crate::section::Section;
use crate::tools::{self, Tools};

pub(crate) use release::{COPY, PARALLEL, REGCARVE, REGCARVE_FULL, SERIAL, SHELL, SKOPEO};

/// A thing that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scenario {
    /// Some images of a storage, next to every other way of doing it
    Release,
    /// A release with cold caches (only with --cold, on a disk, as superuser)
    Cold,
    /// As many images as in a release, out of the larger storages
    Larger,
    /// One image, and `--help`, as whole processes
    Startup,
    /// A policy that reads every config
    Policy,
    /// All images of storages of every size: time and memory for each image
    Scale,
    /// Hashing a storage with large layers
    Verify,
}

/// One place with everything needed to measure there.
pub(crate) struct Bench<'a> {
    /// Programs.
    pub tools: &'a Tools,
    /// The command line.
    pub options: &'a Options,
    /// File system.
    pub place: &'a Place,
}

/// A storage that was made for measurements.
pub(crate) struct Storage {
    /// The registry's `rootdirectory`.
    pub root: PathBuf,
    /// Names of the selected images.
    pub list: PathBuf,
    /// Images in the storage.
    pub images: usize,
    /// Images in the list.
    pub selected: usize,
}

impl Bench<'_> {
    /// Measures one scenario; there may be nothing to say at this place.
    pub(crate) fn measure(&self, scenario: Scenario) -> Result<Vec<Section>> {
        match scenario {
            Scenario::Release => release::warm(self).map(|section| vec![section]),
            Scenario::Cold => release::cold(self).map(Vec::from_iter),
            Scenario::Larger => release::larger(self),
            Scenario::Startup => startup::measure(self).map(|section| vec![section]),
            Scenario::Policy => policy::measure(self).map(|section| vec![section]),
            Scenario::Scale => scale::measure(self).map(|section| vec![section]),
            Scenario::Verify => verify::measure(self).map(|section| vec![section]),
        }
    }

    /// The storage of `images` images, made if it is not there yet. `None`: there is no room.
    fn storage(&self, images: usize) -> Result<Option<Storage>> {
        self.make(&format!("images-{images}"), images, images, &[])
    }

    /// The storage called `name`, made with further arguments of `make-storage` if need be. It takes
    /// the room of `room` usual images.
    fn make(
        &self,
        name: &str,
        images: usize,
        room: usize,
        arguments: &[String],
    ) -> Result<Option<Storage>> {
        let selected = self.options.select.min(images);
        let name = format!("{name}-select-{selected}");
        // The list is written last: where it is, the storage is complete.
        let (root, list) = (
            self.place.lasting(&name),
            self.place.lasting(&format!("{name}.list")),
        );
        let storage = Storage {
            root,
            list,
            images,
            selected,
        };
        if storage.list.exists() {
            return Ok(Some(storage));
        }
        if !self.place.make_room(room)? {
            return Ok(None);
        }
        place::remove(&storage.root)?;
        eprintln!("making {}", storage.root.display());
        let mut make = self.tools.make_storage();
        make.args([
            "--images",
            &images.to_string(),
            "--select",
            &selected.to_string(),
        ])
        .args(arguments)
        .args([Path::new("--list"), &storage.list, &storage.root]);
        child::succeed(&mut make)?;
        self.place.settle()?;
        Ok(Some(storage))
    }

    /// The storage that releases are carved from: the first of `--images`.
    fn first_storage(&self) -> Result<Storage> {
        let images = self.options.images.first().copied().unwrap_or_default();
        self.storage(images)?
            .with_context(|| format!("no room for {images} images on {}", self.place.name))
    }

    /// regcarve as a whole process, each time into a new output. `arguments` are those of `run`
    /// besides source and output.
    fn carve<'b>(
        &'b self,
        name: impl Into<String>,
        storage: &'b Storage,
        images: usize,
        arguments: &[&str],
        cold: bool,
    ) -> Contestant<'b> {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        self.contestant(name, move || {
            let out = self.place.fresh(images)?;
            self.before(cold)?;
            self.run_carve(storage, &arguments, &out)
        })
    }

    /// One run of `regcarve run`.
    fn run_carve(&self, storage: &Storage, arguments: &[String], out: &Path) -> Result<Attempt> {
        let (from, to) = (tools::registry(&storage.root)?, tools::registry(out)?);
        let arguments = arguments.iter().map(String::as_str);
        let all = ["run"]
            .into_iter()
            .chain(arguments)
            .chain([from.as_str(), to.as_str()]);
        tools::attempt(&mut self.tools.regcarve(all))
    }

    /// A contestant that takes part in every round, and once before.
    fn contestant<'b>(
        &self,
        name: impl Into<String>,
        run: impl FnMut() -> Result<Attempt> + 'b,
    ) -> Contestant<'b> {
        Contestant {
            name: name.into(),
            also: None,
            note: String::new(),
            rounds: self.options.rounds,
            warm_up: true,
            run: Box::new(run),
        }
    }

    /// Prepares the place right before each measurement.
    fn before(&self, cold: bool) -> Result<()> {
        self.place.settle()?;
        if cold { place::drop_caches() } else { Ok(()) }
    }

    /// The tree that the shell way makes of a storage: what replays do again.
    ///
    /// Made by the script and not by regcarve, so that what regcarve leaves out does not lower the
    /// bar that it is held against.
    fn reference_tree(&self, storage: &Storage) -> Result<PathBuf> {
        let name = format!("tree-{}-{}", storage.images, storage.selected);
        let (tree, partial) = (
            self.place.lasting(&name),
            self.place.lasting("tree.partial"),
        );
        if !tree.exists() {
            place::remove(&partial)?;
            child::succeed(&mut self.tools.carve_sh(&storage.list, &storage.root, &partial))?;
            fs::rename(&partial, &tree)?;
        }
        Ok(tree)
    }

    /// Fails unless regcarve makes the reference tree; wrong results need no measurement.
    fn check_tree(&self, storage: &Storage, tree: &Path) -> Result<()> {
        let out = self.place.fresh(storage.selected)?;
        let list = storage.list.to_string_lossy().into_owned();
        let arguments = ["--durability", "none", "--list", &list].map(str::to_owned);
        if let Attempt::Done(_) = self.run_carve(storage, &arguments, &out)? {
            let differences = crate::tree::differences(tree, &out, crate::is_upload)?;
            if let Some(first) = differences.first() {
                let more = differences.len() - 1;
                bail!("regcarve and the shell way give different trees: {first} and {more} more");
            }
        }
        Ok(())
    }

    /// Tells whether this place is the disk.
    fn on_disk(&self) -> bool {
        self.place.kind == Where::Disk
    }
}

/// `20000` as `20,000`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
