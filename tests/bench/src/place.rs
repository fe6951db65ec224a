//! Where measurements take place: a folder on some file system, and what must happen to that file
//! system before and after each of them.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

/// Kinds of file system to measure on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Where {
    /// Memory: what the system calls and the program cost
    Tmpfs,
    /// A disk: what people have
    Disk,
}

/// The entries of one image in a storage or in an output of all images, measured and rounded up: about 29. On a disk a
/// small file or folder takes 4 KiB; in memory a file takes a page, and every entry, hard links too, about 1 KiB.
const INODES_PER_IMAGE: u64 = 31;
const BYTES_ON_DISK: u64 = 130_000;
const BYTES_IN_MEMORY: u64 = 85_000;

/// A folder to work in; everything made below it is removed in the end.
pub struct Place {
    /// As it appears in tables.
    pub name: String,
    /// Which kind was asked for.
    pub kind: Where,
    /// Root of everything made here.
    folder: PathBuf,
    /// Storages stay when the measurement ends.
    keep: bool,
    /// Outputs made so far.
    outputs: Cell<usize>,
}

impl Place {
    /// A place to work in below `parent`, which is made if it is missing.
    pub fn open(kind: Where, parent: &Path, keep: bool) -> Result<Self> {
        let folder = parent.join("regcarve-bench");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let file_system = file_system(&folder)?;
        let name = match kind {
            Where::Tmpfs => "tmpfs".to_owned(),
            Where::Disk => format!("disk ({file_system})"),
        };
        if (file_system == "tmpfs") != (kind == Where::Tmpfs) {
            bail!(
                "{} is on {file_system}; choose another folder for {name}",
                parent.display()
            );
        }
        let outputs = Cell::new(0);
        let place = Self {
            name,
            kind,
            folder,
            keep,
            outputs,
        };
        place.remove_outputs()?;
        Ok(place)
    }

    /// Path of a storage or list that is used by many measurements.
    pub fn lasting(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Path of a new output for `images` images. Old ones are removed only when room runs short,
    /// since the run after a removal on a disk is slower.
    pub fn fresh(&self, images: usize) -> Result<PathBuf> {
        if !self.make_room(images)? {
            bail!(
                "no room on {} for {images} images: inodes, space or memory",
                self.name
            );
        }
        self.outputs.set(self.outputs.get() + 1);
        let outputs = self.folder.join("out");
        fs::create_dir_all(&outputs)?;
        Ok(outputs.join(self.outputs.get().to_string()))
    }

    /// Makes room for that many images, if need be by removing the outputs made so far; tells whether they fit.
    pub fn make_room(&self, images: usize) -> Result<bool> {
        if self.has_room(images)? {
            return Ok(true);
        }
        self.remove_outputs()?;
        self.settle()?;
        self.has_room(images)
    }

    fn has_room(&self, images: usize) -> Result<bool> {
        let images = images as u64;
        let state = rustix::fs::statvfs(&self.folder)?;
        let free = state.f_bavail * state.f_frsize;
        let bytes = match self.kind {
            Where::Disk => free >= images * BYTES_ON_DISK,
            Where::Tmpfs => free.min(memory_available()) >= images * BYTES_IN_MEMORY,
        };
        // File systems that have no fixed number of inodes say 0.
        let inodes = state.f_files == 0 || state.f_favail >= images * INODES_PER_IMAGE;
        Ok(inodes && bytes)
    }

    /// Writes back what earlier runs left behind, so that no run pays for the one before.
    pub fn settle(&self) -> Result<()> {
        if self.kind == Where::Disk {
            rustix::fs::syncfs(fs::File::open(&self.folder)?)?;
        }
        Ok(())
    }

    /// Removes all outputs.
    pub fn remove_outputs(&self) -> Result<()> {
        remove(&self.folder.join("out"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Nothing depends on it, and the next run tries again.
        let _ = self.remove_outputs();
        if !self.keep {
            let _ = remove(&self.folder);
        }
    }
}

/// Removes a tree that may not be there.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Forgets everything that the kernel holds of files and names; needs the superuser.
pub fn drop_caches() -> Result<()> {
    rustix::fs::sync();
    fs::write("/proc/sys/vm/drop_caches", "3").context("cannot drop the kernel's caches")
}

fn file_system(path: &Path) -> Result<String> {
    let magic = rustix::fs::statfs(path)?.f_type as u64;
    Ok(match magic {
        0x0102_1994 => "tmpfs".into(),
        0xef53 => "ext4".into(),
        0x5846_5342 => "xfs".into(),
        0x9123_683e => "btrfs".into(),
        0x794c_7630 => "overlayfs".into(),
        other => format!("type {other:#x}"),
    })
}

/// Memory that a tmpfs could still take; all of it where the kernel does not say.
fn memory_available() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(u64::MAX, |kib| kib * 1024)
}
