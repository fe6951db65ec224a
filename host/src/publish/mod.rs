//! All or nothing: an output is built beside its place and gets its name in one step.
//!
//! ```text
//! /srv/release                          the name, absent or complete at any time
//! /srv/.release.partial-4711-x7k2p9     what is being built; locked by the run that builds it
//! ```
//!
//! Behind the wall ([`Ruleset`]) what is written is built apart, in a second directory of that kind, and moved in before
//! the output gets its name.
//!
//! With full durability the order is: everything written, `syncfs`, `renameat2`, `fsync` of the parent. Without the
//! first call a capability cut after the rename leaves a tree that looks whole and whose link files are empty;
//! without the last one it may leave no tree although the run said so.
//!
//! A run that is killed leaves its staging behind, unlocked. The next run for the same name removes it.
//!
//! An output that is to be replaced is locked from the start, too, and keeps its lock under the staging name: until the run is
//! over it may have to be given its name back. So of several runs that would replace one output, one does.

mod all;
pub mod paths;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::error::Error;
use crate::fs::{
    Access, LandlockError, LinkMode, MergeError, OsError, OutputRoot, Ruleset, SplitOutput, merge,
    open_root, retry,
};
use crate::signals;
use crate::text;

pub use all::{publish_all, rollback_all};

/// What must have reached the disk before a run says that it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Durability {
    /// Everything: a complete run survives a power cut
    #[default]
    Full,
    /// Nothing: for outputs that are thrown away
    None,
}

/// What a name in use means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfExists {
    /// The run is refused.
    #[default]
    Refuse,
    /// The old directory is exchanged for the new one in one step, and removed.
    Replace,
}

/// What has which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The staging directory is being filled.
    Building,
    /// It has the output's name, and the staging name is free.
    Published,
    /// It has the output's name, and what had that name before has the staging name.
    Exchanged,
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
    dir: Arc<OutputRoot>,
    /// Where files are written, if that has to be another directory.
    written: Option<Part>,
    /// The directory that is to be replaced, locked.
    old: Option<Dir>,
    taken: IfExists,
    stage: Stage,
}

/// A directory beside the output that holds a part of it.
struct Part {
    partial: String,
    dir: Arc<OutputRoot>,
}

impl Staging {
    /// Makes the staging directory for an output, after looking that the output's name is free. `apart`: what is
    /// written gets a directory of its own, as the wall demands it.
    pub fn begin(output: &Path, taken: IfExists, apart: bool) -> Result<Self, Error> {
        let (parent_shown, name) = split(output)?;
        let parent = open_root(&parent_shown).map_err(Error::system(format!(
            "open the folder that {} is to be put into",
            output.display()
        )))?;
        let old = if is_taken(&parent, &name, taken, output)? {
            Some(lock_old(&parent, &name, output)?)
        } else {
            None
        };
        remove_abandoned(&parent, &name);
        let (partial, dir) = make_part(&parent, &parent_shown, &name)?;
        let mut staging = Self {
            parent,
            parent_shown,
            name,
            partial,
            dir,
            written: None,
            old,
            taken,
            stage: Stage::Building,
        };
        if apart {
            let (parent, shown) = (&staging.parent, &staging.parent_shown);
            let (partial, dir) = make_part(parent, shown, &staging.name)?;
            staging.written = Some(Part { partial, dir });
        }
        Ok(staging)
    }

    /// A handle to fill it.
    pub fn trees(&self, mode: LinkMode) -> SplitOutput {
        let written = self.written.as_ref().map(|part| Arc::clone(&part.dir));
        SplitOutput::new(Arc::clone(&self.dir), written, mode)
    }

    /// Leaves the doors in the wall that building and publishing go through.
    pub fn allow(&self, wall: &mut Ruleset) -> Result<(), LandlockError> {
        let shown = self.output().display().to_string();
        wall.allow(self.dir(), Access::Link, &shown)?;
        if let Some(part) = &self.written {
            wall.allow(part.dir.dir(), Access::Write, &shown)?;
        }
        if let Some(old) = &self.old {
            wall.allow(old, Access::Delete, &shown)?;
        }
        wall.allow(&self.parent, Access::Publish, &shown)
    }

    /// Brings together what was built apart. A name that was given both to a link and to a file that was written is
    /// found here at the latest; it is a mistake of the writer.
    pub fn join(&mut self) -> Result<(), MergeError> {
        if let Some(part) = &self.written {
            merge(part.dir.dir(), self.dir())?;
            let _ = remove(&self.parent, &part.partial);
            self.written = None;
        }
        Ok(())
    }

    /// The directory, whatever its name is now.
    pub fn dir(&self) -> &Dir {
        self.dir.dir()
    }

    /// Where it will be.
    pub fn output(&self) -> PathBuf {
        self.parent_shown.join(&self.name)
    }

    /// An error of a step in here, with what only the file system can tell.
    pub fn explain(&self, error: Error) -> Error {
        match error {
            Error::System { what, fault } => Error::System {
                what,
                fault: fault.explain_enospc(self.dir()),
            },
            other => other,
        }
    }

    /// Sees to it that all of it is on the disk. One call for the whole file system costs less than one for each
    /// of thousands of files.
    fn sync(&self) -> Result<(), Error> {
        retry(|| rustix::fs::syncfs(self.dir()))
            .map_err(self.system("write the output to the disk", "syncfs"))
    }

    /// Gives it its name. If that fails, also halfway, everything has the name that it had before.
    pub fn publish(&mut self, durability: Durability) -> Result<(), Error> {
        retry(|| rustix::fs::fchmod(self.dir(), Mode::from_raw_mode(0o755)))
            .map_err(self.system("open the output to others", "fchmod"))?;
        if durability == Durability::Full {
            self.sync()?;
            // On a busy disk that can take long.
            signals::check()?;
        }
        self.stage = match self.rename(RenameFlags::NOREPLACE) {
            Ok(()) => Stage::Published,
            Err(Errno::EXIST) if self.taken == IfExists::Replace => {
                self.expect_old()?;
                self.rename(RenameFlags::EXCHANGE)
                    .map_err(self.system("exchange the output", "renameat2"))?;
                Stage::Exchanged
            }
            Err(Errno::EXIST) => return Err(Error::Exists(self.output())),
            Err(errno) => return Err(self.system("give the output its name", "renameat2")(errno)),
        };
        if let Err(errno) = self.check_named() {
            let what = match errno {
                Errno::STALE => {
                    "give the output its name: something else was put in the place of what was built"
                }
                _ => "look at what has the output's name",
            };
            let error = self.system(what, "fstatat")(errno);
            self.withdraw();
            return Err(error);
        }
        if durability == Durability::Full
            && let Err(errno) = retry(|| rustix::fs::fsync(&self.parent))
        {
            let error = self.system("make the output's name durable", "fsync")(errno);
            self.withdraw();
            return Err(error);
        }
        Ok(())
    }

    /// What has the output's name must be what it was when the run began: another run may have been faster.
    fn expect_old(&self) -> Result<(), Error> {
        let look = |call| self.system("look at the output that is to be replaced", call);
        let named = stat_named(&self.parent, &self.name).map_err(look("fstatat"))?;
        let locked = match &self.old {
            Some(old) => Some(retry(|| rustix::fs::fstat(old)).map_err(look("fstat"))?),
            None => None,
        };
        match locked {
            Some(locked) if is_same(&named, &locked) => Ok(()),
            _ => Err(Error::Busy(self.output())),
        }
    }

    /// Takes its name from it again, and gives it back to what had it before, because the run failed after all.
    pub fn withdraw(&mut self) {
        let flags = match self.stage {
            Stage::Building => return,
            Stage::Published => RenameFlags::NOREPLACE,
            Stage::Exchanged => RenameFlags::EXCHANGE,
        };
        // If even this fails, the output stays: it is complete.
        if self.rename_back(flags).is_ok() {
            self.stage = Stage::Building;
        }
    }

    /// Fails with `ESTALE` if the output's name is not that of the directory that was filled. A rename goes by name, and
    /// whoever can write beside the output can have swapped it.
    fn check_named(&self) -> Result<(), Errno> {
        let named = stat_named(&self.parent, &self.name)?;
        let built = retry(|| rustix::fs::fstat(self.dir()))?;
        if is_same(&named, &built) {
            Ok(())
        } else {
            Err(Errno::STALE)
        }
    }

    fn rename(&self, flags: RenameFlags) -> Result<(), Errno> {
        let (from, to) = (&*self.partial, &*self.name);
        retry(|| rustix::fs::renameat_with(&self.parent, from, &self.parent, to, flags))
    }

    fn rename_back(&self, flags: RenameFlags) -> Result<(), Errno> {
        let (from, to) = (&*self.name, &*self.partial);
        retry(|| rustix::fs::renameat_with(&self.parent, from, &self.parent, to, flags))
    }

    fn system<'a>(&'a self, what: &'a str, call: &'static str) -> impl FnOnce(Errno) -> Error + 'a {
        move |errno| {
            let fault = OsError::new(call, self.output().display().to_string(), errno);
            Error::system(what)(fault.explain_enospc(self.dir()))
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What has the staging name is unfinished, or it is the output that was replaced.
        let partials = [
            (self.stage != Stage::Published).then_some(&self.partial),
            self.written.as_ref().map(|part| &part.partial),
        ];
        for partial in partials.into_iter().flatten() {
            if let Err(error) = remove(&self.parent, partial) {
                let path = self.parent_shown.join(partial).display().to_string();
                text::say(&format!(
                    "regcarve: {} is left, since it cannot be removed: {error}",
                    text::visible(&path)
                ));
            }
        }
    }
}

/// How often a directory is removed before the next run is left to do it. Each time goes on where the one before
/// stopped.
const REMOVALS: usize = 3;

fn remove(parent: &Dir, partial: &str) -> std::io::Result<()> {
    // This takes no open file, of which there may be none left.
    if retry(|| rustix::fs::unlinkat(parent, partial, AtFlags::REMOVEDIR)).is_ok() {
        return Ok(());
    }
    let mut last = Ok(());
    for _ in 0..REMOVALS {
        match parent.remove_dir_all(partial) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => last = Err(error),
            _ => return Ok(()),
        }
    }
    last
}

/// How often another name is tried. Whoever takes a directory for an abandoned one has looked at it in the moment
/// between its making and its locking, so the second time nearly always does.
const NAMES: usize = 100;

/// Opens and locks the directory that is to be replaced: never what a symbolic link leads to.
fn lock_old(parent: &Dir, name: &str, output: &Path) -> Result<Dir, Error> {
    match lock(parent, name) {
        Ok(Some(dir)) => Ok(Dir::from_std_file(dir.into())),
        Ok(None) => Err(Error::Busy(output.to_owned())),
        Err(fault) => {
            let fault = fault.with_path(output.display().to_string());
            Err(Error::system("lock the output that is to be replaced")(
                fault,
            ))
        }
    }
}

fn stat_named(parent: &Dir, name: &str) -> Result<Stat, Errno> {
    retry(|| rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW))
}

fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// The same with the whole path in the error.
fn make_part(parent: &Dir, shown: &Path, name: &str) -> Result<(String, Arc<OutputRoot>), Error> {
    match make_partial(parent, name) {
        Ok((partial, dir)) => {
            let dir = OutputRoot::new(Dir::from_std_file(dir.into()));
            Ok((partial, Arc::new(dir)))
        }
        Err(fault) => {
            let path = shown.join(&fault.path).display().to_string();
            let output = shown.join(name);
            let fault = fault.with_path(path).explain_enospc(parent);
            Err(Error::system(format!("begin {}", output.display()))(fault))
        }
    }
}

/// Makes a staging directory and locks it. The path in a fault is its name.
fn make_partial(parent: &Dir, name: &str) -> Result<(String, OwnedFd), OsError> {
    for _ in 0..NAMES {
        let partial = format!(
            "{}{}-{}",
            partial_prefix(name),
            std::process::id(),
            random_word()
        );
        // Nobody else has any business here until it is published.
        match retry(|| rustix::fs::mkdirat(parent, &partial, Mode::RWXU)) {
            Ok(()) => {}
            Err(Errno::EXIST) => continue,
            Err(errno) => return Err(OsError::new("mkdirat", partial, errno)),
        }
        match lock(parent, &partial) {
            Ok(Some(dir)) => return Ok((partial, dir)),
            // Another run has taken it for an abandoned one. Two that remove the same do not disturb each other.
            Ok(None) => {
                let _ = remove(parent, &partial);
            }
            Err(fault) => {
                let _ = remove(parent, &partial);
                return Err(fault);
            }
        }
    }
    Err(OsError::new("mkdirat", partial_prefix(name), Errno::EXIST))
}

/// Opens and locks a directory of an output. `None`: somebody else has locked it, or it is gone.
fn lock(parent: &Dir, partial: &str) -> Result<Option<OwnedFd>, OsError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = match retry(|| rustix::fs::openat(parent, partial, flags, Mode::empty())) {
        Ok(dir) => dir,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(OsError::new("openat", partial, errno)),
    };
    lock_opened(parent, partial, dir)
}

/// The same, once it is open.
fn lock_opened(parent: &Dir, partial: &str, dir: OwnedFd) -> Result<Option<OwnedFd>, OsError> {
    let fault = |call| move |errno| OsError::new(call, partial, errno);
    match retry(|| rustix::fs::flock(&dir, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => return Err(fault("flock")(errno)),
    }
    // Before it was locked, its name may have come to mean something else, or nothing.
    let opened = retry(|| rustix::fs::fstat(&dir)).map_err(fault("fstat"))?;
    match stat_named(parent, partial) {
        Ok(named) if is_same(&named, &opened) => Ok(Some(dir)),
        Ok(_) | Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(fault("fstatat")(errno)),
    }
}

/// The folder that an output is put into, and its name there.
pub(crate) fn split(output: &Path) -> Result<(PathBuf, String), Error> {
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

/// Whether there is a directory that the user wants replaced. Otherwise the name must be free.
fn is_taken(parent: &Dir, name: &str, taken: IfExists, output: &Path) -> Result<bool, Error> {
    let directory = match stat_named(parent, name) {
        Ok(stat) => FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
        Err(Errno::NOENT) => return Ok(false),
        Err(errno) => {
            let fault = OsError::new("fstatat", output.display().to_string(), errno);
            return Err(Error::system("find out whether the output exists")(fault));
        }
    };
    match taken {
        IfExists::Refuse => Err(Error::Exists(output.to_owned())),
        IfExists::Replace if directory => Ok(true),
        IfExists::Replace => Err(Error::Usage(format!(
            "{} is not a directory, so it is not replaced",
            output.display()
        ))),
    }
}

fn partial_prefix(name: &str) -> String {
    format!(".{name}.partial-")
}

/// Whether this is the name of a staging directory of the output, and of nothing else.
fn is_partial(file_name: &str, name: &str) -> bool {
    let parts = file_name
        .strip_prefix(&partial_prefix(name))
        .and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(process, word)| {
        !process.is_empty()
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && word.len() == WORD
            && word
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Removes what killed runs for the same name have left. A lock tells whether a run is still at it.
fn remove_abandoned(parent: &Dir, name: &str) {
    // What cannot be listed or opened is left to a later run; it is in nobody's way.
    let Ok(entries) = parent.entries() else {
        return;
    };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        if let Some(partial) = file_name.to_str()
            && is_partial(partial, name)
            && let Ok(Some(_locked)) = lock(parent, partial)
        {
            let _ = remove(parent, partial);
        }
    }
}

/// Digits of the random part of a name.
const WORD: usize = 8;

/// Enough that two runs with the same process id, in two containers, do not meet.
fn random_word() -> String {
    use std::hash::BuildHasher;
    format!(
        "{:0WORD$x}",
        std::hash::RandomState::new().hash_one(0) & 0xffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{
        Durability, IfExists, Staging, is_partial, is_taken, lock, lock_old, lock_opened,
        open_root, partial_prefix, random_word, remove, split,
    };
    use crate::error::Error;

    #[test]
    fn only_names_of_our_own_pattern_are_staging() {
        let made = format!("{}4711-{}", partial_prefix("out"), random_word());
        assert!(is_partial(&made, "out"), "{made}");
        for other in [
            ".out.partial-",
            ".out.partial-backup",
            ".out.partial-4711",
            ".out.partial-4711-mine",
            ".out.partial-4711-0123456789",
            ".out.partial--01234567",
            ".out.partial-47x1-01234567",
            ".out.partial-4711-0123ABCD",
            ".other.partial-4711-01234567",
            "out.partial-4711-01234567",
        ] {
            assert!(!is_partial(other, "out"), "{other}");
        }
    }

    /// A folder, and a staging directory in it for `output` that holds one file. What is to be replaced is there.
    fn begun(taken: IfExists) -> (tempfile::TempDir, Staging, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        if taken == IfExists::Replace {
            fs::create_dir(folder.path().join("output")).unwrap();
            fs::write(folder.path().join("output/old"), "").unwrap();
        }
        let staging = Staging::begin(&folder.path().join("output"), taken, false).unwrap();
        let partial = folder.path().join(&staging.partial);
        fs::write(partial.join("built"), "").unwrap();
        (folder, staging, partial)
    }

    /// Whoever can write beside the output could have the run publish something else.
    #[test]
    fn what_was_put_in_the_place_of_the_staging_is_not_published() {
        for taken in [IfExists::Refuse, IfExists::Replace] {
            let (folder, mut staging, partial) = begun(taken);
            let output = folder.path().join("output");
            fs::rename(&partial, folder.path().join("moved")).unwrap();
            fs::create_dir(&partial).unwrap();
            fs::write(partial.join("planted"), "").unwrap();

            let error = staging.publish(Durability::None).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("something else was put in the place of what was built")
                    && text.contains(&output.display().to_string()),
                "{text}"
            );
            assert_eq!(
                output.join("old").try_exists().unwrap(),
                taken == IfExists::Replace
            );
            assert!(!output.join("planted").try_exists().unwrap());
        }
    }

    #[test]
    fn a_name_that_was_taken_meanwhile_is_named() {
        let (folder, mut staging, partial) = begun(IfExists::Refuse);
        let output = folder.path().join("output");
        fs::create_dir(&output).unwrap();
        let error = staging.publish(Durability::Full).unwrap_err();
        assert!(
            matches!(&error, Error::Exists(path) if *path == output),
            "{error}"
        );
        drop(staging);
        assert!(!partial.try_exists().unwrap());
        assert!(output.try_exists().unwrap());
    }

    #[test]
    fn what_is_withdrawn_is_gone_and_what_was_there_is_back() {
        let (folder, mut staging, partial) = begun(IfExists::Replace);
        let output = folder.path().join("output");
        staging.publish(Durability::None).unwrap();
        assert!(output.join("built").try_exists().unwrap());
        // It may have to be given back: another run must not take it for something that was left behind.
        super::tidy(&output);
        assert!(partial.join("old").try_exists().unwrap());
        staging.withdraw();
        drop(staging);
        assert!(output.join("old").try_exists().unwrap());
        assert!(!output.join("built").try_exists().unwrap());
        assert!(!partial.try_exists().unwrap());
    }

    #[test]
    fn a_link_is_nothing_that_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("directory")).unwrap();
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("directory", path("link")).unwrap();
        let parent = open_root(folder.path()).unwrap();
        let is_taken = |name: &str| is_taken(&parent, name, IfExists::Replace, &path(name));
        assert!(is_taken("directory").unwrap());
        assert!(!is_taken("nothing").unwrap());
        for name in ["file", "link"] {
            let error = is_taken(name).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{name}: {error}");
            assert!(lock_old(&parent, name, &path(name)).is_err(), "{name}");
        }
    }

    /// Of several runs that would replace one output, one does.
    #[test]
    fn an_output_that_a_run_is_at_work_on_is_left_to_it() {
        let (folder, mut staging, _) = begun(IfExists::Replace);
        let output = folder.path().join("output");
        let is_busy = || {
            let another = Staging::begin(&output, IfExists::Replace, false);
            matches!(another, Err(Error::Busy(path)) if path == output)
        };
        assert!(is_busy());
        staging.publish(Durability::None).unwrap();
        // Until the run is over: it may take it back.
        assert!(is_busy());
        drop(staging);
        assert!(!is_busy());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_another_run_published_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let begin = || Staging::begin(&output, IfExists::Replace, false).unwrap();
        let (mut slow, mut fast) = (begin(), begin());
        fast.publish(Durability::None).unwrap();
        drop(fast);
        fs::write(output.join("published"), "").unwrap();
        let error = slow.publish(Durability::None).unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
        drop(slow);
        assert!(output.join("published").try_exists().unwrap());

        let mut staging = begin();
        fs::rename(&output, folder.path().join("moved")).unwrap();
        fs::create_dir(&output).unwrap();
        fs::write(output.join("precious"), "").unwrap();
        let error = staging.publish(Durability::None).unwrap_err();
        assert!(matches!(error, Error::Busy(_)), "{error}");
        drop(staging);
        assert!(output.join("precious").try_exists().unwrap());
    }

    #[test]
    fn only_a_free_staging_directory_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("free")).unwrap();
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("free", path("link")).unwrap();
        let parent = open_root(folder.path()).unwrap();
        assert!(lock(&parent, "file").is_err());
        assert!(lock(&parent, "link").is_err());
        assert!(lock(&parent, "nothing").unwrap().is_none());
        let locked = lock(&parent, "free").unwrap();
        assert!(locked.is_some());
        assert!(lock(&parent, "free").unwrap().is_none());
        drop(locked);
        assert!(lock(&parent, "free").unwrap().is_some());
    }

    #[test]
    fn a_name_that_means_something_else_by_now_is_not_locked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("partial")).unwrap();
        let parent = open_root(folder.path()).unwrap();
        let opened = || fs::File::open(path("partial")).unwrap().into();
        assert!(lock_opened(&parent, "partial", opened()).unwrap().is_some());
        let before = opened();
        fs::rename(path("partial"), path("moved")).unwrap();
        assert!(lock_opened(&parent, "partial", before).unwrap().is_none());
        let before = fs::File::open(path("moved")).unwrap().into();
        fs::create_dir(path("partial")).unwrap();
        assert!(lock_opened(&parent, "partial", before).unwrap().is_none());
    }

    #[test]
    fn what_is_removed_is_gone_whatever_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let parent = open_root(folder.path()).unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();
        fs::create_dir_all(folder.path().join("full/a/b")).unwrap();
        fs::write(folder.path().join("full/a/b/file"), "").unwrap();
        for name in ["empty", "full", "nothing"] {
            remove(&parent, name).unwrap();
            assert!(!folder.path().join(name).try_exists().unwrap(), "{name}");
        }
        // What is no directory is not ours.
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(remove(&parent, "file").is_err());
        assert!(folder.path().join("file").try_exists().unwrap());
    }

    #[test]
    fn an_output_is_a_name_in_a_folder() {
        for (output, parent, name) in [
            ("out", ".", "out"),
            ("./out", ".", "out"),
            ("a/b/out", "a/b", "out"),
            ("/out", "/", "out"),
            ("a/out/", "a", "out"),
        ] {
            let (folder, last) = split(Path::new(output)).unwrap();
            assert_eq!(
                (folder.as_path(), &*last),
                (Path::new(parent), name),
                "{output}"
            );
        }
        for output in ["", "/", ".", "..", "a/.."] {
            let error = split(Path::new(output)).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{output}: {error}");
        }
    }
}
