//! Making one new name in the output.

use std::io::Read as _;
use std::os::fd::BorrowedFd;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::landlock::moved;
use super::link::{self, Method};
use super::retry::retry;
use super::{
    Occupied, OsError, OsResultExt as _, Placed, ReadError, Refusal, SourceFile, SourceTree,
    TreePath, WriteError, open,
};
use crate::signals;

/// A name for a new file; its directory exists.
pub(super) struct Target<'a> {
    /// An open directory on the way to the name.
    pub(super) dir: BorrowedFd<'a>,
    /// Relative to `dir`.
    pub(super) rest: TreePath<'a>,
    /// Relative to the tree, for messages.
    pub(super) path: TreePath<'a>,
}

impl Target<'_> {
    /// Links or copies a file of the source here, with one method.
    pub(super) fn place(
        &self,
        method: Method,
        source: &SourceTree,
        file: BorrowedFd<'_>,
        from: SourceFile<'_>,
    ) -> Result<Placed, WriteError> {
        let placed = match method {
            Method::Hard => self.hard_link(source, file, from.path),
            Method::Reflink | Method::Copy => self.duplicate(method, source, from),
        };
        match placed {
            Ok(()) => Ok(Placed::New(method)),
            Err(WriteError::OsError(error)) => self.classify(method, file, error),
            Err(other) => Err(other),
        }
    }

    fn hard_link(
        &self,
        source: &SourceTree,
        file: BorrowedFd<'_>,
        from: TreePath<'_>,
    ) -> Result<(), WriteError> {
        if source.copies_when_linked(file) {
            return Err(WriteError::LinkRefused(Refusal::of_lower_layer(self.path)));
        }
        moved::hard_link(source, from, file, self.dir, self.rest)
    }

    fn duplicate(
        &self,
        method: Method,
        source: &SourceTree,
        from: SourceFile<'_>,
    ) -> Result<(), WriteError> {
        let (readable, info) = source
            .open_for_reading(from.path)
            .map_err(WriteError::Source)?;
        info.expect(from.key).map_err(WriteError::Source)?;
        Ok(link::duplicate(method, &readable, self.dir, self.rest)?)
    }

    /// Tells apart why a file could not be placed: the name, the file, the method, or the system.
    fn classify(
        &self,
        method: Method,
        file: BorrowedFd<'_>,
        error: OsError,
    ) -> Result<Placed, WriteError> {
        let error = error.with_path(self.path.as_str());
        match error.errno {
            // An NFS server may have done what it then denies; and a step may be repeated.
            Errno::EXIST
                if method == Method::Hard && link::is_same_file(file, self.dir, self.rest)? =>
            {
                Ok(Placed::AlreadyThere)
            }
            Errno::EXIST | Errno::NOTDIR => Err(Occupied.into()),
            // The directory of the name exists, so it is the file of the source that is gone.
            Errno::NOENT => Err(WriteError::Source(ReadError::NotFound)),
            errno if method.is_refused_by(errno) => {
                if method == Method::Reflink {
                    link::remove(self.dir, self.rest, self.path)?;
                }
                Err(WriteError::LinkRefused(Refusal::of_call(&error, file)))
            }
            Errno::CANCELED => {
                signals::check()?;
                Err(error.into())
            }
            _ => Err(error.into()),
        }
    }

    /// Writes a new file. `false`: a file with the same bytes is there already.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<bool, WriteError> {
        let file = match link::create(self.dir, self.rest) {
            Ok(file) => file,
            Err(error) => match error.errno {
                Errno::EXIST if self.holds(bytes) => return Ok(false),
                Errno::EXIST | Errno::NOTDIR => return Err(Occupied.into()),
                _ => return Err(error.with_path(self.path.as_str()).into()),
            },
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = retry(|| rustix::io::write(&file, rest)).during("write", self.path)?;
            rest = &rest[written..];
        }
        Ok(true)
    }

    /// Tells whether a regular file with exactly these bytes and no other name is there.
    fn holds(&self, bytes: &[u8]) -> bool {
        let Ok(file) = open::beneath(self.dir, self.rest, OFlags::RDONLY) else {
            return false;
        };
        let Ok(stat) = retry(|| rustix::fs::fstat(&file)) else {
            return false;
        };
        if stat.st_nlink != 1 || u64::try_from(stat.st_size) != Ok(bytes.len() as u64) {
            return false;
        }
        let mut content = Vec::with_capacity(bytes.len());
        std::fs::File::from(file).read_to_end(&mut content).is_ok() && content == bytes
    }
}
