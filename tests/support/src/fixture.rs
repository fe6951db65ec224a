//! A folder for one test, with a registry storage in it, in which storages, lists and outputs have short names.
//!
//! ```ignore
//! let fixture = Fixture::new();
//! fixture.storage.image("team/app", "v1", &[b"layer"], &json!({ "os": "linux" }));
//! fixture.carve(&["--all"]).assert_code(0);
//! assert_carved(fixture.storage.root(), &fixture.output());
//! ```
//!
//! A suite that knows more of its storage than paths (digests, packages) keeps that in [`Fixture::made`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binary::{Outcome, Runs as _, regcarve};
use crate::snapshot::{Snapshot, assert_same};
use crate::storage::Storage;
use crate::tree::staging_beside;

/// The folder of a test; removed with this value.
#[derive(Debug)]
pub struct Fixture<T = ()> {
    root: PathBuf,
    /// Nothing where the folder has another owner, such as a mount.
    folder: Option<TempDir>,
    /// The registry storage `source`, empty at first.
    pub storage: Storage,
    /// The suite's own notes on the storage.
    pub made: T,
}

impl Fixture {
    /// A new folder.
    pub fn new() -> Self {
        Self::of(tempfile::tempdir().expect("a folder for a test"))
    }

    /// A new folder in memory, where there is such a place: for tests of calls and moments, not of disks.
    pub fn in_memory() -> Self {
        Self::of(memory_folder())
    }

    fn of(folder: TempDir) -> Self {
        let mut fixture = Self::at(folder.path());
        fixture.folder = Some(folder);
        fixture
    }

    /// In a folder that is there, and stays.
    pub fn at(folder: &Path) -> Self {
        Self {
            root: folder.to_owned(),
            folder: None,
            storage: Storage::create(folder.join("source")),
            made: (),
        }
    }

    /// Fills the storage, and remembers what `fill` answers.
    pub fn with<T>(self, fill: impl FnOnce(&Self) -> T) -> Fixture<T> {
        let made = fill(&self);
        let Self {
            root,
            folder,
            storage,
            made: (),
        } = self;
        Fixture {
            root,
            folder,
            storage,
            made,
        }
    }
}

impl Default for Fixture {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Fixture<T> {
    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// `dir:out` with the whole path, as the command line names a storage.
    pub fn spec(&self, short: &str) -> String {
        let (format, name) = short.split_once(':').expect("FORMAT:NAME");
        format!("{format}:{}", self.path(name).display())
    }

    /// The storage, as the command line names it.
    pub fn source(&self) -> String {
        registry(self.storage.root())
    }

    /// Where [`Self::carve`] puts things.
    pub fn output(&self) -> PathBuf {
        self.path("output")
    }

    /// Writes a file, such as a list, and the folders that it is in; answers its path as a text.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("folder of a file");
        fs::write(&path, content).expect("write a file");
        path.display().to_string()
    }

    /// `regcarve run` with these arguments, from the storage to [`Self::output`]. Whatever happens, the storage
    /// is what it was, nothing is left half done, and nothing panics.
    #[track_caller]
    pub fn carve<S: AsRef<str>>(&self, args: &[S]) -> Outcome {
        let before = Snapshot::take(self.storage.root());
        let outcome = program("run")
            .args(args.iter().map(AsRef::as_ref))
            .arg(self.source())
            .arg(registry(&self.output()))
            .reported();
        outcome.assert_no_panic();
        assert_same(&before, &Snapshot::take(self.storage.root()));
        assert_eq!(staging_beside(&self.output()), Vec::<String>::new());
        outcome
    }

    /// As [`Self::carve`], for a run that must end with a code other than 0 and publish nothing.
    #[track_caller]
    pub fn refuse<S: AsRef<str>>(&self, code: i32, args: &[S]) -> Outcome {
        let outcome = self.carve(args);
        outcome.assert_code(code);
        assert!(
            self.output().symlink_metadata().is_err(),
            "something was published\n{}",
            outcome.everything()
        );
        outcome
    }

    /// `regcarve run` with these flags, from a storage into others, each `FORMAT:NAME`.
    #[track_caller]
    pub fn convert(&self, flags: &[&str], source: &str, outputs: &[&str]) -> Outcome {
        let outcome = program("run")
            .args(["--durability", "none"])
            .args(flags)
            .arg(self.spec(source))
            .args(outputs.iter().map(|output| self.spec(output)))
            .reported();
        outcome.assert_no_panic();
        outcome
    }

    /// `regcarve verify` with these flags, of a storage `FORMAT:NAME`.
    pub fn verify(&self, flags: &[&str], storage: &str) -> Outcome {
        program("verify")
            .args(flags)
            .arg(self.spec(storage))
            .outcome()
    }

    /// Tells whether there is nothing under a name, and no staging beside it.
    pub fn is_clean(&self, name: &str) -> bool {
        is_clean(&self.path(name))
    }
}

/// Tells whether there is nothing at a path, and no staging beside it.
pub fn is_clean(output: &Path) -> bool {
    output.symlink_metadata().is_err() && staging_beside(output).is_empty()
}

/// A command of the program under test.
pub fn program(command: &str) -> Command {
    let mut program = regcarve();
    program.arg(command);
    program
}

/// A registry storage at a path, as the command line names it.
pub fn registry(path: &Path) -> String {
    format!("registry:{}", path.display())
}

/// A folder in memory, where there is such a place.
pub fn memory_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a folder for a test")
}
