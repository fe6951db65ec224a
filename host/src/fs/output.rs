//! The tree that is being filled.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::Dir;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::dir_cache::{DirCache, Lookup, PathStreak};
use super::link::{self, LinkMode, Method, Refusal};
use super::{OsError, ReadError, SourceFile, SourceTree, TreePath, open};
use crate::hash_map::HashSet;
use crate::signals;

/// The directory that a tree grows in. Its workers share it.
#[derive(Debug)]
pub struct OutputRoot {
    dir: Dir,
    /// How many directories were made at most [`TOP`] deep, by all workers.
    tops: AtomicU64,
}

/// How deep below the root the directories are that are counted: those that tell the parts of a storage apart. EntryKind are few of
/// them.
pub(super) const TOP: usize = 4;

impl OutputRoot {
    /// A directory that is empty.
    pub fn new(dir: Dir) -> Self {
        Self {
            dir,
            tops: AtomicU64::new(0),
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Grows when a directory is made near the root, and with nothing else: while it stays the same, such a
    /// directory that was not there is still not there.
    pub(super) fn tops(&self) -> u64 {
        self.tops.load(Ordering::Acquire)
    }
}

/// A directory that we fill.
///
/// Files are born here complete and are never opened for writing again, because a placed file may be the
/// very same inode as the one in the source. Each worker has an `OutputTree` of its own for the same
/// directory; they share nothing but the file system, which decides who made a name first.
pub struct OutputTree {
    root: Arc<OutputRoot>,
    mode: LinkMode,
    /// Directories known to be there because this worker made one below them. Directories that
    /// only hold files are not kept: in a registry's storage there is one for each file.
    known: HashSet<Box<str>>,
    handles: DirCache,
    /// What is linked and what is written go to different places, by turns. The directories of the last file of
    /// each are there.
    linked: PathStreak,
    written: PathStreak,
}

/// What placing a file did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is new, and got there so.
    New(Method),
    /// The same file was there already.
    AlreadyThere,
}

/// What has a name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// Something that is no directory; or it is on the way to the name.
    Other,
}

/// Something else has the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("something else has this name already")]
pub struct Occupied;

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A matter of the one who gave the name; nothing was changed.
    #[error(transparent)]
    Occupied(#[from] Occupied),
    /// The file of the source is gone, or no longer what it was.
    #[error("{0}")]
    Source(ReadError),
    /// The system refuses this kind of link; the run cannot go on.
    #[error("cannot link from the source: {0}")]
    LinkRefused(Refusal),
    /// The run was asked to stop by this signal.
    #[error("stopped by signal {0}")]
    Stopped(i32),
    /// The system would not; the run cannot go on.
    #[error(transparent)]
    OsError(#[from] OsError),
}

impl OutputTree {
    /// A handle on a directory that is empty, or filled by other handles like this one.
    pub fn new(root: Arc<OutputRoot>, mode: LinkMode) -> Self {
        Self {
            root,
            mode,
            known: HashSet::default(),
            handles: DirCache::default(),
            linked: PathStreak::default(),
            written: PathStreak::default(),
        }
    }

    /// Tries out whether a file of the source can get a name here, before any work is done. Only a real link
    /// can tell: two mounts of one file system have the same device number and still refuse.
    ///
    /// A file that is itself no good for it (it has all the names that it can have, is immutable, or was removed since it
    /// was found) says nothing about the others, and so passes.
    ///
    /// Returns the method that works.
    pub fn probe(&self, source: &SourceTree, file: &OwnedFd) -> Result<Method, WriteError> {
        /// Cannot collide with anything: the directory is fresh.
        const NAME: TreePath<'static> = TreePath::literal(".regcarve-probe");
        let mut method = self.mode.first();
        loop {
            let file = file.as_fd();
            let refused = match method {
                Method::Hard if source.copies_when_linked(file) => Refusal::of_lower_layer(NAME),
                Method::Hard => match link::hard(file, self.root(), NAME) {
                    Ok(()) => {
                        link::remove(self.root(), NAME, NAME)?;
                        return Ok(method);
                    }
                    Err(fault) if fault.errno == Errno::MLINK => return Ok(method),
                    Err(fault) if fault.errno == Errno::PERM && link::is_fixed(file) => {
                        return Ok(method);
                    }
                    Err(fault) if fault.errno == Errno::NOENT && link::is_gone(file) => {
                        return Ok(method);
                    }
                    Err(fault) if !refuses_links(method, fault.errno) => return Err(fault.into()),
                    Err(fault) => Refusal::of_call(&fault, file),
                },
                // What the others need is found out by doing them; they touch no shared inode.
                Method::Reflink | Method::Copy => return Ok(method),
            };
            match self.mode.next(method) {
                Some(next) => method = next,
                None => return Err(WriteError::LinkRefused(refused)),
            }
        }
    }

    /// Gives a file of the source the name `to`: that very file, or the bytes of it.
    pub fn place(
        &mut self,
        source: &SourceTree,
        from: SourceFile<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        let root = Arc::clone(&self.root);
        let near = self.handles.nearest(root.dir.as_fd(), &mut self.linked, to);
        self.make_parents(near, to)
            .inspect_err(|_| self.linked.forget())?;
        let opened;
        let file = match from.handle {
            Some(file) => file,
            None => {
                let looked;
                (opened, looked) = source.open_content(from.path).map_err(WriteError::Source)?;
                looked.expect(from.key).map_err(WriteError::Source)?;
                opened.as_fd()
            }
        };
        let spot = Target {
            dir: self.handles.dir(root.dir.as_fd(), near),
            rest: near.rest(to),
            whole: to,
        };
        let mut method = self.mode.first();
        loop {
            let refused = match spot.place(method, source, file, from) {
                Err(WriteError::LinkRefused(refused)) => refused,
                other => return other,
            };
            match self.mode.next(method) {
                Some(next) => method = next,
                None => return Err(WriteError::LinkRefused(refused)),
            }
        }
    }

    /// Writes a new file with these bytes. `false`: a file with the same bytes was there.
    pub fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        let root = Arc::clone(&self.root);
        let near = self
            .handles
            .nearest(root.dir.as_fd(), &mut self.written, to);
        self.make_parents(near, to)
            .inspect_err(|_| self.written.forget())?;
        let spot = Target {
            dir: self.handles.dir(root.dir.as_fd(), near),
            rest: near.rest(to),
            whole: to,
        };
        spot.write(bytes)
    }

    /// What has this name here.
    pub(super) fn taken(&self, path: TreePath<'_>) -> Result<Option<EntryKind>, WriteError> {
        let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
        match link::retry(|| rustix::fs::statat(self.root(), path.as_str(), flags)) {
            Ok(stat) => Ok(Some(match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => EntryKind::Directory,
                _ => EntryKind::Other,
            })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR) => Ok(Some(EntryKind::Other)),
            Err(errno) => Err(OsError::new("fstatat", path.as_str(), errno).into()),
        }
    }

    /// Makes a directory and those above it.
    pub fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        if self.make_known(Lookup::ROOT, path)? {
            return Ok(());
        }
        // It may have been there, as something else.
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        match open::beneath(self.root(), path, flags) {
            Ok(_) => Ok(()),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Occupied.into()),
            Err(errno) => Err(OsError::new("openat2", path.as_str(), errno).into()),
        }
    }

    /// Makes the directory of a file, and those above it. `near` is where the file is looked up from: what that
    /// covers is there, and so is what the file has in common with the one before it.
    fn make_parents(&mut self, near: Lookup, path: TreePath<'_>) -> Result<(), WriteError> {
        let (Some(parent), _) = path.split() else {
            return Ok(());
        };
        if parent.as_str().len() <= near.common() {
            return Ok(());
        }
        if let (Some(above), _) = parent.split() {
            self.make_known(near, above)?;
        }
        if !self.known.contains(parent.as_str()) {
            self.make_one(near, parent)?;
        }
        Ok(())
    }

    /// Makes a directory that will have directories in it, and those above it. Whether it is new.
    fn make_known(&mut self, near: Lookup, path: TreePath<'_>) -> Result<bool, WriteError> {
        if path.as_str().len() <= near.common() || self.known.contains(path.as_str()) {
            return Ok(false);
        }
        if let (Some(above), _) = path.split() {
            self.make_known(near, above)?;
        }
        let new = self.make_one(near, path)?;
        self.known.insert(path.as_str().into());
        Ok(new)
    }

    /// Makes a directory, unless something has its name (`false`). If that is no directory, the next step will say so.
    fn make_one(&self, near: Lookup, path: TreePath<'_>) -> Result<bool, WriteError> {
        if near.covers(path) {
            return Ok(false);
        }
        let dir = self.handles.dir(self.root(), near);
        let name = near.rest(path);
        let mode = Mode::from_raw_mode(0o755);
        match link::retry(|| rustix::fs::mkdirat(dir, name.as_str(), mode)) {
            Ok(()) => {
                if path.components().nth(TOP).is_none() {
                    self.root.tops.fetch_add(1, Ordering::Release);
                }
                Ok(true)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(Errno::NOTDIR) => Err(Occupied.into()),
            Err(errno) => Err(OsError::new("mkdirat", path.as_str(), errno).into()),
        }
    }

    /// See [`OutputRoot::tops`].
    pub(super) fn tops(&self) -> u64 {
        self.root.tops()
    }

    fn root(&self) -> BorrowedFd<'_> {
        self.root.dir.as_fd()
    }
}

/// A name for a new file.
struct Target<'a> {
    dir: BorrowedFd<'a>,
    /// Relative to `dir`.
    rest: TreePath<'a>,
    /// Relative to the tree, for messages.
    whole: TreePath<'a>,
}

impl Target<'_> {
    fn place(
        &self,
        method: Method,
        source: &SourceTree,
        file: BorrowedFd<'_>,
        from: SourceFile<'_>,
    ) -> Result<Placed, WriteError> {
        let done = match method {
            Method::Hard if source.copies_when_linked(file) => {
                return Err(WriteError::LinkRefused(Refusal::of_lower_layer(self.whole)));
            }
            Method::Hard => match self.link(source, file, from.path) {
                Err(WriteError::OsError(fault)) => Err(fault),
                Err(other) => return Err(other),
                Ok(()) => Ok(()),
            },
            Method::Reflink | Method::Copy => {
                let (readable, looked) = source
                    .open_for_reading(from.path)
                    .map_err(WriteError::Source)?;
                looked.expect(from.key).map_err(WriteError::Source)?;
                link::duplicate(method, &readable, self.dir, self.rest)
            }
        };
        let Err(fault) = done else {
            return Ok(Placed::New(method));
        };
        let fault = fault.with_path(self.whole.as_str());
        match fault.errno {
            // An NFS server may have done what it then denies; and a step may be repeated.
            Errno::EXIST
                if method == Method::Hard && link::same_file(file, self.dir, self.rest)? =>
            {
                Ok(Placed::AlreadyThere)
            }
            Errno::EXIST | Errno::NOTDIR => Err(Occupied.into()),
            // Its directory is there, so it is the file that has gone.
            Errno::NOENT => Err(WriteError::Source(ReadError::NotFound)),
            errno if refuses_links(method, errno) => {
                if method == Method::Reflink {
                    link::remove(self.dir, self.rest, self.whole)?;
                }
                Err(WriteError::LinkRefused(Refusal::of_call(&fault, file)))
            }
            errno => match signals::caught() {
                Some(signal) if errno == Errno::CANCELED => Err(WriteError::Stopped(signal)),
                _ => Err(fault.into()),
            },
        }
    }

    /// Makes the link. Behind the wall a file that somebody has moved out of the source gets none, and the system says the
    /// same (`EXDEV`) as of another mount: so it is looked whether the file is still in its place.
    fn link(
        &self,
        source: &SourceTree,
        file: BorrowedFd<'_>,
        from: TreePath<'_>,
    ) -> Result<(), WriteError> {
        /// It may be moved back between the link and the look, again and again.
        const LOOKS: usize = 16;
        let mut looks = 0;
        loop {
            match link::hard(file, self.dir, self.rest) {
                Err(fault)
                    if fault.errno == Errno::XDEV
                        && looks < LOOKS
                        && !link::are_apart(file, self.dir) =>
                {
                    source.expect_same(from, file).map_err(WriteError::Source)?;
                    looks += 1;
                }
                answer => return Ok(answer?),
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> Result<bool, WriteError> {
        let file = match link::create(self.dir, self.rest) {
            Ok(file) => file,
            Err(fault) => match fault.errno {
                Errno::EXIST if self.holds(bytes) => return Ok(false),
                Errno::EXIST | Errno::NOTDIR => return Err(Occupied.into()),
                _ => {
                    return Err(fault.with_path(self.whole.as_str()).into());
                }
            },
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = link::retry(|| rustix::io::write(&file, rest))
                .map_err(|errno| OsError::new("write", self.whole.as_str(), errno))?;
            rest = &rest[written..];
        }
        Ok(true)
    }

    /// Whether a plain file with exactly these bytes and no other name is there.
    fn holds(&self, bytes: &[u8]) -> bool {
        let Ok(file) = open::beneath(self.dir, self.rest, OFlags::RDONLY) else {
            return false;
        };
        let Ok(stat) = link::retry(|| rustix::fs::fstat(&file)) else {
            return false;
        };
        if stat.st_nlink != 1 || u64::try_from(stat.st_size) != Ok(bytes.len() as u64) {
            return false;
        }
        let mut there = Vec::with_capacity(bytes.len());
        std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut there).is_ok()
            && there == bytes
    }
}

/// Whether an error speaks of the method and not of this moment.
fn refuses_links(method: Method, errno: Errno) -> bool {
    match method {
        // Another file system or mount, `fs.protected_hardlinks` or an immutable file, the most links
        // that one file can have, a file system without links.
        Method::Hard => matches!(
            errno,
            Errno::XDEV
                | Errno::PERM
                | Errno::MLINK
                | Errno::OPNOTSUPP
                | Errno::NOSYS
                | Errno::ROFS
        ),
        Method::Reflink => matches!(
            errno,
            Errno::XDEV
                | Errno::OPNOTSUPP
                | Errno::INVAL
                | Errno::NOTTY
                | Errno::NOSYS
                | Errno::TXTBSY
        ),
        Method::Copy => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd as _;
    use std::sync::Arc;

    use super::{OutputRoot, OutputTree, Placed, WriteError};
    use crate::fs::{LinkMode, Method, SourceFile, SourceTree, TreePath, open_root};

    /// What was looked at is what is linked or copied, or nothing is.
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
            let (handle, looked) = source.open_content(file).unwrap();
            let from = |handle| SourceFile {
                path: file,
                handle,
                key: Some(looked.key),
            };
            let place = |from, to: &str| {
                let to = format!("{number}/{to}");
                tree(mode).place(&source, from, TreePath::parse(&to).unwrap())
            };
            assert_eq!(
                place(from(None), "same").unwrap(),
                Placed::New(mode.first())
            );
            write("two");
            let answer = place(from(None), "other");
            assert!(
                matches!(answer, Err(WriteError::Source(_))),
                "{mode:?}: {answer:?}"
            );
            // A handle is the file itself; for a copy it has to be opened again.
            let answer = place(from(Some(handle.as_fd())), "handle");
            match mode.first() {
                Method::Hard => assert!(answer.is_ok(), "{answer:?}"),
                _ => assert!(
                    matches!(answer, Err(WriteError::Source(_))),
                    "{mode:?}: {answer:?}"
                ),
            }
            assert!(!path(&format!("output/{number}/other")).exists());
        }
    }
}
