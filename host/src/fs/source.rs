//! The tree that images are taken from.

use std::borrow::Cow;
use std::ffi::CStr;
use std::hash::BuildHasher as _;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cap_std::fs::Dir;
use foldhash::quality::RandomState;
use regcarve_types::{Algorithm, Digest};
use rustix::fs::{FileType, OFlags, RawDir, Stat};
use rustix::io::Errno;

use super::dir_cache::{DirCache, PathStreak};
use super::retry::retry;
use super::{Access, LandlockError, OsError, Ruleset, TreePath, open, overlayfs};
use crate::hash;

/// The registry tree that we read from.
///
/// Owning one is the permission to read below it. EntryKind is no method that writes.
pub struct SourceTree {
    dir: Arc<Dir>,
    shown: PathBuf,
    overlay: bool,
    near: Mutex<Near>,
    /// Of all [`FileKey`]s.
    key: RandomState,
}

/// Tells a plain file from another one that has its name later, and from itself after a change: made of device, inode,
/// size and `mtime`, afresh in each run. Half a million of them have to fit into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileKey(NonZeroU64);

/// What a look at a plain file showed.
#[derive(Debug, Clone, Copy)]
pub struct Looked {
    /// In bytes.
    pub size: u64,
    /// To be asked for when the file is opened again.
    pub key: FileKey,
}

/// A file that was looked at before, to be given a name elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct SourceFile<'a> {
    /// Where it is.
    pub path: TreePath<'a>,
    /// It itself, if it was kept open.
    pub handle: Option<BorrowedFd<'a>>,
    /// What it was, where that is known: what has its name now may be another file.
    pub key: Option<FileKey>,
}

/// Directories that one worker has kept open.
#[derive(Default)]
struct Near {
    handles: DirCache,
    run: PathStreak,
}

/// The longest manifest or config that is read, in bytes. Registries refuse to serve longer manifests
/// (`maxBlobGetSize` in distribution's `io.go`).
pub const MAX_BLOB: u64 = 4 * 1024 * 1024;
/// The longest other file that is read as a whole: an index of 100,000 images takes about 40 MiB.
pub const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The most names in one answer to a directory listing.
pub const PAGE: usize = 4096;

/// The longest digest is `sha512:` and 128 digits.
const MAX_LINK: usize = 135;
/// How often an empty or short link file is read again, and how long after. Registries before 3.1.0
/// truncate such a file and then write it, so that a reader can see it empty for a moment.
const LINK_RETRIES: usize = 4;
const LINK_PAUSE: Duration = Duration::from_millis(25);
/// How often a file that may not be opened is looked up from the root. An owner and a mode that forbid it do so
/// each time.
const WAYS_FROM_THE_ROOT: usize = 8;

/// Why something in the source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing has that name.
    #[error("there is no such file")]
    NotFound,
    /// It is there, but it is not what it has to be.
    #[error("{0}")]
    Damaged(String),
    /// The system would not.
    #[error(transparent)]
    OsError(#[from] OsError),
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// One component.
    pub name: String,
    /// Whether it is a directory; otherwise it is a plain file.
    pub directory: bool,
}

/// A part of a listing.
#[derive(Debug)]
pub struct Page {
    /// Sorted by byte value, at most [`PAGE`].
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub more: bool,
}

impl SourceTree {
    /// Opens the root.
    pub fn open(path: &Path) -> Result<Self, OsError> {
        let dir = open::root(path)?;
        Ok(Self {
            overlay: overlayfs::is_overlay(dir.as_fd()),
            dir: Arc::new(dir),
            shown: path.to_owned(),
            near: Mutex::default(),
            key: RandomState::default(),
        })
    }

    /// The same tree for another worker. Each keeps directories of its own open, so they do not wait for one
    /// another.
    pub fn another(&self) -> Self {
        Self {
            dir: Arc::clone(&self.dir),
            shown: self.shown.clone(),
            overlay: self.overlay,
            near: Mutex::default(),
            key: self.key.clone(),
        }
    }

    /// Leaves a door to this tree in the wall.
    pub fn allow(&self, wall: &mut Ruleset, grant: Access) -> Result<(), LandlockError> {
        wall.allow(&self.dir, grant, &self.shown.display().to_string())?;
        // What tells the layers of an overlay apart is asked there; see [`overlayfs`].
        if self.overlay
            && let Ok(processes) = open::root(Path::new("/proc"))
        {
            wall.allow(processes, Access::Read, "/proc")?;
        }
        Ok(())
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// The root, as the user wrote it; for messages.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// Whether linking this file would copy its data in silence; see [`overlayfs`].
    pub(super) fn copies_when_linked(&self, file: BorrowedFd<'_>) -> bool {
        self.overlay && overlayfs::is_lower(file)
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
                self.expect_file(path)?;
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
        let (file, stat) = self.open_plain(path, OFlags::RDONLY)?;
        let bytes = read_all(&file, path, &stat, MAX_BLOB)?;
        let algorithm = expected.map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = hash::digest(algorithm, &bytes);
        match expected {
            Some(expected) if digest != *expected => Err(ReadError::Damaged(format!(
                "its content has the digest {digest}, not {expected}"
            ))),
            _ => Ok((digest, bytes)),
        }
    }

    /// Reads a plain file as a whole, unless it is longer than `limit` bytes.
    pub fn read_file(&self, path: TreePath<'_>, limit: u64) -> Result<Vec<u8>, ReadError> {
        let (file, stat) = self.open_plain(path, OFlags::RDONLY)?;
        read_all(&file, path, &stat, limit)
    }

    /// The size of a plain file.
    pub fn file_size(&self, path: TreePath<'_>) -> Result<u64, ReadError> {
        self.open_content(path).map(|(_, looked)| looked.size)
    }

    /// A handle that names a plain file without the capability to read or write it, and what it is.
    pub fn open_content(&self, path: TreePath<'_>) -> Result<(OwnedFd, Looked), ReadError> {
        let (file, stat) = self.open_plain(path, OFlags::PATH)?;
        Ok((file, self.looked(&stat)))
    }

    /// Opens a plain file for reading it in pieces, and says what it is.
    pub fn open_for_reading(
        &self,
        path: TreePath<'_>,
    ) -> Result<(std::fs::File, Looked), ReadError> {
        let (file, stat) = self.open_plain(path, OFlags::RDONLY)?;
        Ok((file.into(), self.looked(&stat)))
    }

    fn looked(&self, stat: &Stat) -> Looked {
        let times = (stat.st_mtime, stat.st_mtime_nsec);
        let key = self
            .key
            .hash_one((stat.st_dev, stat.st_ino, stat.st_size, times));
        Looked {
            size: size_of(stat),
            key: FileKey(NonZeroU64::new(key).unwrap_or(NonZeroU64::MIN)),
        }
    }

    fn open_plain(&self, path: TreePath<'_>, flags: OFlags) -> Result<(OwnedFd, Stat), ReadError> {
        let file = self.open_at(path, flags)?;
        let stat = plain_file(&file, path)?;
        Ok((file, stat))
    }

    /// Names of files and directories in a directory, those behind `after`.
    ///
    /// A symbolic link or another odd thing in it is an error: no storage format has any, and leaving it out in
    /// silence could lose an image.
    pub fn list(&self, path: TreePath<'_>, after: Option<&str>) -> Result<Page, ReadError> {
        let dir = self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        Ok(page_of(read_entries(dir.as_fd(), path.as_str())?, after))
    }

    /// The same for the root itself.
    pub fn list_root(&self, after: Option<&str>) -> Result<Page, ReadError> {
        Ok(page_of(self.root_entries()?, after))
    }

    fn root_entries(&self) -> Result<Vec<Entry>, ReadError> {
        let dir = open::again(self.root()).map_err(|errno| OsError::new("openat", ".", errno))?;
        read_entries(dir.as_fd(), ".")
    }

    /// Some plain file below the root, for trying out whether it can be linked. `None` if a quick look
    /// finds none.
    pub fn any_file(&self) -> Option<OwnedFd> {
        /// Directories looked into before giving up: a storage has a file at about the tenth.
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
                } else if let Ok((file, _)) = self.open_content(TreePath::parse(&path).ok()?) {
                    return Some(file);
                }
            }
            above = ahead.pop()?.into_owned();
            let path = TreePath::parse(&above).ok()?;
            entries = match self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY) {
                Ok(dir) => read_entries(dir.as_fd(), path.as_str()).unwrap_or_default(),
                Err(_) => Vec::new(),
            };
        }
        None
    }

    /// The beginning of a file, as much as fits.
    fn read_start<'b>(
        &self,
        path: TreePath<'_>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], ReadError> {
        let file = self.open_at(path, OFlags::RDONLY)?;
        // A plain file gives all it has in one piece. Should it ever not, the text is short, and a short
        // link is read again.
        loop {
            match rustix::io::read(&file, &mut *buffer) {
                Ok(length) => return Ok(&buffer[..length]),
                Err(Errno::INTR) => {}
                Err(errno) => {
                    plain_file(&file, path)?;
                    return Err(OsError::new("read", path.as_str(), errno).into());
                }
            }
        }
    }

    /// Says what is there if it is no plain file.
    fn expect_file(&self, path: TreePath<'_>) -> Result<(), ReadError> {
        self.open_content(path).map(drop)
    }

    /// Looks whether a path still leads to this file: not from a directory that was kept open, which somebody may have
    /// moved, but from the root.
    pub(super) fn expect_same(
        &self,
        path: TreePath<'_>,
        file: BorrowedFd<'_>,
    ) -> Result<(), ReadError> {
        let there = open::beneath(self.root(), path, OFlags::PATH).map_err(cannot_open(path))?;
        let (there, expected) = (plain_file(&there, path)?, plain_file(&file, path)?);
        if (there.st_dev, there.st_ino) == (expected.st_dev, expected.st_ino) {
            Ok(())
        } else {
            Err(another_file())
        }
    }

    fn open_near(&self, path: TreePath<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
        let root = self.dir.as_fd();
        let mut near = self.near.lock().unwrap_or_else(PoisonError::into_inner);
        let Near { handles, run } = &mut *near;
        let from = handles.nearest(root, run, path);
        let mut opened = open::beneath(handles.dir(root, from), from.rest(path), flags);
        // Behind the wall nothing can be opened in a directory that somebody has moved out of the source. The way from the
        // root tells whether that is so, unless it is moved in this very moment once more.
        for _ in 0..WAYS_FROM_THE_ROOT {
            if !matches!(opened, Err(Errno::ACCESS)) {
                break;
            }
            opened = open::beneath(root, path, flags);
        }
        opened
    }

    fn open_at(&self, path: TreePath<'_>, flags: OFlags) -> Result<OwnedFd, ReadError> {
        self.open_near(path, flags).map_err(cannot_open(path))
    }
}

/// What it means that a path cannot be opened.
fn cannot_open(path: TreePath<'_>) -> impl FnOnce(Errno) -> ReadError + '_ {
    move |errno| match errno {
        Errno::NOENT => ReadError::NotFound,
        Errno::LOOP => ReadError::Damaged("there is a symbolic link on its path".into()),
        Errno::NOTDIR => ReadError::Damaged("something on its path is not a directory".into()),
        Errno::XDEV => {
            ReadError::Damaged("its path leads out of the storage (openat2: EXDEV)".into())
        }
        // Nobody listens at a FIFO, nothing is behind a device, or a socket was opened.
        Errno::NXIO | Errno::NODEV => ReadError::Damaged("it is not a plain file".into()),
        errno => OsError::new("openat2", path.as_str(), errno).into(),
    }
}

/// All that is in a file, unless it is longer than `limit` bytes.
fn read_all(
    file: &OwnedFd,
    path: TreePath<'_>,
    stat: &Stat,
    limit: u64,
) -> Result<Vec<u8>, ReadError> {
    let size = size_of(stat);
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

impl Looked {
    /// An error if this is not what the file was when it was looked at before.
    pub fn expect(&self, before: Option<FileKey>) -> Result<(), ReadError> {
        match before {
            Some(before) if before != self.key => Err(another_file()),
            _ => Ok(()),
        }
    }
}

fn another_file() -> ReadError {
    ReadError::Damaged("another file has its name now, or it was changed".into())
}

fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// What the system says of an open file; damaged if it is anything but a plain file.
fn plain_file(file: &impl AsFd, path: TreePath<'_>) -> Result<Stat, ReadError> {
    let stat: Stat = retry(|| rustix::fs::fstat(file))
        .map_err(|errno| OsError::new("fstat", path.as_str(), errno))?;
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
        "it is {found}, not a plain file"
    )))
}

/// The first page of the names behind `after`.
fn page_of(mut entries: Vec<Entry>, after: Option<&str>) -> Page {
    if let Some(after) = after {
        entries.retain(|entry| entry.name.as_str() > after);
    }
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let more = entries.len() > PAGE;
    entries.truncate(PAGE);
    Page { entries, more }
}

/// All names in a directory, unsorted.
fn read_entries(dir: BorrowedFd<'_>, shown: &str) -> Result<Vec<Entry>, ReadError> {
    let fault = |call, errno| ReadError::from(OsError::new(call, shown, errno));
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut raw = RawDir::new(dir, buffer.spare_capacity_mut());
    let mut entries = Vec::new();
    while let Some(entry) = raw.next() {
        let entry = match entry {
            Err(Errno::INTR) => continue,
            entry => entry.map_err(|errno| fault("getdents64", errno))?,
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let Ok(text) = name.to_str() else {
            let name = name.to_string_lossy();
            return Err(ReadError::Damaged(format!(
                "the name {name:?} in it is not UTF-8"
            )));
        };
        let directory = match entry.file_type() {
            FileType::Directory => true,
            FileType::RegularFile => false,
            // Some file systems do not say it in the listing.
            FileType::Unknown => {
                is_directory(dir, name).map_err(|errno| fault("fstatat", errno))?
            }
            FileType::Symlink => {
                return Err(ReadError::Damaged(format!(
                    "{text:?} in it is a symbolic link"
                )));
            }
            _ => continue,
        };
        entries.push(Entry {
            name: text.into(),
            directory,
        });
    }
    Ok(entries)
}

fn is_directory(dir: BorrowedFd<'_>, name: &CStr) -> Result<bool, Errno> {
    let stat = retry(|| rustix::fs::statat(dir, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW))?;
    Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}
