//! The storage that every test carves from, and a folder for what comes out of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::media;
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tree::staging_beside;
use serde_json::json;

/// Six images in three repositories.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) storage: Storage,
    /// Of `library/alpine:3.6`.
    pub(crate) alpine: Digest,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let storage = Storage::create(folder.path().join("source"));
        let owned = |team: &str| json!({ "os": "linux", "architecture": "amd64", "config": { "Labels": { "team": team } } });
        let alpine = storage.image("library/alpine", "3.6", &[b"base"], &owned("base"));
        storage.image("library/alpine", "3.7", &[b"base", b"3.7"], &owned("base"));
        storage.image("team/tool", "v1", &[b"base", b"tool 1"], &owned("tools"));
        storage.image(
            "team/tool",
            "v1-snapshot",
            &[b"base", b"tool 1s"],
            &owned("tools"),
        );
        storage.image(
            "team/tool",
            "v2",
            &[b"base", b"tool 2"],
            &json!({ "os": "linux" }),
        );
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| {
            let config =
                json!({ "for": platform, "config": { "Labels": { "team": "app" } } }).to_string();
            let config = storage.blob(config.as_bytes()).typed(media::OCI_CONFIG);
            let layer = storage.blob(platform.as_bytes()).typed(media::OCI_LAYER);
            storage
                .image_of("team/app", None, &config, &[layer])
                .on(platform)
        });
        storage.index("team/app", Some("v1"), &platforms);
        Self {
            folder,
            storage,
            alpine,
        }
    }

    /// A path beside the storage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a list; answers its path as a text.
    pub(crate) fn list(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is beside the storage"))
            .expect("folder of a list");
        fs::write(&path, content).expect("write a list");
        path.display().to_string()
    }

    /// The storage as a source.
    pub(crate) fn source(&self) -> String {
        spec(self.storage.root())
    }

    /// Where [`Self::carve`] puts things.
    pub(crate) fn output(&self) -> PathBuf {
        self.path("output")
    }

    /// `regcarve run` with these arguments, from the storage to [`Self::output`]. Whatever happens, the storage
    /// is what it was and nothing is left half done.
    #[track_caller]
    pub(crate) fn carve<S: AsRef<str>>(&self, args: &[S]) -> Outcome {
        let before = Snapshot::take(self.storage.root());
        let outcome = program("run")
            .args(args.iter().map(AsRef::as_ref))
            .arg(self.source())
            .arg(spec(&self.output()))
            .reported();
        outcome.assert_no_panic();
        assert_same(&before, &Snapshot::take(self.storage.root()));
        assert_eq!(staging_beside(&self.output()), Vec::<String>::new());
        outcome
    }

    /// As [`Self::carve`], for a run that must end with a code other than 0 and publish nothing.
    #[track_caller]
    pub(crate) fn refuse<S: AsRef<str>>(&self, code: i32, args: &[S]) -> Outcome {
        let outcome = self.carve(args);
        outcome.assert_code(code);
        assert!(
            self.output().symlink_metadata().is_err(),
            "something was published\n{}",
            outcome.everything()
        );
        outcome
    }
}

/// A command of the program under test.
pub(crate) fn program(command: &str) -> Command {
    let mut program = regcarve(env!("CARGO_BIN_EXE_regcarve"));
    program.arg(command);
    program
}

/// A registry storage at a path, as the command line names it.
pub(crate) fn spec(path: &Path) -> String {
    format!("registry:{}", path.display())
}
