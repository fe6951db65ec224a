//! Merging the two trees of an output into one.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{OFlags, RenameFlags};
use rustix::io::Errno;

use super::super::list::{self, is_directory};
use super::super::{OsError, OsResultExt as _, TreePath, open, retry};

/// Why two trees could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Both trees have this name, and it is not a directory in both.
    #[error("{} is in both trees", .0.display())]
    Both(PathBuf),
    /// A system call failed.
    #[error(transparent)]
    OsError(#[from] OsError),
}

/// Moves everything below `from` to the same place below `to`. What is a directory in both is merged, and stays
/// behind empty; everything else is renamed as a whole, and nothing is replaced.
///
/// Both trees are this run's own, and all workers that filled them have ended.
pub fn merge(from: impl AsFd, to: impl AsFd) -> Result<(), MergeError> {
    let flags = RenameFlags::NOREPLACE;
    // Directories to be merged; `None` is the root.
    let mut ahead: Vec<Option<String>> = vec![None];
    while let Some(path) = ahead.pop() {
        let path = path.as_deref();
        let source = open_directory(from.as_fd(), path)?;
        let target = open_directory(to.as_fd(), path)?;
        // All names first: a listing is not reliable while its directory changes.
        for name in names(source.as_fd(), path)? {
            let whole = match path {
                Some(path) => format!("{path}/{}", name.to_string_lossy()),
                None => name.to_string_lossy().into_owned(),
            };
            match retry(|| rustix::fs::renameat_with(&source, &*name, &target, &*name, flags)) {
                Ok(()) => {}
                Err(Errno::EXIST)
                    if is_directory(&source, &name).during("fstatat", &whole)?
                        && is_directory(&target, &name).during("fstatat", &whole)? =>
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

/// Opens a directory of one of the trees to list it.
fn open_directory(root: BorrowedFd<'_>, path: Option<&str>) -> Result<OwnedFd, MergeError> {
    let Some(text) = path else {
        return Ok(open::reopen(root).during("openat", ".")?);
    };
    // The trees were filled by such paths only; any other name was put there by another process.
    let path = TreePath::parse(text).map_err(|_| MergeError::Both(text.into()))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    Ok(open::beneath(root, path, flags).during("openat2", text)?)
}

/// All names in a directory.
fn names(dir: BorrowedFd<'_>, path: Option<&str>) -> Result<Vec<Box<CStr>>, OsError> {
    let mut names = Vec::new();
    list::for_each(dir, path.unwrap_or("."), |name, _| {
        names.push(name.into());
        Ok::<_, OsError>(())
    })?;
    Ok(names)
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
    fn directories_are_merged() {
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
