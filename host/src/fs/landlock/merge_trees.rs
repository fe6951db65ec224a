//! Making one tree of two.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, OFlags, RawDir, RenameFlags};
use rustix::io::Errno;

use super::super::{OsError, TreePath, open, retry};

/// Nothing is replaced.
const NEW: RenameFlags = RenameFlags::NOREPLACE;

/// Why two trees did not become one.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Both have this name, and it is not a directory in both.
    #[error("{} is in both", .0.display())]
    Both(PathBuf),
    /// The system refused a step.
    #[error(transparent)]
    OsError(#[from] OsError),
}

/// Moves everything below `from` to the same place below `to`. What is a directory in both is merged, and stays
/// behind empty; everything else is renamed as a whole, and nothing is replaced.
///
/// Both trees are this run's own, and all who filled them are done.
pub fn merge(from: impl AsFd, to: impl AsFd) -> Result<(), MergeError> {
    // `None` is the root.
    let mut ahead: Vec<Option<String>> = vec![None];
    while let Some(path) = ahead.pop() {
        let path = path.as_deref();
        let (source, target) = (below(from.as_fd(), path)?, below(to.as_fd(), path)?);
        // All names first: a listing need not agree with what goes on beside it.
        for name in names(source.as_fd(), path)? {
            let whole = match path {
                Some(path) => format!("{path}/{}", name.to_string_lossy()),
                None => name.to_string_lossy().into_owned(),
            };
            match retry(|| rustix::fs::renameat_with(&source, &*name, &target, &*name, NEW)) {
                Ok(()) => {}
                Err(Errno::EXIST)
                    if is_directory(&source, &name, &whole)?
                        && is_directory(&target, &name, &whole)? =>
                {
                    ahead.push(Some(whole));
                }
                Err(Errno::EXIST) => return Err(MergeError::Both(whole.into())),
                Err(errno) => return Err(OsError::new("renameat2", whole, errno).into()),
            }
        }
    }
    Ok(())
}

/// Opens a directory of one of the trees.
fn below(root: BorrowedFd<'_>, path: Option<&str>) -> Result<OwnedFd, MergeError> {
    let Some(text) = path else {
        return open::again(root).map_err(|errno| OsError::new("openat", ".", errno).into());
    };
    // Whoever filled the trees had to give such paths. Another one is of somebody else.
    let path = TreePath::parse(text).map_err(|_| MergeError::Both(text.into()))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    open::beneath(root, path, flags).map_err(|errno| OsError::new("openat2", text, errno).into())
}

/// All names in a directory.
fn names(dir: BorrowedFd<'_>, path: Option<&str>) -> Result<Vec<Box<CStr>>, OsError> {
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut raw = RawDir::new(dir, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = raw.next() {
        match entry {
            Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
            Ok(entry) => names.push(entry.file_name().into()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(OsError::new("getdents64", path.unwrap_or("."), errno)),
        }
    }
    Ok(names)
}

fn is_directory(dir: &OwnedFd, name: &CStr, whole: &str) -> Result<bool, OsError> {
    retry(|| rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))
        .map(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
        .map_err(|errno| OsError::new("fstatat", whole, errno))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    use super::super::{MergeError, merge};

    fn trees(from: &[&str], to: &[&str]) -> (tempfile::TempDir, Dir, Dir) {
        let folder = tempfile::tempdir().unwrap();
        for (tree, files) in [("from", from), ("to", to)] {
            fs::create_dir(folder.path().join(tree)).unwrap();
            for file in files {
                let path = folder.path().join(tree).join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, tree).unwrap();
            }
        }
        let open =
            |tree| Dir::open_ambient_dir(folder.path().join(tree), ambient_authority()).unwrap();
        let (from, to) = (open("from"), open("to"));
        (folder, from, to)
    }

    #[test]
    fn two_become_one() {
        let (folder, from, to) = trees(&["a/b/1", "a/c/2", "d", "e/f/3"], &["a/b/4", "g/5", "a/6"]);
        merge(&from, &to).unwrap();
        for (file, by) in [
            ("a/b/1", "from"),
            ("a/c/2", "from"),
            ("d", "from"),
            ("e/f/3", "from"),
            ("a/b/4", "to"),
            ("g/5", "to"),
            ("a/6", "to"),
        ] {
            let path = folder.path().join("to").join(file);
            assert_eq!(fs::read_to_string(path).unwrap(), by, "{file}");
        }
    }

    #[test]
    fn nothing_is_replaced() {
        for (from, to) in [("a/b", "a/b"), ("a/b", "a"), ("a", "a/b")] {
            let (folder, from_dir, to_dir) = trees(&[from], &[to]);
            let answer = merge(&from_dir, &to_dir);
            assert!(
                matches!(answer, Err(MergeError::Both(_))),
                "{from} {to}: {answer:?}"
            );
            let kept = fs::read_to_string(folder.path().join("to").join(to)).unwrap();
            assert_eq!(kept, "to", "{from} {to}");
        }
    }
}
