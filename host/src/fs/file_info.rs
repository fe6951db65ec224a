//! Telling one regular file from another, and from itself after a change.

use std::hash::BuildHasher as _;
use std::num::NonZeroU64;
use std::os::fd::AsFd;

use foldhash::quality::RandomState;
use rustix::fs::{FileType, Stat};

use super::retry::retry;
use super::{OsResultExt as _, ReadError, TreePath};

/// The identity of a regular file: a hash of its device, inode, size and `mtime`.
///
/// It differs from that of another file that gets the same name later, and from that of the same file after a change.
/// Hashed with a new secret in each run, so keys of two runs cannot be compared. Half a million of them fit into
/// memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKey(NonZeroU64);

/// Size and identity of a regular file at the time when it was opened.
#[derive(Debug, Clone, Copy)]
pub struct FileInfo {
    /// In bytes.
    pub size: u64,
    /// To be compared when the file is opened again.
    pub key: FileKey,
}

/// A file of the source that is to get a name in the output.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// Where it is.
    pub path: TreePath<'a>,
    /// Its identity, if it was opened before: another file that has its name now is refused.
    pub key: Option<FileKey>,
}

/// Makes the [`FileKey`]s of one run.
#[derive(Debug, Clone, Default)]
pub(super) struct FileKeys(RandomState);

impl FileKeys {
    /// Size and identity out of what the kernel says of an open file.
    pub(super) fn info(&self, stat: &Stat) -> FileInfo {
        let times = (stat.st_mtime, stat.st_mtime_nsec);
        let identity = (stat.st_dev, stat.st_ino, stat.st_size, times);
        let key = self.0.hash_one(identity);
        FileInfo {
            size: size(stat),
            key: FileKey(NonZeroU64::new(key).unwrap_or(NonZeroU64::MIN)),
        }
    }
}

impl FileInfo {
    /// Fails if the file is not the one that had the key `before`, or was changed since.
    pub fn expect(&self, before: Option<FileKey>) -> Result<(), ReadError> {
        match before {
            Some(before) if before != self.key => Err(ReadError::another_file()),
            _ => Ok(()),
        }
    }
}

/// The size that the kernel says, in bytes.
pub(super) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Tells whether both are the same inode.
pub(crate) fn is_same_inode(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Asks the kernel about an open file; damaged if it is anything but a regular file.
pub(super) fn stat_regular(file: &impl AsFd, path: TreePath<'_>) -> Result<Stat, ReadError> {
    let stat: Stat = retry(|| rustix::fs::fstat(file)).during("fstat", path)?;
    let found = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(stat),
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something unknown",
    };
    Err(ReadError::Damaged(format!(
        "it is {found}, not a regular file"
    )))
}
