//! All or nothing: an output is built beside its place and gets its name in one step.
//!
//! ```text
//! /srv/release                          the name, absent or complete at any time
//! /srv/.release.partial-4711-0c1f9ab2   what is being built; locked by the run that builds it
//! ```
//!
//! In the Landlock sandbox there are two staging directories, one for links and one for written files; they are merged
//! before the output gets its name (see [`landlock`](crate::fs::landlock)).
//!
//! With full durability the order is: everything written, `syncfs`, `renameat2`, `fsync` of the parent. Without the
//! first call a power cut after the rename leaves a tree that looks complete and whose link files are empty;
//! without the last one it may leave no tree although the run reported success.
//!
//! A run that is killed leaves its staging directory behind, unlocked. The next run for the same name removes it.
//!
//! An output that is to be replaced is locked from the start, too, and keeps its lock under the staging name: until the
//! run is over it may have to get its name back. So of several runs that would replace one output, one does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{Mode, RenameFlags};
use rustix::io::Errno;

use crate::error::{Error, SystemContext as _};
use crate::fs::{
    Access, LandlockError, LinkMode, MergeError, Method, OsResultExt as _, OutputSink, OutputTree,
    OutputTrees, Ruleset, SourceTree, SplitOutput, WriteError, is_same_inode, merge, open_root,
    retry,
};
use crate::{signals, text};

mod all;
mod leftovers;
mod lock;
mod names;
pub mod paths;
mod replaced;
mod staging_dir;
#[cfg(test)]
mod tests;

pub use all::{publish_all, rollback_all};
use leftovers::{remove, remove_leftovers};
use lock::stat_named;
use names::parent_and_name;
use staging_dir::StagingDir;

/// How much must have reached the disk before a run reports success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Durability {
    /// Everything is on the disk before the output gets its name
    #[default]
    Full,
    /// The system writes when it likes
    None,
}

/// How to treat an output that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// Refuse to run.
    #[default]
    Refuse,
    /// Exchange the old directory for the new one in one step, and remove it.
    Replace,
}

/// Which directory has which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The staging directory is being filled.
    Building,
    /// It has the output's name, and the staging name is free.
    Published,
    /// It has the output's name, and the old output has the staging name.
    Exchanged,
}

/// An output under construction. Dropping it removes what was not published.
pub struct Staging {
    /// The directory of the output and of its staging directories.
    parent: Dir,
    parent_path: PathBuf,
    /// The name that the output will have.
    name: String,
    dir: StagingDir,
    /// For written files, if they need a directory of their own.
    write_dir: Option<StagingDir>,
    /// The output that is to be replaced, locked.
    old: Option<Dir>,
    if_exists: IfExists,
    stage: Stage,
}

impl Staging {
    /// Checks that the output's name is free or may be replaced, and makes its staging directories.
    pub fn begin(output: &Path, if_exists: IfExists, trees: OutputTrees) -> Result<Self, Error> {
        let (parent_path, name) = parent_and_name(output)?;
        let parent = open_root(&parent_path)
            .context(format_args!("open the directory of {}", output.display()))?;
        let old = replaced::lock_existing(&parent, &name, if_exists, output)?;
        remove_leftovers(&parent, &name);
        let mut staging = Self {
            dir: StagingDir::make(&parent, &parent_path, &name)?,
            parent,
            parent_path,
            name,
            write_dir: None,
            old,
            if_exists,
            stage: Stage::Building,
        };
        // Only now, so that the first one is removed if this one fails.
        if trees == OutputTrees::Two {
            let (parent, path) = (&staging.parent, &staging.parent_path);
            let write_dir = StagingDir::make(parent, path, &staging.name)?;
            staging.write_dir = Some(write_dir);
        }
        Ok(staging)
    }

    /// Keeps accessible in the Landlock sandbox what building and publishing need.
    pub fn allow(&self, ruleset: &mut Ruleset) -> Result<(), LandlockError> {
        let output = self.output();
        let output = output.display();
        ruleset.allow_path(self.dir(), Access::Link, &output)?;
        if let Some(write_dir) = &self.write_dir {
            ruleset.allow_path(write_dir.dir(), Access::Write, &output)?;
        }
        if let Some(old) = &self.old {
            ruleset.allow_path(old, Access::Delete, &output)?;
        }
        ruleset.allow_path(&self.parent, Access::Publish, &output)
    }

    /// Tries out whether a file of the source can be linked here; see [`OutputTree::probe`]. To be called before the
    /// Landlock sandbox is in force.
    pub fn probe(
        &self,
        mode: LinkMode,
        source: &SourceTree,
        file: &std::os::fd::OwnedFd,
    ) -> Result<Method, WriteError> {
        let dir = self.write_dir.as_ref().unwrap_or(&self.dir);
        OutputTree::new(Arc::clone(&dir.root), mode).probe(source, file)
    }

    /// A sink to fill the output, for one worker.
    pub fn sink(&self, mode: LinkMode) -> Box<dyn OutputSink> {
        let root = Arc::clone(&self.dir.root);
        match &self.write_dir {
            Some(write_dir) => Box::new(SplitOutput::new(root, Arc::clone(&write_dir.root), mode)),
            None => Box::new(OutputTree::new(root, mode)),
        }
    }

    /// Merges the written files into the output. A name that was given both to a link and to a written file is
    /// found here at the latest; it is a mistake of the writer.
    pub fn merge_parts(&mut self) -> Result<(), MergeError> {
        if let Some(write_dir) = &self.write_dir {
            merge(write_dir.dir(), self.dir())?;
            let _ = remove(&self.parent, &write_dir.name);
            self.write_dir = None;
        }
        Ok(())
    }

    /// The directory that becomes the output.
    fn dir(&self) -> &Dir {
        self.dir.dir()
    }

    /// The path of the output.
    pub fn output(&self) -> PathBuf {
        self.parent_path.join(&self.name)
    }

    /// Adds to the error of a step in here what only the file system can tell.
    pub fn explain(&self, error: Error) -> Error {
        match error {
            Error::System { what, source } => Error::System {
                what,
                source: source.explain_enospc(self.dir()),
            },
            other => other,
        }
    }

    /// Gives the output its name. If that fails, also halfway, everything has the name that it had before.
    pub fn publish(&mut self, durability: Durability) -> Result<(), Error> {
        self.call("make the output readable to others", "fchmod", || {
            rustix::fs::fchmod(self.dir(), Mode::from_raw_mode(0o755))
        })?;
        if durability == Durability::Full {
            // One call for the whole file system costs less than one for each of thousands of files.
            self.call("write the output to the disk", "syncfs", || {
                rustix::fs::syncfs(self.dir())
            })?;
            // On a busy disk that can take long.
            signals::check()?;
        }
        self.stage = self.take_name()?;
        let confirmed = self.confirm(durability);
        confirmed.inspect_err(|_| self.rollback())
    }

    fn take_name(&self) -> Result<Stage, Error> {
        match self.rename(&self.dir.name, &self.name, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) if self.if_exists == IfExists::Replace => {
                let output = self.output();
                replaced::expect_unchanged(&self.parent, &self.name, self.old.as_ref(), &output)?;
                self.call("exchange the output", "renameat2", || {
                    self.rename(&self.dir.name, &self.name, RenameFlags::EXCHANGE)
                })?;
                Ok(Stage::Exchanged)
            }
            Err(Errno::EXIST) => Err(Error::Exists(self.output())),
            renamed => {
                self.call("give the output its name", "renameat2", || renamed)?;
                Ok(Stage::Published)
            }
        }
    }

    /// Checks that the directory that was filled has the output's name, and makes the name durable.
    fn confirm(&self, durability: Durability) -> Result<(), Error> {
        self.check_named()?;
        if durability == Durability::Full {
            self.call("make the output's name durable", "fsync", || {
                rustix::fs::fsync(&self.parent)
            })?;
        }
        Ok(())
    }

    /// A rename goes by name, and a process that can write beside the output can have put another directory there.
    fn check_named(&self) -> Result<(), Error> {
        let is_ours = self.call("check the published output", "fstatat", || {
            let named = stat_named(&self.parent, &self.name)?;
            Ok(is_same_inode(&named, &rustix::fs::fstat(self.dir())?))
        })?;
        if is_ours {
            return Ok(());
        }
        self.call(
            "publish the output: another process replaced its staging directory",
            "fstatat",
            || Err(Errno::STALE),
        )
    }

    /// Takes the name from the output again, and gives it back to the old one, because the run failed after all.
    pub fn rollback(&mut self) {
        let flags = match self.stage {
            Stage::Building => return,
            Stage::Published => RenameFlags::NOREPLACE,
            Stage::Exchanged => RenameFlags::EXCHANGE,
        };
        // If even this fails, the output stays: it is complete.
        if self.rename(&self.name, &self.dir.name, flags).is_ok() {
            self.stage = Stage::Building;
        }
    }

    fn rename(&self, from: &str, to: &str, flags: RenameFlags) -> Result<(), Errno> {
        retry(|| rustix::fs::renameat_with(&self.parent, from, &self.parent, to, flags))
    }

    /// Makes a system call on the output, and explains why it failed.
    fn call<T>(
        &self,
        what: &str,
        call: &'static str,
        make: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Error> {
        retry(make)
            .during(call, self.output().display())
            .map_err(|error| error.explain_enospc(self.dir()))
            .context(what)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The staging name is that of an unfinished output, or of one that was replaced.
        let names = [
            (self.stage != Stage::Published).then_some(&self.dir.name),
            self.write_dir.as_ref().map(|write_dir| &write_dir.name),
        ];
        for name in names.into_iter().flatten() {
            if let Err(error) = remove(&self.parent, name) {
                let path = self.parent_path.join(name).display().to_string();
                text::say(&format!(
                    "regcarve: cannot remove {}: {error}; delete it by hand",
                    text::visible(&path)
                ));
            }
        }
    }
}
