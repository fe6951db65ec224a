//! The tree that is being filled.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::link::{self, LinkMode, Method};
use super::{Fault, ReadError, SourceTree, TreePath, open};

/// A directory that we fill.
///
/// Files are born here complete and are never opened for writing again, because a placed file may be the
/// very same inode as the one in the source. Each worker has an `OutputTree` of its own for the same
/// directory; they share nothing but the file system, which decides who made a name first.
pub struct OutputTree {
    dir: Arc<Dir>,
    mode: LinkMode,
    /// Directories known to be there because this worker made one below them. Directories that
    /// only hold files are not kept: in a registry's storage there is one for each file.
    known: HashSet<Box<str>>,
    /// The directory of the last file, for formats with many files in one.
    last: String,
}

/// What placing a file did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is new, and got there so.
    New(Method),
    /// The same file was there already.
    AlreadyThere,
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
    LinkRefused(Fault),
    /// The system would not; the run cannot go on.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl OutputTree {
    /// A handle on a directory that is empty, or filled by other handles like this one.
    pub fn new(dir: Arc<Dir>, mode: LinkMode) -> Self {
        Self {
            dir,
            mode,
            known: HashSet::new(),
            last: String::new(),
        }
    }

    /// Another handle on the same directory, for another worker.
    pub fn another(&self) -> Self {
        Self::new(Arc::clone(&self.dir), self.mode)
    }

    /// Tries out whether a file of the source can get a name here, before any work is done. Only a real link
    /// can tell: two mounts of one file system have the same device number and still refuse.
    ///
    /// Returns the method that works.
    pub fn probe(&self, file: &OwnedFd) -> Result<Method, Fault> {
        /// Cannot collide with anything: the directory is fresh.
        const NAME: TreePath<'static> = TreePath::literal(".regcarve-probe");
        let mut method = self.mode.first();
        loop {
            let tried = match method {
                Method::Hard => link::hard(file, self.root(), NAME),
                // What the others need is found out by doing them; they touch no shared inode.
                Method::Reflink | Method::Copy => return Ok(method),
            };
            match (tried, self.mode.next(method)) {
                (Ok(()), _) => {
                    rustix::fs::unlinkat(self.root(), NAME.as_str(), rustix::fs::AtFlags::empty())
                        .map_err(|errno| Fault::new("unlinkat", NAME.as_str(), errno))?;
                    return Ok(method);
                }
                (Err(_), Some(next)) => method = next,
                (Err(fault), None) => return Err(fault),
            }
        }
    }

    /// Gives a file of the source the name `to`.
    pub fn place(
        &mut self,
        source: &SourceTree,
        from: TreePath<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        self.make_parents(to)?;
        let (file, _) = source.open_content(from).map_err(WriteError::Source)?;
        let mut method = self.mode.first();
        loop {
            let refused = match self.try_place(method, source, &file, from, to) {
                Err(WriteError::LinkRefused(fault)) => fault,
                other => return other,
            };
            match self.mode.next(method) {
                Some(next) => method = next,
                None => return Err(WriteError::LinkRefused(refused)),
            }
        }
    }

    fn try_place(
        &self,
        method: Method,
        source: &SourceTree,
        file: &OwnedFd,
        from: TreePath<'_>,
        to: TreePath<'_>,
    ) -> Result<Placed, WriteError> {
        let done = match method {
            Method::Hard => link::hard(file, self.root(), to),
            Method::Reflink | Method::Copy => {
                let (readable, _) = source.open_for_reading(from).map_err(WriteError::Source)?;
                link::duplicate(method, &readable, self.root(), to)
            }
        };
        match done {
            Ok(()) => Ok(Placed::New(method)),
            Err(fault) if fault.errno == Errno::EXIST => {
                // An NFS server may have done what it then denies; and a step may be repeated.
                if method == Method::Hard && link::same_file(file, self.root(), to)? {
                    Ok(Placed::AlreadyThere)
                } else {
                    Err(Occupied.into())
                }
            }
            Err(fault) if refuses_links(method, fault.errno) => {
                if method == Method::Reflink {
                    self.remove_own(to)?;
                }
                Err(WriteError::LinkRefused(fault))
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Writes a new file with these bytes. `false`: a file with the same bytes was there.
    pub fn write_new(&mut self, to: TreePath<'_>, bytes: &[u8]) -> Result<bool, WriteError> {
        self.make_parents(to)?;
        let file = match link::create(self.root(), to) {
            Ok(file) => file,
            Err(fault) if fault.errno == Errno::EXIST => {
                return if self.holds(to, bytes) {
                    Ok(false)
                } else {
                    Err(Occupied.into())
                };
            }
            Err(fault) => return Err(fault.into()),
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = link::retry(|| rustix::io::write(&file, rest))
                .map_err(|errno| Fault::new("write", to.as_str(), errno))?;
            rest = &rest[written..];
        }
        Ok(true)
    }

    /// Makes a directory and those above it.
    pub fn make_directory(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        if let (Some(above), _) = path.split() {
            self.make_known(above)?;
        }
        self.make_one(path)
    }

    fn make_parents(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        let (Some(parent), _) = path.split() else {
            return Ok(());
        };
        if parent.as_str() == self.last || self.known.contains(parent.as_str()) {
            return Ok(());
        }
        self.make_directory(parent)?;
        self.last.clear();
        self.last.push_str(parent.as_str());
        Ok(())
    }

    /// Makes a directory that will have directories in it, and those above it.
    fn make_known(&mut self, path: TreePath<'_>) -> Result<(), WriteError> {
        if self.known.contains(path.as_str()) {
            return Ok(());
        }
        if let (Some(above), _) = path.split() {
            self.make_known(above)?;
        }
        self.make_one(path)?;
        self.known.insert(path.as_str().into());
        Ok(())
    }

    fn make_one(&self, path: TreePath<'_>) -> Result<(), WriteError> {
        match link::retry(|| {
            rustix::fs::mkdirat(self.root(), path.as_str(), Mode::from_raw_mode(0o755))
        }) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) if self.is_directory(path) => Ok(()),
            Err(Errno::EXIST | Errno::NOTDIR) => Err(Occupied.into()),
            Err(errno) => Err(Fault::new("mkdirat", path.as_str(), errno).into()),
        }
    }

    fn is_directory(&self, path: TreePath<'_>) -> bool {
        open::beneath(self.root(), path, OFlags::PATH | OFlags::DIRECTORY).is_ok()
    }

    /// Whether a plain file with exactly these bytes and no other name is there.
    fn holds(&self, path: TreePath<'_>, bytes: &[u8]) -> bool {
        let Ok(file) = open::beneath(self.root(), path, OFlags::RDONLY) else {
            return false;
        };
        let Ok(stat) = rustix::fs::fstat(&file) else {
            return false;
        };
        if stat.st_nlink != 1 || u64::try_from(stat.st_size) != Ok(bytes.len() as u64) {
            return false;
        }
        let mut there = Vec::with_capacity(bytes.len());
        std::io::Read::read_to_end(&mut std::fs::File::from(file), &mut there).is_ok()
            && there == bytes
    }

    /// Takes back a file that this handle has just made and that never became whole.
    fn remove_own(&self, path: TreePath<'_>) -> Result<(), Fault> {
        rustix::fs::unlinkat(self.root(), path.as_str(), rustix::fs::AtFlags::empty())
            .map_err(|errno| Fault::new("unlinkat", path.as_str(), errno))
    }

    fn root(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
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
