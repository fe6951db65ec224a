//! An existing output that is to be replaced.

use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::FileType;
use rustix::io::Errno;

use super::IfExists;
use super::lock::{lock, stat_named};
use crate::error::{Error, SystemContext as _};
use crate::fs::{OsResultExt as _, is_same_inode, retry};

/// The directory that is to be replaced, locked; `None` if the name is free. An error if the name is taken and may not be
/// replaced, or if another run is at work on it.
pub(super) fn lock_existing(
    parent: &Dir,
    name: &str,
    if_exists: IfExists,
    output: &Path,
) -> Result<Option<Dir>, Error> {
    if !exists(parent, name, if_exists, output)? {
        return Ok(None);
    }
    let locked = lock(parent, name)
        .map_err(|error| error.with_path(output.display().to_string()))
        .context("lock the output that is to be replaced")?;
    match locked {
        Some(dir) => Ok(Some(Dir::from_std_file(dir.into()))),
        None => Err(Error::Busy(output.to_owned())),
    }
}

/// Tells whether there is a directory that may be replaced. An error if the name is taken by anything else.
fn exists(parent: &Dir, name: &str, if_exists: IfExists, output: &Path) -> Result<bool, Error> {
    let stat = match stat_named(parent, name) {
        Err(Errno::NOENT) => return Ok(false),
        stat => stat
            .during("fstatat", output.display())
            .context("find out whether the output exists")?,
    };
    match if_exists {
        IfExists::Refuse => Err(Error::Exists(output.to_owned())),
        IfExists::Replace if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
            Ok(true)
        }
        IfExists::Replace => Err(Error::Usage(format!(
            "{} is not a directory, so it is not replaced",
            output.display()
        ))),
    }
}

/// Fails unless the name is still that of the directory that was locked: another run may have been faster.
pub(super) fn expect_unchanged(
    parent: &Dir,
    name: &str,
    locked: Option<&Dir>,
    output: &Path,
) -> Result<(), Error> {
    const AIM: &str = "check the output that is to be replaced";
    let path = output.display();
    let named = stat_named(parent, name)
        .during("fstatat", &path)
        .context(AIM)?;
    let Some(locked) = locked else {
        return Err(Error::Busy(output.to_owned()));
    };
    let locked = retry(|| rustix::fs::fstat(locked))
        .during("fstat", path)
        .context(AIM)?;
    if is_same_inode(&named, &locked) {
        Ok(())
    } else {
        Err(Error::Busy(output.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::lock::lock;
    use super::{IfExists, exists, lock_existing};
    use crate::error::Error;
    use crate::fs::open_root;

    #[test]
    fn only_a_directory_can_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("directory")).unwrap();
        fs::write(path("file"), "").unwrap();
        std::os::unix::fs::symlink("directory", path("link")).unwrap();
        let parent = open_root(folder.path()).unwrap();
        let exists = |name: &str| exists(&parent, name, IfExists::Replace, &path(name));
        assert!(exists("directory").unwrap());
        assert!(!exists("nothing").unwrap());
        for name in ["file", "link"] {
            let error = exists(name).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{name}: {error}");
            let locked = lock_existing(&parent, name, IfExists::Replace, &path(name));
            assert!(locked.is_err(), "{name}");
            // Also if it takes the place of a directory after the check.
            assert!(lock(&parent, name).is_err(), "{name}");
        }
    }
}
