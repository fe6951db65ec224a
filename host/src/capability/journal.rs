//! What was looked at and what was made, for a later run to ask whether all of it is still so.
//!
//! A release that nobody has changed need not be carved again. Whether it has changed is not guessed from a few
//! names: a journal holds every path that had a part in the result, and each is looked at again. One `stat` a
//! path tells enough, because any change to a file or directory that is all ours moves its `ctime`, which no
//! program can set.
//!
//! A file with many names is another matter: each new name moves its `ctime` too. Of such a file the inode, the time of
//! its birth, the size and the `mtime` must be the same.
//!
//! Times are compared with one that the same file system gave, so what is on another one counts as changed.
//!
//! # Form
//!
//! A journal consists of sheets, some for each worker. A sheet is text, a line for each note, with as much of the
//! path left out as it has in common with the one before (in bytes):
//!
//! ```text
//! s0 a/repository/tags            a directory, or a file with one name
//! a20 /v1/link                    nothing has this name
//! i2 4711 2048 5 0 4 0 b/file     a file that may have more names: inode, size, `mtime`, birth
//! ```

use std::fmt::Write as _;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, Stat, Statx, StatxFlags, StatxTimestamp, makedev};
use rustix::io::Errno;

use super::handles::{Handles, Run};
use super::{SourceTree, TreePath};

/// A time of the file system's own clock: seconds and nanoseconds since 1970.
pub type FileTime = (i64, i64);

/// The longest sheet, in bytes. A worker that writes more gives the journal up: enough for some 50,000 images.
const MAX_SHEET: usize = 32 << 20;

/// How many notes are on a sheet: few enough that threads which look at sheets are done at about the same time.
const NOTES: usize = 256;

/// What a path showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Nothing.
    Absent,
    /// A directory, or a file with one name: its `ctime` tells of any change.
    Single,
    /// A file that may have more names.
    Shared(Identity),
}

/// What stays the same of a file that gets more names, and of no other file in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    inode: u64,
    /// In bytes.
    size: u64,
    mtime: FileTime,
    /// 1970 where the file system does not know it.
    born: FileTime,
}

impl Sight {
    /// What an open file shows that may have more names.
    pub(super) fn shared(file: impl AsFd) -> Self {
        match statx(file.as_fd(), "", AtFlags::EMPTY_PATH) {
            Ok(there) => Self::Shared(Identity::of(&there)),
            // It does not show that again, so whoever asks does all the work.
            Err(_) => Self::Absent,
        }
    }
}

impl Identity {
    fn of(there: &Statx) -> Self {
        let time = |time: &StatxTimestamp| (time.tv_sec, i64::from(time.tv_nsec));
        let knows_birth = there.stx_mask & StatxFlags::BTIME.bits() != 0;
        Self {
            inode: there.stx_ino,
            size: there.stx_size,
            mtime: time(&there.stx_mtime),
            born: if knows_birth {
                time(&there.stx_btime)
            } else {
                (0, 0)
            },
        }
    }
}

/// Paths relative to one root, and what they showed. The default one keeps nothing.
#[derive(Debug, Default)]
pub struct Journal {
    own: Option<Arc<Mutex<Sheet>>>,
    all: Arc<Mutex<Vec<Arc<Mutex<Sheet>>>>>,
}

#[derive(Debug, Default)]
struct Sheet {
    text: String,
    last: String,
    /// Where a new sheet begins: a line that has nothing in common with the one before.
    cuts: Vec<usize>,
    notes: usize,
    /// Something cannot be asked about again.
    spoilt: bool,
}

impl Journal {
    /// One that keeps what it is told.
    pub fn keeping() -> Self {
        let journal = Self {
            own: Some(Arc::default()),
            all: Arc::default(),
        };
        journal.add_own_sheet();
        journal
    }

    /// The same journal for another worker, who gets a sheet of its own.
    pub fn another(&self) -> Self {
        let journal = Self {
            own: self.own.as_ref().map(|_| Arc::default()),
            all: Arc::clone(&self.all),
        };
        journal.add_own_sheet();
        journal
    }

    fn add_own_sheet(&self) {
        lock(&self.all).extend(self.own.clone());
    }

    /// Notes what a path showed; the empty path is the root.
    pub(super) fn note(&self, path: &str, sight: impl FnOnce() -> Sight) {
        if let Some(sheet) = &self.own {
            lock(sheet).note(path, sight());
        }
    }

    /// Gives up: what was seen cannot be asked about again, such as damage.
    pub(super) fn spoil(&self) {
        if let Some(sheet) = &self.own {
            *lock(sheet) = Sheet::spoilt();
        }
    }

    /// All sheets, if it kept any and none is spoilt.
    pub fn sheets(&self) -> Option<Vec<String>> {
        self.own.as_ref()?;
        let all = lock(&self.all);
        let mut sheets = Vec::new();
        for sheet in all.iter() {
            let mut sheet = lock(sheet);
            if sheet.spoilt {
                return None;
            }
            sheets.extend(std::mem::take(&mut *sheet).cut());
        }
        Some(sheets)
    }
}

impl Sheet {
    fn spoilt() -> Self {
        Self {
            spoilt: true,
            ..Self::default()
        }
    }

    fn note(&mut self, path: &str, sight: Sight) {
        if self.spoilt {
            return;
        }
        if path.contains('\n') || self.text.len() > MAX_SHEET {
            *self = Self::spoilt();
            return;
        }
        if self.notes == NOTES {
            self.notes = 0;
            self.cuts.push(self.text.len());
            self.last.clear();
        }
        self.notes += 1;
        let common = common_start(&self.last, path);
        // Writing to a text cannot fail.
        let _ = match sight {
            Sight::Absent => write!(self.text, "a{common} "),
            Sight::Single => write!(self.text, "s{common} "),
            Sight::Shared(Identity {
                inode,
                size,
                mtime: (seconds, nanoseconds),
                born: (born, and),
            }) => write!(
                self.text,
                "i{common} {inode} {size} {seconds} {nanoseconds} {born} {and} "
            ),
        };
        self.text.push_str(&path[common..]);
        self.text.push('\n');
        self.last.truncate(common);
        self.last.push_str(&path[common..]);
    }

    /// All sheets, the last first.
    fn cut(mut self) -> Vec<String> {
        let mut sheets: Vec<_> = self
            .cuts
            .iter()
            .rev()
            .map(|cut| self.text.split_off(*cut))
            .collect();
        sheets.push(self.text);
        sheets
    }
}

/// How many bytes two texts begin alike with, in whole characters.
fn common_start(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b);
    let mut common = same.count();
    while !other.is_char_boundary(common) {
        common -= 1;
    }
    common
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Goes through a sheet until `each` says no. Whether it never did, and the sheet is well formed.
pub fn read_sheet(sheet: &str, mut each: impl FnMut(&str, Sight) -> bool) -> bool {
    let mut path = String::new();
    sheet.lines().all(|line| match parse_line(line, &mut path) {
        Some(sight) => each(&path, sight),
        None => false,
    })
}

/// `path` is that of the line before, and becomes that of this one.
fn parse_line(line: &str, path: &mut String) -> Option<Sight> {
    let (head, mut rest) = line.split_once(' ')?;
    let common: usize = head.get(1..)?.parse().ok()?;
    let sight = match head.as_bytes().first()? {
        b'a' => Sight::Absent,
        b's' => Sight::Single,
        b'i' => {
            let mut numbers = rest.splitn(7, ' ');
            let inode = numbers.next()?.parse().ok()?;
            let size = numbers.next()?.parse().ok()?;
            let mut number = || numbers.next()?.parse().ok();
            let mtime = (number()?, number()?);
            let born = (number()?, number()?);
            rest = numbers.next()?;
            Sight::Shared(Identity {
                inode,
                size,
                mtime,
                born,
            })
        }
        _ => return None,
    };
    if !path.is_char_boundary(common) {
        return None;
    }
    path.truncate(common);
    path.push_str(rest);
    Some(sight)
}

/// A root below which paths are looked at again.
pub struct Witness<'a> {
    root: BorrowedFd<'a>,
    /// The file system that `before` is of.
    device: u64,
    /// What changed at this time or later may have changed after it was noted.
    before: FileTime,
    handles: Handles,
    run: Run,
}

impl<'a> Witness<'a> {
    /// For paths that were as noted from `before` on, a time of the file system with that number.
    pub fn new(root: BorrowedFd<'a>, device: u64, before: FileTime) -> Self {
        Self {
            root,
            device,
            before,
            handles: Handles::default(),
            run: Run::default(),
        }
    }

    /// For paths in a source.
    pub fn of_source(source: &'a SourceTree, device: u64, before: FileTime) -> Self {
        Self::new(source.root(), device, before)
    }

    /// Whether a path still shows what it showed.
    ///
    /// Nothing is opened or linked because of the answer, so a directory that was swapped on the way can do no
    /// harm.
    pub fn still(&mut self, path: &str, sight: Sight) -> bool {
        if path.is_empty() {
            return rustix::fs::fstat(self.root).is_ok_and(|there| self.is_older(&there));
        }
        let Ok(path) = TreePath::parse(path) else {
            return false;
        };
        let near = self.handles.nearest(self.root, &mut self.run, path);
        let (dir, path) = (self.handles.dir(self.root, near), near.rest(path).as_str());
        match sight {
            Sight::Absent => stat(dir, path).is_err_and(|errno| errno == Errno::NOENT),
            Sight::Single => stat(dir, path).is_ok_and(|there| self.is_older(&there)),
            Sight::Shared(noted) => {
                statx(dir, path, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|there| {
                    makedev(there.stx_dev_major, there.stx_dev_minor) == self.device
                        && Identity::of(&there) == noted
                        && noted.mtime < self.before
                })
            }
        }
    }

    fn is_older(&self, there: &Stat) -> bool {
        there.st_dev == self.device && changed(there) < self.before
    }
}

fn stat(dir: BorrowedFd<'_>, path: &str) -> Result<Stat, Errno> {
    super::retry(|| rustix::fs::statat(dir, path, AtFlags::SYMLINK_NOFOLLOW))
}

fn statx(dir: BorrowedFd<'_>, path: &str, flags: AtFlags) -> Result<Statx, Errno> {
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    super::retry(|| rustix::fs::statx(dir, path, flags, wanted))
}

/// When anything about it last changed.
fn changed(there: &Stat) -> FileTime {
    (there.st_ctime, there.st_ctime_nsec.cast_signed())
}

/// The same of an open file.
pub fn changed_of(file: impl AsFd) -> Result<FileTime, Errno> {
    rustix::fs::fstat(file).map(|there| changed(&there))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use proptest::prelude::*;

    use super::{FileTime, Identity, Journal, Sight, Witness, changed_of, read_sheet};

    fn sights() -> impl Strategy<Value = Sight> {
        prop_oneof![
            Just(Sight::Absent),
            Just(Sight::Single),
            (any::<u64>(), any::<u64>(), times(), times()).prop_map(
                |(inode, size, mtime, born)| Sight::Shared(Identity {
                    inode,
                    size,
                    mtime,
                    born,
                })
            ),
        ]
    }

    fn times() -> impl Strategy<Value = FileTime> {
        (any::<i64>(), any::<i64>())
    }

    proptest! {
        #[test]
        fn sheets_give_back_what_was_noted(notes in prop::collection::vec(("[a-cäß ]{1,3}(/[a-cäß ]{1,3}){0,3}", sights()), 0..600)) {
            let journal = Journal::keeping();
            for (path, sight) in &notes {
                journal.note(path, || *sight);
            }
            let mut read = Vec::new();
            for sheet in journal.sheets().unwrap().iter().rev() {
                prop_assert!(read_sheet(sheet, |path, sight| {
                    read.push((path.to_owned(), sight));
                    true
                }), "{}", sheet);
            }
            prop_assert_eq!(read, notes);
        }

        #[test]
        fn odd_sheets_are_refused_without_a_panic(sheet in "([asi]?[0-9]{0,3} ?[0-9a-cä ]{0,9}\n){0,4}") {
            read_sheet(&sheet, |_, _| true);
        }
    }

    #[test]
    fn sheets_of_workers_are_kept_apart() {
        let journal = Journal::keeping();
        let other = journal.another();
        journal.note("a", || Sight::Single);
        other.note("ab", || Sight::Absent);
        assert_eq!(journal.sheets().unwrap(), ["s0 a\n", "a0 ab\n"]);
        other.spoil();
        assert_eq!(journal.sheets(), None);
        assert_eq!(Journal::default().another().sheets(), None);
        let odd = Journal::keeping();
        odd.note("a\nb", || Sight::Single);
        assert_eq!(odd.sheets(), None);
    }

    #[test]
    fn changes_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("dir")).unwrap();
        std::fs::write(path("dir/file"), "1").unwrap();
        std::fs::write(path("many"), "1").unwrap();
        let pause = || std::thread::sleep(std::time::Duration::from_millis(15));
        pause();
        std::fs::write(path("later"), "").unwrap();
        let before = changed_of(std::fs::File::open(path("later")).unwrap()).unwrap();
        let shared = Sight::shared(std::fs::File::open(path("many")).unwrap());
        let root = std::fs::File::open(folder.path()).unwrap();
        let device = std::os::unix::fs::MetadataExt::dev(&root.metadata().unwrap());
        let still =
            |name: &str, sight| Witness::new(root.as_fd(), device, before).still(name, sight);

        assert!(still("dir", Sight::Single));
        assert!(still("dir/file", Sight::Single));
        assert!(still("many", shared));
        assert!(still("none", Sight::Absent));
        assert!(still("dir/none", Sight::Absent));
        // At that very moment it may have been before or after.
        assert!(!still("later", Sight::Single));
        assert!(!still("dir", Sight::Absent));
        assert!(!still("none", Sight::Single));
        // Times of another file system are no times.
        assert!(!Witness::new(root.as_fd(), device + 1, before).still("dir", Sight::Single));
        assert!(!Witness::new(root.as_fd(), device + 1, before).still("many", shared));

        std::fs::hard_link(path("many"), path("more")).unwrap();
        assert!(still("many", shared));
        assert!(!still("many", Sight::Single));
        std::fs::write(path("dir/new"), "").unwrap();
        assert!(!still("dir", Sight::Single));
        std::fs::write(path("dir/file"), "2").unwrap();
        assert!(!still("dir/file", Sight::Single));
        // As an archive that is unpacked does: bytes, size and an old time, in place or in a new file.
        let old = std::fs::metadata(path("many")).unwrap();
        std::fs::write(path("many"), "2").unwrap();
        assert!(!still("many", shared));
        let set = |time| {
            let file = std::fs::File::options().write(true).open(path("many"));
            file.unwrap().set_modified(time).unwrap();
        };
        set(old.modified().unwrap() - std::time::Duration::from_secs(1));
        assert!(!still("many", shared));
        std::fs::remove_file(path("many")).unwrap();
        std::fs::write(path("many"), "3").unwrap();
        set(old.modified().unwrap());
        assert!(!still("many", shared));
    }
}
