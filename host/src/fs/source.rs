//! The tree that images are taken from.

use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cap_std::fs::Dir;
use regcarve_types::{Algorithm, Digest};
use rustix::fs::{OFlags, Stat};
use rustix::io::Errno;

use super::dir_cache::{DirCache, PathStreak};
use super::file_info::{self, FileInfo, FileKeys, is_same_inode, stat_regular};
use super::landlock::{Access, LandlockError, Ruleset, moved};
use super::{Entry, OsError, OsResultExt as _, Page, ReadError, TreePath, list, open, overlayfs};
use crate::{hash, sync};

/// The tree that we read from.
///
/// Owning a value is the permission to read below the root. There is no method that writes.
pub struct SourceTree {
    dir: Arc<Dir>,
    /// As the user wrote it, for messages.
    path: PathBuf,
    is_overlay: bool,
    open_dirs: Mutex<OpenDirs>,
    keys: FileKeys,
}

/// Directories that one worker keeps open.
#[derive(Default)]
struct OpenDirs {
    cache: DirCache,
    streak: PathStreak,
}

/// The longest manifest or config that is read, in bytes. Registries refuse to serve longer manifests
/// (`maxBlobGetSize` in distribution's `io.go`).
pub const MAX_BLOB: u64 = 4 * 1024 * 1024;
/// The longest other file that is read as a whole: an index of 100,000 images takes about 40 MiB.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;

/// The longest digest is `sha512:` and 128 digits.
const MAX_LINK: usize = 135;
/// How often an empty or short link file is read again, and how long after. Registries before 3.1.0
/// truncate such a file and then write it, so that a reader can see it empty for a moment.
const LINK_RETRIES: usize = 4;
const LINK_PAUSE: Duration = Duration::from_millis(25);

impl SourceTree {
    /// Opens the root.
    pub fn open(path: &Path) -> Result<Self, OsError> {
        let dir = open::root(path)?;
        Ok(Self {
            is_overlay: overlayfs::is_overlay(dir.as_fd()),
            dir: Arc::new(dir),
            path: path.to_owned(),
            open_dirs: Mutex::default(),
            keys: FileKeys::default(),
        })
    }

    /// A second value for the same tree, for another worker. Each keeps directories of its own open, so that workers do
    /// not wait for one another.
    pub fn for_worker(&self) -> Self {
        Self {
            dir: Arc::clone(&self.dir),
            path: self.path.clone(),
            is_overlay: self.is_overlay,
            open_dirs: Mutex::default(),
            keys: self.keys.clone(),
        }
    }

    /// Keeps this tree accessible in the Landlock sandbox.
    pub fn allow(&self, ruleset: &mut Ruleset, access: Access) -> Result<(), LandlockError> {
        ruleset.allow_path(&self.dir, access, self.path.display())?;
        // The layer of a file on an overlay is found out there; see [`overlayfs`].
        if self.is_overlay
            && let Ok(processes) = open::root(Path::new("/proc"))
        {
            ruleset.allow_path(processes, Access::Read, "/proc")?;
        }
        Ok(())
    }

    /// The root, as the user wrote it; for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether linking this file would silently copy its data; see [`overlayfs`].
    pub(super) fn copies_when_linked(&self, file: BorrowedFd<'_>) -> bool {
        self.is_overlay && overlayfs::is_lower(file)
    }

    /// Reads a file that holds a digest and nothing else.
    pub fn read_link(&self, path: TreePath<'_>) -> Result<Digest, ReadError> {
        let mut tries = 0;
        loop {
            let mut buffer = [0; MAX_LINK + 1];
            let text = self.read_start(path, &mut buffer)?;
            let problem = match std::str::from_utf8(text) {
                Ok(text) => match Digest::parse(text) {
                    Ok(digest) => return Ok(digest),
                    Err(problem) => problem.to_string(),
                },
                Err(_) => "it is not text".into(),
            };
            // Only what may be half-written is worth waiting for.
            if text.len() >= "sha256:".len() + 64 || tries == LINK_RETRIES {
                // Anything but a regular file is reported as what it is.
                self.open_handle(path)?;
                let content = String::from_utf8_lossy(text);
                return Err(ReadError::Damaged(format!(
                    "it must hold a digest and nothing else, but holds {content:?}: {problem}"
                )));
            }
            tries += 1;
            std::thread::sleep(LINK_PAUSE);
        }
    }

    /// Reads and hashes a file of at most [`MAX_BLOB`] bytes. With `expected`, the hash must agree.
    pub fn read_blob(
        &self,
        path: TreePath<'_>,
        expected: Option<&Digest>,
    ) -> Result<(Digest, Vec<u8>), ReadError> {
        let bytes = self.read_file(path, MAX_BLOB)?;
        let algorithm = expected.map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = hash::digest(algorithm, &bytes);
        match expected {
            Some(expected) if digest != *expected => Err(ReadError::Damaged(format!(
                "its content has the digest {digest}, not {expected}"
            ))),
            _ => Ok((digest, bytes)),
        }
    }

    /// Reads a regular file as a whole, unless it is longer than `limit` bytes.
    pub fn read_file(&self, path: TreePath<'_>, limit: u64) -> Result<Vec<u8>, ReadError> {
        let (file, stat) = self.open_regular(path, OFlags::RDONLY)?;
        read_all(&file, path, file_info::size(&stat), limit)
    }

    /// The size of a regular file.
    pub fn file_size(&self, path: TreePath<'_>) -> Result<u64, ReadError> {
        self.open_handle(path).map(|(_, info)| info.size)
    }

    /// Opens a regular file without the right to read or write it (`O_PATH`): a handle to link it by.
    pub fn open_handle(&self, path: TreePath<'_>) -> Result<(OwnedFd, FileInfo), ReadError> {
        let (file, stat) = self.open_regular(path, OFlags::PATH)?;
        Ok((file, self.keys.info(&stat)))
    }

    /// Opens a regular file to read it in pieces.
    pub fn open_for_reading(
        &self,
        path: TreePath<'_>,
    ) -> Result<(std::fs::File, FileInfo), ReadError> {
        let (file, stat) = self.open_regular(path, OFlags::RDONLY)?;
        Ok((file.into(), self.keys.info(&stat)))
    }

    fn open_regular(
        &self,
        path: TreePath<'_>,
        flags: OFlags,
    ) -> Result<(OwnedFd, Stat), ReadError> {
        let file = self.open_at(path, flags)?;
        let stat = stat_regular(&file, path)?;
        Ok((file, stat))
    }

    /// Names of files and directories in a directory, those that sort after `after`. A symbolic link in it is an error.
    pub fn list(&self, path: TreePath<'_>, after: Option<&str>) -> Result<Page, ReadError> {
        Ok(Page::of(self.entries(path)?, after))
    }

    /// Like [`Self::list`], for the root of the tree.
    pub fn list_root(&self, after: Option<&str>) -> Result<Page, ReadError> {
        Ok(Page::of(self.root_entries()?, after))
    }

    fn entries(&self, path: TreePath<'_>) -> Result<Vec<Entry>, ReadError> {
        let dir = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        list::entries(dir.as_fd(), path.as_str())
    }

    fn root_entries(&self) -> Result<Vec<Entry>, ReadError> {
        let dir = open::reopen(self.root()).during("openat", ".")?;
        list::entries(dir.as_fd(), ".")
    }

    /// Some regular file below the root, to try out whether it can be linked. `None` if a quick search finds none.
    pub fn any_file(&self) -> Option<OwnedFd> {
        /// Directories searched before giving up: a storage has a file at about the tenth.
        const MAX_DIRECTORIES: usize = 1000;
        let mut ahead: Vec<Cow<'static, str>> = Vec::new();
        let mut entries = self.root_entries().ok()?;
        let mut above = String::new();
        for _ in 0..MAX_DIRECTORIES {
            for entry in entries {
                let path = if above.is_empty() {
                    entry.name
                } else {
                    format!("{above}/{}", entry.name)
                };
                if entry.directory {
                    ahead.push(path.into());
                } else if let Ok((file, _)) = self.open_handle(TreePath::parse(&path).ok()?) {
                    return Some(file);
                }
            }
            above = ahead.pop()?.into_owned();
            entries = self
                .entries(TreePath::parse(&above).ok()?)
                .unwrap_or_default();
        }
        None
    }

    /// Reads the beginning of a file, as much as fits.
    fn read_start<'b>(
        &self,
        path: TreePath<'_>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], ReadError> {
        let file = self.open_at(path, OFlags::RDONLY)?;
        // A regular file gives all it has in one piece. Should it ever not, the text is short, and a short
        // link is read again.
        loop {
            match rustix::io::read(&file, &mut *buffer) {
                Ok(length) => return Ok(&buffer[..length]),
                Err(Errno::INTR) => {}
                Err(errno) => {
                    stat_regular(&file, path)?;
                    return Err(OsError::new("read", path.as_str(), errno).into());
                }
            }
        }
    }

    /// Fails unless `path` leads to this file, walked from the root and not from a kept directory, which may have been
    /// moved.
    pub(super) fn expect_same_file(
        &self,
        path: TreePath<'_>,
        file: BorrowedFd<'_>,
    ) -> Result<(), ReadError> {
        let named = open::beneath(self.root(), path, OFlags::PATH)
            .map_err(|errno| ReadError::cannot_open(path, errno))?;
        if is_same_inode(&stat_regular(&named, path)?, &stat_regular(&file, path)?) {
            Ok(())
        } else {
            Err(ReadError::another_file())
        }
    }

    /// Opens a path from the nearest directory that is kept open.
    fn open_at(&self, path: TreePath<'_>, flags: OFlags) -> Result<OwnedFd, ReadError> {
        let root = self.root();
        let mut open_dirs = sync::lock(&self.open_dirs);
        let OpenDirs { cache, streak } = &mut *open_dirs;
        let start = cache.lookup(root, streak, path);
        let opened = open::beneath(cache.dir(root, start), start.rest(path), flags);
        moved::or_from_root(opened, || open::beneath(root, path, flags))
            .map_err(|errno| ReadError::cannot_open(path, errno))
    }

    fn root(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// Reads a file to its end, unless it is longer than `limit` bytes.
fn read_all(
    file: &OwnedFd,
    path: TreePath<'_>,
    size: u64,
    limit: u64,
) -> Result<Vec<u8>, ReadError> {
    let too_long = || ReadError::Damaged(format!("it is longer than {limit} bytes"));
    if size > limit {
        return Err(too_long());
    }
    // The file may grow or shrink while we read: the limit holds for what is read.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) if bytes.len() as u64 > limit => return Err(too_long()),
            Ok(_) => bytes.reserve(1),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(OsError::new("read", path.as_str(), errno).into()),
        }
    }
}
