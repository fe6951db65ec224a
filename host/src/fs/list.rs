//! Listing directories.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, RawDir};
use rustix::io::Errno;

use super::retry::retry;
use super::{OsError, OsResultExt as _, ReadError};

/// The most names in one answer to a directory listing.
pub const PAGE: usize = 4096;

/// Bytes of the kernel's answer to one `getdents64`: some thousand names.
const BUFFER: usize = 32 * 1024;

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// One component.
    pub name: String,
    /// `true` for a directory, `false` for a regular file.
    pub directory: bool,
}

/// A part of a listing.
#[derive(Debug)]
pub struct Page {
    /// Sorted by byte value, at most [`PAGE`].
    pub entries: Vec<Entry>,
    /// True if there are more entries.
    pub more: bool,
}

impl Page {
    /// The first page of the names that sort after `after`.
    pub(super) fn of(mut entries: Vec<Entry>, after: Option<&str>) -> Self {
        if let Some(after) = after {
            entries.retain(|entry| entry.name.as_str() > after);
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let more = entries.len() > PAGE;
        entries.truncate(PAGE);
        Self { entries, more }
    }
}

/// Calls `visit` with every name in a directory, in no order, and with its type where the file system tells it
/// (`FileType::Unknown` otherwise). `path` is for messages.
pub(super) fn for_each<E: From<OsError>>(
    dir: BorrowedFd<'_>,
    path: &str,
    mut visit: impl FnMut(&CStr, FileType) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut raw = RawDir::new(dir, buffer.spare_capacity_mut());
    while let Some(entry) = raw.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry.during("getdents64", path)?,
        };
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            visit(entry.file_name(), entry.file_type())?;
        }
    }
    Ok(())
}

/// Asks the file system whether a name is a directory; a symbolic link to one is not.
pub(super) fn is_directory(dir: impl AsFd, name: &CStr) -> Result<bool, Errno> {
    let stat = retry(|| rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW))?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// Lists a directory of the source, unsorted.
///
/// A symbolic link or a name that is not UTF-8 is an error: no storage format has any, and leaving it out without a
/// word could lose an image. FIFOs, sockets and devices are left out; opening one by its name reports what it is.
pub(super) fn entries(dir: BorrowedFd<'_>, path: &str) -> Result<Vec<Entry>, ReadError> {
    let mut entries = Vec::new();
    for_each(dir, path, |name, file_type| {
        let Ok(text) = name.to_str() else {
            let name = name.to_string_lossy();
            return Err(ReadError::Damaged(format!(
                "the name {name:?} in it is not UTF-8"
            )));
        };
        let directory = match file_type {
            FileType::Directory => true,
            FileType::RegularFile => false,
            FileType::Unknown => is_directory(dir, name).during("fstatat", path)?,
            FileType::Symlink => {
                return Err(ReadError::Damaged(format!(
                    "{text:?} in it is a symbolic link"
                )));
            }
            _ => return Ok(()),
        };
        entries.push(Entry {
            name: text.into(),
            directory,
        });
        Ok(())
    })?;
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::AsFd as _;

    use super::{Entry, PAGE, Page, entries, is_directory};

    #[test]
    fn entries_are_files_and_directories() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("directory")).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let root = fs::File::open(folder.path()).unwrap();
        let page = Page::of(entries(root.as_fd(), ".").unwrap(), None);
        let listed: Vec<_> = page
            .entries
            .iter()
            .map(|entry| (entry.name.as_str(), entry.directory))
            .collect();
        assert_eq!(listed, [("directory", true), ("file", false)]);
        assert!(is_directory(&root, c"directory").unwrap());
        assert!(!is_directory(&root, c"file").unwrap());
        std::os::unix::fs::symlink("directory", folder.path().join("link")).unwrap();
        assert!(!is_directory(&root, c"link").unwrap());
        let root = fs::File::open(folder.path()).unwrap();
        let error = entries(root.as_fd(), ".").unwrap_err().to_string();
        assert_eq!(error, "\"link\" in it is a symbolic link");
    }

    #[test]
    fn pages_follow_each_other() {
        let names = (0..PAGE + 2).rev().map(|number| Entry {
            name: format!("{number:05}"),
            directory: false,
        });
        let all: Vec<_> = names.collect();
        let first = Page::of(all.clone(), None);
        assert_eq!((first.entries.len(), first.more), (PAGE, true));
        let last = first.entries.last().unwrap();
        let second = Page::of(all, Some(&last.name));
        let names: Vec<_> = second.entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!((names, second.more), (vec!["04096", "04097"], false));
    }
}
