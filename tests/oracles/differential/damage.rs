//! Damage to random files of a storage, and files that a running registry leaves beside them.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tree::walk;

/// Does up to three things to a storage, or none; answers what was done.
pub(crate) fn plant(rng: &mut Rng, storage: &Storage) -> Vec<String> {
    let mut story = Vec::new();
    strays(rng, storage);
    if rng.u8(0..5) < 2 {
        return story;
    }
    for _ in 0..rng.usize(1..4) {
        let files: Vec<PathBuf> = walk(storage.root())
            .into_iter()
            .filter(|(_, meta)| meta.is_file())
            .map(|(name, _)| storage.root().join(name))
            .collect();
        let path = &files[rng.usize(..files.len())];
        let what = if path.ends_with("data") {
            data(rng, path)
        } else if path.ends_with("link") {
            link(rng, path, &files)
        } else {
            continue;
        };
        story.push(format!("{what}: {}", path.display()));
    }
    story
}

/// Uploads, and what registry 3.1 writes before it renames.
fn strays(rng: &mut Rng, storage: &Storage) {
    if rng.bool() {
        let upload = storage.repository_path("a").join("_uploads/0000/data");
        faults::stray(upload, b"half of a layer");
    }
    if rng.bool() {
        let links: Vec<_> = walk(storage.root())
            .into_iter()
            .filter(|(name, _)| name.ends_with("link"))
            .collect();
        let (name, _) = &links[rng.usize(..links.len())];
        let path = storage.root().join(name).with_file_name("link.0000.tmp");
        faults::stray(path, b"sha256:");
    }
}

fn data(rng: &mut Rng, path: &Path) -> &'static str {
    let length = fs::metadata(path).unwrap().len();
    match rng.u8(0..3) {
        0 => {
            faults::remove(path);
            "gone"
        }
        1 if length > 0 => {
            faults::truncate(path, rng.u64(0..length));
            "cut"
        }
        _ if length > 0 => {
            // Of a manifest this is found; of a layer only who hashes everything finds it.
            faults::flip(path);
            "other bytes"
        }
        _ => "left as it is",
    }
}

fn link(rng: &mut Rng, path: &Path, files: &[PathBuf]) -> &'static str {
    let good = fs::read_to_string(path).unwrap();
    let (text, what) = match rng.u8(0..8) {
        0 => {
            faults::remove(path);
            return "link gone";
        }
        1 => (String::new(), "link empty"),
        2 => (format!("{good}\n"), "link with a line end"),
        3 => (good.get(..40).unwrap_or("").to_owned(), "link cut"),
        4 => (good.to_uppercase(), "link in upper case"),
        5 => (
            format!("sha256:{}/data", "../".repeat(19)),
            "link that climbs",
        ),
        6 => (
            Digest::of(b"not in the storage").to_string(),
            "link to what is not there",
        ),
        _ => {
            let others: Vec<_> = files
                .iter()
                .filter(|one| one.ends_with("link") && *one != path)
                .collect();
            let other = others[rng.usize(..others.len())];
            (
                fs::read_to_string(other).unwrap_or_default(),
                "link to something else",
            )
        }
    };
    faults::rewrite(path, text);
    what
}
