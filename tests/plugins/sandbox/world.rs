//! What the guests find: two storages, and around them what they must not reach.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use regcarve_test_support::binary::regcarve;
use regcarve_test_support::storage::Storage;
use serde_json::json;

/// All that a run of a test touches is below one folder.
pub(crate) struct World {
    folder: tempfile::TempDir,
    /// `team/app:v1`, `team/app:v2`, `team/tool:v1`, and `secret/hello:v1`, which nobody asks for.
    pub(crate) storage: Storage,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder for a test");
        let storage = Storage::create(folder.path().join("source"));
        let config = json!({ "os": "linux", "architecture": "amd64" });
        storage.image("team/app", "v1", &[b"base", b"app 1"], &config);
        storage.image("team/app", "v2", &[b"base", b"app 2"], &config);
        storage.image("team/tool", "v1", &[b"base", b"tool"], &config);
        storage.image("secret/hello", "v1", &[b"hello"], &config);
        let world = Self { folder, storage };
        world.write("secret", "nobody may read this");
        world.write("source/secret", "no guest may read this");
        world.write("images.list", "image: team/app:v1\n");
        // A format of the tests' own, in which there is one image: see `regcarve_test_programs::reader`.
        world.write("flat/manifest", r#"{"schemaVersion":2}"#);
        world.write("flat/forged", r#"{"schemaVersion":3}"#);
        world.write("flat/config", "{}");
        world.write("flat/layer", "layer");
        symlink("../secret", world.path("flat/symlink")).expect("a symbolic link");
        world
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file of the world");
    }

    /// A path in the folder of this world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A storage in the folder of this world, as the command line names it.
    pub(crate) fn spec(&self, format: &str, name: &str) -> String {
        format!("{format}:{}", self.path(name).display())
    }

    /// `regcarve`, with a cache of this world's own.
    pub(crate) fn regcarve(&self) -> Command {
        let mut command = regcarve(env!("CARGO_BIN_EXE_regcarve"));
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command
    }
}
