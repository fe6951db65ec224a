//! Removing directories that are not needed any more, and those that killed runs have left behind.

use cap_std::fs::Dir;
use rustix::fs::AtFlags;

use super::lock::lock;
use super::names::is_staging_name;
use crate::fs::retry;

/// How often a directory is removed before the next run is left to do it. Each attempt goes on where the one before
/// stopped.
const ATTEMPTS: usize = 3;

/// Removes a directory and all that is in it.
pub(super) fn remove(parent: &Dir, name: &str) -> std::io::Result<()> {
    // An empty directory goes without opening it: there may be no free file descriptor.
    if retry(|| rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)).is_ok() {
        return Ok(());
    }
    let mut last = Ok(());
    for _ in 0..ATTEMPTS {
        match parent.remove_dir_all(name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => last = Err(error),
            _ => return Ok(()),
        }
    }
    last
}

/// Removes staging directories of the output `name` that no run holds a lock on.
pub(super) fn remove_leftovers(parent: &Dir, name: &str) {
    // One that cannot be listed or opened does no harm, and is left to a later run.
    let Ok(entries) = parent.entries() else {
        return;
    };
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        if let Some(staging) = file_name.to_str()
            && is_staging_name(staging, name)
            && let Ok(Some(_locked)) = lock(parent, staging)
        {
            let _ = remove(parent, staging);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{remove, remove_leftovers};
    use crate::fs::open_root;
    use crate::publish::lock::lock;
    use crate::publish::names::staging_name;

    #[test]
    fn a_directory_is_removed_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let parent = open_root(folder.path()).unwrap();
        fs::create_dir(folder.path().join("empty")).unwrap();
        fs::create_dir_all(folder.path().join("full/a/b")).unwrap();
        fs::write(folder.path().join("full/a/b/file"), "").unwrap();
        for name in ["empty", "full", "nothing"] {
            remove(&parent, name).unwrap();
            assert!(!folder.path().join(name).try_exists().unwrap(), "{name}");
        }
        // A file is not ours.
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(remove(&parent, "file").is_err());
        assert!(folder.path().join("file").try_exists().unwrap());
    }

    #[test]
    fn only_unlocked_staging_directories_are_leftovers() {
        let folder = tempfile::tempdir().unwrap();
        let parent = open_root(folder.path()).unwrap();
        let (left, locked) = (staging_name("out"), staging_name("out"));
        let other = staging_name("other");
        for name in [&left, &locked, &other] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let _lock = lock(&parent, &locked).unwrap().unwrap();
        remove_leftovers(&parent, "out");
        assert!(!folder.path().join(&left).try_exists().unwrap());
        assert!(folder.path().join(&locked).try_exists().unwrap());
        assert!(folder.path().join(&other).try_exists().unwrap());
    }
}
