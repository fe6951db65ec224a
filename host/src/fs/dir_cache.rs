//! Directories that are in use, kept open.
//!
//! A storage's paths are long, and the kernel walks each from the root that it is given. But paths come in runs:
//! the links of one repository, the blobs of one storage. So the directory that three paths in a row have in
//! common is opened, and the next ones are looked up from there. About a fifth of the time of a run is saved.
//!
//! This changes nothing in what is allowed: a kept directory was itself opened below the root without following
//! any link, and what is opened from it is so too.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;

use super::{TreePath, open};

/// How many directories are kept. A reader alternates between two or three; a machine may allow no more
/// than 64 open files.
const KEPT: usize = 6;

/// Open directories below one root, for one worker.
#[derive(Debug, Default)]
pub(super) struct DirCache {
    /// The one that was used longest ago is given up first.
    kept: Vec<Kept>,
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    path: Box<str>,
    dir: OwnedFd,
    used: u64,
}

/// Paths that come one after the other, such as all that are read, or all that are linked.
#[derive(Debug, Default)]
pub(super) struct PathStreak {
    last: String,
    /// How much of `last` it has in common with the one before, in whole directories.
    common: usize,
}

impl PathStreak {
    /// Forgets the last path: the next one has nothing in common with it.
    pub(super) fn forget(&mut self) {
        self.last.clear();
        self.common = 0;
    }
}

/// A place from which a path is looked up: a kept directory or the root, and how much of the path it covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lookup {
    kept: Option<usize>,
    covered: usize,
    common: usize,
}

impl Lookup {
    /// The root itself.
    pub(super) const ROOT: Self = Self {
        kept: None,
        covered: 0,
        common: 0,
    };

    /// Whether the path is this place, or above it.
    pub(super) fn covers(&self, path: TreePath<'_>) -> bool {
        path.as_str().len() <= self.covered
    }

    /// The rest of the path that this was made for.
    pub(super) fn rest<'p>(&self, path: TreePath<'p>) -> TreePath<'p> {
        path.behind(self.covered)
    }

    /// How many bytes of the path are directories that the path before it was below, too.
    pub(super) fn common(&self) -> usize {
        self.common
    }
}

impl DirCache {
    /// The nearest directory to look `path` up from; opens one where the run shows that it pays.
    pub(super) fn nearest(
        &mut self,
        root: BorrowedFd<'_>,
        run: &mut PathStreak,
        path: TreePath<'_>,
    ) -> Lookup {
        let text = path.as_str();
        let mut from = self.find(text);
        let common = common_directories(&run.last, text);
        if common == run.common && common > from.covered {
            from = self.keep(root, from, path, common);
        }
        from.common = common;
        run.common = common;
        run.last.clear();
        run.last.push_str(text);
        if let Some(kept) = from.kept {
            self.clock += 1;
            self.kept[kept].used = self.clock;
        }
        from
    }

    /// The directory of a place.
    pub(super) fn dir<'a>(&'a self, root: BorrowedFd<'a>, from: Lookup) -> BorrowedFd<'a> {
        from.kept.map_or(root, |kept| self.kept[kept].dir.as_fd())
    }

    fn find(&self, path: &str) -> Lookup {
        let mut best = Lookup::ROOT;
        for (position, kept) in self.kept.iter().enumerate() {
            let length = kept.path.len();
            if length > best.covered
                && path.as_bytes().get(length) == Some(&b'/')
                && path.starts_with(&*kept.path)
            {
                best = Lookup {
                    kept: Some(position),
                    covered: length,
                    common: 0,
                };
            }
        }
        best
    }

    /// Opens the first `length` bytes of a path as a directory. If that fails, whoever uses the path will see why.
    fn keep(
        &mut self,
        root: BorrowedFd<'_>,
        from: Lookup,
        path: TreePath<'_>,
        length: usize,
    ) -> Lookup {
        let directory = path.upto(length);
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let Ok(dir) = open::beneath(self.dir(root, from), from.rest(directory), flags) else {
            return from;
        };
        let kept = Kept {
            path: directory.as_str().into(),
            dir,
            used: self.clock,
        };
        let position = if self.kept.len() < KEPT {
            self.kept.push(kept);
            self.kept.len() - 1
        } else {
            let oldest = self
                .kept
                .iter()
                .enumerate()
                .min_by_key(|(_, kept)| kept.used);
            let oldest = oldest.map_or(0, |(position, _)| position);
            self.kept[oldest] = kept;
            oldest
        };
        Lookup {
            kept: Some(position),
            covered: length,
            common: 0,
        }
    }
}

/// How many bytes of two paths are the same directories.
fn common_directories(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    one[..same]
        .iter()
        .rposition(|byte| *byte == b'/')
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::{DirCache, PathStreak, common_directories};
    use crate::fs::TreePath;

    #[test]
    fn common_parts_are_whole_directories() {
        for (one, other, common) in [
            ("a/b/c", "a/b/d", "a/b"),
            ("a/bx/c", "a/by/c", "a"),
            ("a/b", "a/b/c", "a"),
            ("x", "y", ""),
            ("", "a/b", ""),
            ("a/b/c", "a/b/c", "a/b"),
        ] {
            assert_eq!(
                &other[..common_directories(one, other)],
                common,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn three_in_a_row_open_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let root = std::fs::File::open(folder.path()).unwrap();
        let (mut handles, mut run) = (DirCache::default(), PathStreak::default());
        let mut rest = |text| {
            let path = TreePath::parse(text).unwrap();
            let from = handles.nearest(root.as_fd(), &mut run, path);
            from.rest(path).as_str().to_owned()
        };
        assert_eq!(rest("a/b/1"), "a/b/1");
        assert_eq!(rest("a/b/2"), "a/b/2");
        assert_eq!(rest("a/b/3"), "3");
        assert_eq!(rest("c/d"), "c/d");
        assert_eq!(rest("a/b/4/x"), "4/x");
        assert_eq!(rest("a/bx"), "a/bx");
        // What is no directory is left to the one who uses the path.
        for _ in 0..4 {
            assert_eq!(rest("no/such"), "no/such");
        }
    }
}
