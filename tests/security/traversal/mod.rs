//! Nothing outside of the two trees is touched, whatever a storage, a list or somebody with a swift hand says.
//!
//! | module | what it does |
//! |---|---|
//! | `planted` | symlinks, magic links, FIFOs, sockets, devices, folders and giants in the places of files and folders |
//! | `race` | swaps folders for symlinks while runs go on |
//! | `lines` | hostile lines, judged by a second grammar |
//!
//! Each needs a file outside that is worth having: the canary. It has one name, and its bytes are never seen. A part of
//! it all in every run of the tests; everything with
//!
//! ```sh
//! REGCARVE_LONG=1 cargo test --release --locked --test paths -- --nocapture
//! ```

mod lines;
mod planted;
mod race;

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;
use regcarve_test_support::storage::Storage;
use serde_json::json;

const BINARY: &str = env!("CARGO_BIN_EXE_regcarve");

/// What must never be seen. As long as the layer, so that nothing but its place gives it away.
const SECRET: &[u8] = b"CANARY: these bytes are nobody's business";
const LAYER: &[u8] = b"the only layer of the image team/app:v1  ";

fn is_long() -> bool {
    env::var_os("REGCARVE_LONG").is_some()
}

/// A storage with two images, and beside it a folder that holds what a storage's folders hold, only other bytes.
struct World {
    folder: tempfile::TempDir,
    storage: Storage,
    config: Descriptor,
    top: Digest,
}

impl World {
    fn new() -> Self {
        assert_eq!(SECRET.len(), LAYER.len());
        let folder = tempfile::tempdir().expect("a folder for storages");
        let storage = Storage::create(folder.path().join("source"));
        let config = storage.blob(br#"{"os":"linux"}"#).typed(media::OCI_CONFIG);
        let layer = storage.blob(LAYER).typed(media::OCI_LAYER);
        let top = storage
            .image_of("team/app", Some("v1"), &config, &[layer])
            .digest;
        let other = storage.image("team/other", "v1", &[b"other"], &json!({"os": "linux"}));
        let world = Self {
            folder,
            storage,
            config,
            top,
        };
        fs::create_dir(world.canary()).unwrap();
        fs::create_dir(world.canary().join("current")).unwrap();
        fs::write(world.canary().join("data"), SECRET).unwrap();
        // Whoever follows a symlink to this link takes another image than the tag names.
        for link in ["link", "current/link"] {
            fs::write(world.canary().join(link), other.as_str()).unwrap();
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn canary(&self) -> PathBuf {
        self.path("canary")
    }

    /// What became of the canary, if anything; `said` is everything that was printed or reported.
    fn breaches(&self, said: &str) -> Vec<String> {
        let mut breaches = Vec::new();
        for (file, bytes) in [
            ("data", Some(SECRET)),
            ("link", None),
            ("current/link", None),
        ] {
            let path = self.canary().join(file);
            match path.symlink_metadata() {
                Ok(meta) if meta.nlink() == 1 && meta.is_file() => {}
                other => breaches.push(format!("BREACH: {file} is {other:?}")),
            }
            if bytes.is_some_and(|bytes| fs::read(&path).unwrap_or_default() != bytes) {
                breaches.push(format!("BREACH: {file} was changed"));
            }
        }
        if said.contains("CANARY") {
            breaches.push("BREACH: its bytes were printed".into());
        }
        let names = regcarve_test_support::tree::walk(&self.canary()).len();
        if names != 4 {
            breaches.push(format!("BREACH: {names} names where there were 4"));
        }
        breaches
    }
}

/// `FORMAT:PATH`.
fn spec(format: &str, path: &Path) -> String {
    format!("{format}:{}", path.display())
}
