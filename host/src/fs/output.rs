//! The tree that is being filled.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::dir_cache::{DirCache, Lookup, PathStreak};
use super::landlock::absent::TopDirs;
use super::link::{self, LinkMode, Method};
use super::retry::retry;
use super::target::Target;
use super::{
    Occupied, OsError, OsResultExt as _, OutputSink, Placed, Refusal, SourceFile, SourceTree,
    TreePath, WriteError, open,
};
use crate::hash_map::HashSet;

/// The directory that an output is built in. Its workers share it.
#[derive(Debug)]
pub struct OutputRoot {
    dir: Dir,
    pub(super) top_dirs: TopDirs,
}

impl OutputRoot {
    /// Takes a directory that is empty.
    pub fn new(dir: Dir) -> Self {
        Self {
            dir,
            top_dirs: TopDirs::default(),
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }
}

/// A directory that we fill.
///
/// Files appear here complete and are never opened for writing again, because a placed file may be the
/// very same inode as the one in the source. Each worker has an `OutputTree` of its own for the same
/// directory; they share nothing but the file system, which decides who made a name first.
pub struct OutputTree {
    root: Arc<OutputRoot>,
    mode: LinkMode,
    /// Directories that exist, because this worker made one below them. Directories that
    /// only hold files are not kept: in a registry's storage there is one for each file.
    made: HashSet<Box<str>>,
    cache: DirCache,
    /// Links and written files go to different directories, by turns.
    links: PathStreak,
    writes: PathStreak,
}

/// The type of an existing entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    /// A directory.
    Directory,
    /// Something else; or something on the path is not a directory.
    Other,
}

impl OutputTree {
    /// Takes a directory that is empty, or filled by other values like this one.
    pub fn new(root: Arc<OutputRoot>, mode: LinkMode) -> Self {
        Self {
            root,
            mode,
            made: HashSet::default(),
            cache: DirCache::default(),
            links: PathStreak::default(),
            writes: PathStreak::default(),
        }
    }

    /// Tries out whether a file of the source can be linked here, before any work is done. Returns the method that works.
    ///
    /// Only a real link can tell: two mounts of one file system have the same device number and still refuse.
    ///
    /// A file that itself cannot be linked (it has as many names as it can have, is immutable, or was removed since it
    /// was found) says nothing about the others, and so passes.
    pub fn probe(&self, source: &SourceTree, file: &OwnedFd) -> Result<Method, WriteError> {
        let mut method = self.mode.first();
        while let Some(refusal) = self.try_method(method, source, file.as_fd())? {
            method = self
                .mode
                .next(method)
                .ok_or(WriteError::LinkRefused(refusal))?;
        }
        Ok(method)
    }

    /// Why a method does not work here; `None` if it does.
    fn try_method(
        &self,
        method: Method,
        source: &SourceTree,
        file: BorrowedFd<'_>,
    ) -> Result<Option<Refusal>, WriteError> {
        /// Cannot collide with anything: the directory is fresh.
        const NAME: TreePath<'static> = TreePath::literal(".regcarve-probe");
        if method != Method::Hard {
            // They touch no shared inode, and are tried when they are needed.
            return Ok(None);
        }
        if source.copies_when_linked(file) {
            return Ok(Some(Refusal::of_lower_layer(NAME)));
        }
        let Err(error) = link::hard(file, self.dir(), NAME) else {
            link::remove(self.dir(), NAME, NAME)?;
            return Ok(None);
        };
        match error.errno {
            Errno::MLINK => Ok(None),
            Errno::PERM if link::is_fixed(file) => Ok(None),
            Errno::NOENT if link::is_gone(file) => Ok(None),
            errno if method.is_refused_by(errno) => Ok(Some(Refusal::of_call(&error, file))),
            _ => Err(error.into()),
        }
    }

    /// The type of what has this name here; `None` if it is free.
    pub(super) fn entry_kind(&self, path: TreePath<'_>) -> Result<Option<EntryKind>, OsError> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match retry(|| rustix::fs::statat(self.dir(), path.as_str(), flags)) {
            Ok(stat) => Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => EntryKind::Directory,
                _ => EntryKind::Other,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR) => Ok(Some(EntryKind::Other)),
            Err(errno) => Err(OsError::new("fstatat", path.as_str(), errno)),
        }
    }

    /// Makes the directory of a file, and its parents. `start` is where the file is looked up from: what that
    /// covers exists, and so does what the file has in common with the one before it.
    fn make_parents(&mut self, start: Lookup, path: TreePath<'_>) -> Result<(), WriteError> {
        let (Some(parent), _) = path.split() else {
            return Ok(());
        };
        if parent.as_str().len() <= start.common() {
            return Ok(());
        }
        if let (Some(grandparent), _) = parent.split() {
            self.make_all(start, grandparent)?;
        }
        if !self.made.contains(parent.as_str()) {
            self.make_one(start, parent)?;
        }
        Ok(())
    }

    /// Makes a directory that will have directories in it, and its parents. `false`: it was there.
    fn make_all(&mut self, start: Lookup, path: TreePath<'_>) -> Result<bool, WriteError> {
        if path.as_str().len() <= start.common() || self.made.contains(path.as_str()) {
            return Ok(false);
        }
        if let (Some(parent), _) = path.split() {
            self.make_all(start, parent)?;
        }
        let new = self.make_one(start, path)?;
        self.made.insert(path.as_str().into());
        Ok(new)
    }

    /// Makes a directory. `false`: something has its name; if that is not a directory, the next step will say so.
    fn make_one(&self, start: Lookup, path: TreePath<'_>) -> Result<bool, WriteError> {
        if start.covers(path) {
            return Ok(false);
        }
        let dir = self.cache.dir(self.dir(), start);
        let rest = start.rest(path);
        let mode = Mode::from_raw_mode(0o755);
        match retry(|| rustix::fs::mkdirat(dir, rest.as_str(), mode)) {
            Ok(()) => {
                self.root.top_dirs.made(path);
                Ok(true)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(Errno::NOTDIR) => Err(Occupied.into()),
            Err(errno) => Err(OsError::new("mkdirat", path.as_str(), errno).into()),
        }
    }

    fn target<'a>(&'a self, start: Lookup, path: TreePath<'a>) -> Target<'a> {
        Target {
            dir: self.cache.dir(self.dir(), start),
            rest: start.rest(path),
            path,
        }
    }

    pub(super) fn top_dirs(&self) -> &TopDirs {
        &self.root.top_dirs
    }

    fn dir(&self) -> BorrowedFd<'_> {
        self.root.dir.as_fd()
    }
}

impl OutputSink for OutputTree {
    fn mode(&self) -> LinkMode {
        self.mode
    }

    fn place(
        &mut self,
        source: &SourceTree,
        from: SourceFile<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        let root = self.root.dir.as_fd();
        let start = self.cache.lookup(root, &mut self.links, to);
        self.make_parents(start, to)
            .inspect_err(|_| self.links.forget())?;
        let (file, info) = source.open_handle(from.path).map_err(WriteError::Source)?;
        info.expect(from.key).map_err(WriteError::Source)?;
        let target = self.target(start, to);
        let mut method = self.mode.first();
        loop {
            match target.place(method, source, file.as_fd(), from) {
                Err(WriteError::LinkRefused(refusal)) => {
                    let next = self.mode.next(method);
                    method = next.ok_or(WriteError::LinkRefused(refusal))?;
                }
                placed => return placed,
            }
        }
    }

    fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        let root = self.root.dir.as_fd();
        let start = self.cache.lookup(root, &mut self.writes, to);
        self.make_parents(start, to)
            .inspect_err(|_| self.writes.forget())?;
        self.target(start, to).write(bytes)
    }

    fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        if self.make_all(Lookup::ROOT, path)? {
            return Ok(());
        }
        // It may have been there, as something else.
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match open::beneath(self.dir(), path, flags) {
            Ok(_) => Ok(()),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Occupied.into()),
            other => Ok(other.during("openat2", path).map(drop)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::{OutputRoot, OutputTree};
    use crate::fs::{
        LinkMode, OutputSink as _, Placed, SourceFile, SourceTree, TreePath, WriteError, open_root,
    };

    /// The file that was seen is the one that is linked or copied, or nothing is.
    #[test]
    fn another_file_is_not_placed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("source")).unwrap();
        fs::create_dir(path("output")).unwrap();
        let file = TreePath::parse("file").unwrap();
        let source = SourceTree::open(&path("source")).unwrap();
        let tree = |mode| {
            let root = OutputRoot::new(open_root(&path("output")).unwrap());
            OutputTree::new(Arc::new(root), mode)
        };
        let write = |text: &str| {
            fs::write(path("new"), text).unwrap();
            fs::rename(path("new"), path("source/file")).unwrap();
        };
        for (number, mode) in [LinkMode::Hard, LinkMode::Copy].into_iter().enumerate() {
            write("one");
            let (_, info) = source.open_handle(file).unwrap();
            let from = SourceFile {
                path: file,
                key: Some(info.key),
            };
            let place = |to: &str| {
                let to = format!("{number}/{to}");
                tree(mode).place(&source, from, TreePath::parse(&to).unwrap())
            };
            assert_eq!(place("same").unwrap(), Placed::New(mode.first()));
            write("two");
            let answer = place("other");
            assert!(
                matches!(answer, Err(WriteError::Source(_))),
                "{mode:?}: {answer:?}"
            );
            assert!(!path(&format!("output/{number}/other")).exists());
        }
    }
}
