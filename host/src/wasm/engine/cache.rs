//! The cache of compiled code of users' components, kept from run to run.
//!
//! A Rust policy takes 50 ms to compile, a Python policy half a minute; loading either from the cache takes a few
//! milliseconds. The cache is one folder of the user's own:
//!
//! ```text
//! ~/.cache/regcarve/                      or $XDG_CACHE_HOME/regcarve; mode 0700
//!     <sha256 of the component>-<engine>.native
//! ```
//!
//! `<engine>` stands for everything that the code depends on: version and settings of wasmtime, the CPU. A file gets
//! its name when it is complete and its bytes are never changed afterwards; its mtime is that of the last use, and files
//! that were not used for long are removed when a new one comes. It holds native code, so a folder or file that
//! another user could have written is not used. If anything fails here, the component is compiled, and the run goes
//! on.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use regcarve_types::Digest;

use crate::wasm::Engine;

/// Writable by group or others.
const FOREIGN_WRITE: u32 = 0o022;

/// Files that were not used for so long are removed: a release stage that runs once in a quarter still finds its code.
const KEPT: Duration = Duration::from_hours(100 * 24);
/// Precision of the time of the last use, which is not worth a write to the disk in each run.
const EXACT: Duration = Duration::from_hours(24);

/// A folder that only this user can write to.
#[derive(Debug, Clone)]
pub(in crate::wasm) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder of this user. `None` if it does not exist and cannot be made, or if others could write to it.
    pub(in crate::wasm) fn of_user() -> Option<Self> {
        let base = match std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from) {
            Some(base) if base.is_absolute() => base,
            _ => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
        };
        Self::open(base.join("regcarve"))
    }

    /// Opens a folder, and makes it if it does not exist.
    fn open(folder: PathBuf) -> Option<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .ok()?;
        let there = fs::symlink_metadata(&folder).ok()?;
        (there.is_dir() && is_private(&there)).then_some(Self { folder })
    }

    /// The file with code for this component and this engine.
    pub(in crate::wasm) fn find(&self, engine: &Engine, sha256: Digest) -> Option<PathBuf> {
        let path = self.path(engine, sha256);
        let there = fs::symlink_metadata(&path).ok()?;
        if !(there.is_file() && is_private(&there)) {
            return None;
        }
        if unused(&there) > EXACT {
            note_use(&path);
        }
        Some(path)
    }

    /// Keeps code. Errors are ignored: the next run compiles again.
    pub(in crate::wasm) fn put(&self, engine: &Engine, sha256: Digest, code: &[u8]) {
        let path = self.path(engine, sha256);
        let partial = path.with_extension(format!("partial-{}", std::process::id()));
        if write(&partial, code)
            .and_then(|()| fs::rename(&partial, &path))
            .is_err()
        {
            let _ = fs::remove_file(&partial);
        }
        self.remove_unused();
    }

    /// Removes files that were not used for long: code of components and engines that are gone, and half-written files of
    /// runs that were killed.
    fn remove_unused(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            let is_ours = ending == "native" || ending.starts_with("partial-");
            if is_ours
                && let Ok(there) = entry.metadata()
                && there.is_file()
                && unused(&there) > KEPT
            {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn path(&self, engine: &Engine, sha256: Digest) -> PathBuf {
        // This only tells engines apart; wasmtime itself checks that the code fits.
        let mut hasher = DefaultHasher::new();
        engine
            .inner
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        self.folder.join(format!(
            "{}-{:016x}.native",
            sha256.hex().as_str(),
            hasher.finish()
        ))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the user's own file, and no linked one"
)]
fn note_use(path: &Path) {
    if let Ok(file) = File::open(path) {
        let _ = file.set_modified(SystemTime::now());
    }
}

/// The time since the last use of a file. A clock that was set back makes it new.
fn unused(there: &Metadata) -> Duration {
    let used = there.modified().ok();
    used.and_then(|used| used.elapsed().ok())
        .unwrap_or_default()
}

/// Tells whether it belongs to this user and no other user can write to it.
fn is_private(there: &Metadata) -> bool {
    there.uid() == rustix::process::geteuid().as_raw() && there.mode() & FOREIGN_WRITE == 0
}

fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(code)?;
    // Or a power cut could leave the name on a file without content.
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::{Duration, SystemTime};

    use super::{Cache, KEPT};

    #[test]
    fn only_a_private_folder_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/regcarve");
        assert!(Cache::open(path.clone()).is_some());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::open(path.clone()).is_none());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert!(Cache::open(link).is_none());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(Cache::open(folder.path().join("file")).is_none());
    }

    #[test]
    fn unused_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path().join("regcarve")).unwrap();
        let make = |name: &str, age: Duration| {
            let file = File::create(cache.folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        let hour = Duration::from_hours(1);
        make("new.native", Duration::ZERO);
        make("used.native", KEPT - hour);
        make("old.native", KEPT + hour);
        make("old.partial-4711", KEPT + hour);
        make("notes.txt", KEPT + hour);
        cache.remove_unused();
        let names = std::fs::read_dir(&cache.folder).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["new.native", "notes.txt", "used.native"]);
    }
}
