//! All or nothing: an output is built beside its place and gets its name in one step.
//!
//! ```text
//! /srv/release                          the name, absent or complete at any time
//! /srv/.release.partial-4711-x7k2p9     what is being built; locked by the run that builds it
//! ```
//!
//! With full durability the order is: everything written, `syncfs`, `renameat2`, `fsync` of the parent. Without the
//! first call a power cut after the rename leaves a tree that looks whole and whose link files are empty;
//! without the last one it may leave no tree although the run said so.
//!
//! A run that is killed leaves its staging behind, unlocked. The next run for the same name removes it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::capability::{Fault, LinkMode, OutputTree, open_root};
use crate::error::Error;

/// What must have reached the disk before a run says that it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Everything: a complete run survives a power cut.
    #[default]
    Full,
    /// Nothing: for stages that are thrown away.
    None,
}

/// What a name in use means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Taken {
    /// The run is refused.
    #[default]
    Refuse,
    /// The old directory is exchanged for the new one in one step, and removed.
    Replace,
}

/// A directory under construction.
pub struct Staging {
    /// Of the output and the staging directory alike.
    parent: Dir,
    parent_shown: PathBuf,
    /// The name that it will have.
    name: String,
    /// The name that it has now.
    partial: String,
    dir: Arc<Dir>,
    taken: Taken,
    published: bool,
}

impl Staging {
    /// Makes the staging directory for an output, after looking that the output's name is free.
    pub fn begin(output: &Path, taken: Taken) -> Result<Self, Error> {
        let (parent_shown, name) = split(output)?;
        let parent = open_root(&parent_shown).map_err(Error::system(format!(
            "open the folder that {} is to be put into",
            output.display()
        )))?;
        check_name(&parent, &name, taken, output)?;
        remove_abandoned(&parent, &name);
        let partial = format!(
            "{}{}-{}",
            partial_prefix(&name),
            std::process::id(),
            random_word()
        );
        let fault = |call, errno| {
            Fault::new(
                call,
                parent_shown.join(&partial).display().to_string(),
                errno,
            )
        };
        // Nobody else has any business here until it is published.
        rustix::fs::mkdirat(&parent, &partial, Mode::RWXU).map_err(|errno| {
            Error::system(format!("begin {}", output.display()))(fault("mkdirat", errno))
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&parent, &partial, flags, Mode::empty())
            .map_err(|errno| Error::system("open the staging directory")(fault("openat", errno)))?;
        let dir = Dir::from_std_file(dir.into());
        let staging = Self {
            parent,
            parent_shown,
            name,
            partial,
            dir: Arc::new(dir),
            taken,
            published: false,
        };
        rustix::fs::flock(&*staging.dir, FlockOperation::NonBlockingLockExclusive).map_err(
            |errno| {
                Error::system("lock the staging directory")(Fault::new(
                    "flock",
                    &*staging.partial,
                    errno,
                ))
            },
        )?;
        Ok(staging)
    }

    /// A handle to fill it.
    pub fn tree(&self, mode: LinkMode) -> OutputTree {
        OutputTree::new(Arc::clone(&self.dir), mode)
    }

    /// Where it will be.
    pub fn output(&self) -> PathBuf {
        self.parent_shown.join(&self.name)
    }

    /// Sees to it that all of it is on the disk. One call for the whole file system costs less than one for each
    /// of thousands of files.
    pub fn sync(&self) -> Result<(), Error> {
        rustix::fs::syncfs(&*self.dir)
            .map_err(self.system("write the output to the disk", "syncfs"))
    }

    /// Gives it its name.
    pub fn publish(&mut self, durability: Durability) -> Result<(), Error> {
        rustix::fs::fchmod(&*self.dir, Mode::from_raw_mode(0o755))
            .map_err(self.system("open the output to others", "fchmod"))?;
        if durability == Durability::Full {
            self.sync()?;
        }
        let exchange = match self.rename(RenameFlags::NOREPLACE) {
            Ok(()) => false,
            Err(Errno::EXIST) if self.taken == Taken::Replace => {
                self.rename(RenameFlags::EXCHANGE)
                    .map_err(self.system("exchange the output", "renameat2"))?;
                true
            }
            Err(Errno::EXIST) => return Err(Error::Exists(self.output())),
            Err(errno) => return Err(self.system("give the output its name", "renameat2")(errno)),
        };
        // From here on the staging name is free, or it holds the old output.
        self.published = !exchange;
        if durability == Durability::Full {
            rustix::fs::fsync(&self.parent)
                .map_err(self.system("make the output's name durable", "fsync"))?;
        }
        Ok(())
    }

    /// Takes its name from it again, because another output of the same run could not be published.
    pub fn withdraw(&mut self) {
        if self.published && self.rename_back().is_ok() {
            self.published = false;
        }
    }

    fn rename(&self, flags: RenameFlags) -> Result<(), Errno> {
        rustix::fs::renameat_with(&self.parent, &self.partial, &self.parent, &self.name, flags)
    }

    fn rename_back(&self) -> Result<(), Errno> {
        rustix::fs::renameat_with(
            &self.parent,
            &self.name,
            &self.parent,
            &self.partial,
            RenameFlags::NOREPLACE,
        )
    }

    fn system<'a>(&'a self, what: &'a str, call: &'static str) -> impl FnOnce(Errno) -> Error + 'a {
        move |errno| {
            Error::system(what)(Fault::new(call, self.output().display().to_string(), errno))
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // Whatever is left is removed by the next run.
            let _ = self.parent.remove_dir_all(&self.partial);
        }
    }
}

fn split(output: &Path) -> Result<(PathBuf, String), Error> {
    let usage = |what: &str| Error::Usage(format!("the output {} {what}", output.display()));
    let name = match output.file_name().map(|name| name.to_str()) {
        Some(Some(name)) => name.to_owned(),
        Some(None) => return Err(usage("has a name that is not UTF-8")),
        None => {
            return Err(usage(
                "has no name of its own; name a folder that does not exist yet",
            ));
        }
    };
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok((parent, name))
}

/// The name must be free, or hold a directory that the user wants replaced.
fn check_name(parent: &Dir, name: &str, taken: Taken, output: &Path) -> Result<(), Error> {
    match (parent.symlink_metadata(name), taken) {
        (Err(_), _) => Ok(()),
        (Ok(there), Taken::Replace) if there.is_dir() => Ok(()),
        (Ok(_), Taken::Replace) => Err(Error::Usage(format!(
            "{} is not a directory, so it is not replaced",
            output.display()
        ))),
        (Ok(_), Taken::Refuse) => Err(Error::Exists(output.to_owned())),
    }
}

fn partial_prefix(name: &str) -> String {
    format!(".{name}.partial-")
}

/// Removes what killed runs for the same name have left. A lock tells whether a run is still at it.
fn remove_abandoned(parent: &Dir, name: &str) {
    let prefix = partial_prefix(name);
    let Ok(entries) = parent.entries() else {
        return;
    };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let Some(partial) = file_name
            .to_str()
            .filter(|partial| partial.starts_with(&prefix))
        else {
            continue;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(dir) = rustix::fs::openat(parent, partial, flags, Mode::empty()) else {
            continue;
        };
        if rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = parent.remove_dir_all(partial);
        }
    }
}

/// Enough that two runs with the same process id, in two containers, do not meet.
fn random_word() -> String {
    use std::hash::BuildHasher;
    format!(
        "{:08x}",
        std::hash::RandomState::new().hash_one(0) & 0xffff_ffff
    )
}
