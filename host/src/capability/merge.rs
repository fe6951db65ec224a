//! Making one tree of two.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, RenameFlags};
use rustix::io::Errno;

use super::{Fault, retry, retry_io};

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
    Fault(#[from] Fault),
}

/// Moves everything below `from` to the same place below `to`. What is a directory in both is merged, and stays
/// behind empty; everything else is renamed as a whole, and nothing is replaced.
///
/// Both trees are this run's own, and all who filled them are done.
pub fn merge(from: &Dir, to: &Dir) -> Result<(), MergeError> {
    let mut ahead = vec![PathBuf::from(".")];
    while let Some(path) = ahead.pop() {
        let fail = |call, error: &std::io::Error| {
            MergeError::from(Fault::from_io(call, path.display().to_string(), error))
        };
        let below =
            |dir: &Dir| retry_io(|| dir.open_dir(&path)).map_err(|error| fail("openat2", &error));
        let (source, target) = (below(from)?, below(to)?);
        let entries = retry_io(|| source.entries()?.collect::<std::io::Result<Vec<_>>>())
            .map_err(|error| fail("openat, fcntl or getdents64", &error))?;
        for entry in entries {
            let name = entry.file_name();
            let whole = path.join(&name);
            match retry(|| rustix::fs::renameat_with(&source, &name, &target, &name, NEW)) {
                Ok(()) => {}
                Err(Errno::EXIST)
                    if is_directory(&source, &name, &whole)?
                        && is_directory(&target, &name, &whole)? =>
                {
                    ahead.push(whole);
                }
                Err(Errno::EXIST) => return Err(MergeError::Both(whole)),
                Err(errno) => {
                    let whole = whole.display().to_string();
                    return Err(Fault::new("renameat2", whole, errno).into());
                }
            }
        }
    }
    Ok(())
}

fn is_directory(dir: &Dir, name: impl AsRef<Path>, whole: &Path) -> Result<bool, Fault> {
    let name = name.as_ref();
    retry(|| rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))
        .map(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
        .map_err(|errno| Fault::new("fstatat", whole.display().to_string(), errno))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use cap_std::ambient_authority;
    use cap_std::fs::Dir;

    use super::{MergeError, merge};

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
