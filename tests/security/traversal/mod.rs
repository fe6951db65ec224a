//! No path leads out of source and output, whatever a storage or a list holds, and whatever another process swaps
//! meanwhile.
//!
//! | module | what it does |
//! |---|---|
//! | `planted` | symlinks, magic links, FIFOs, sockets, devices, folders and giants in the places of files and folders |
//! | `race` | swaps folders for symlinks while runs go on |
//! | `lines` | hostile lines, checked by a second grammar |
//!
//! Each needs a file outside that is worth having: the canary. It has one name, and its bytes are never seen.

mod lines;
mod planted;
mod race;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::media;
use serde_json::json;

/// Selects the image that is tampered with.
const RUN: [&str; 5] = ["run", "--durability", "none", "--image", "team/app:v1"];

/// The bytes that must never be seen. As long as the layer, so that nothing but their place gives them away.
const SECRET: &[u8] = b"CANARY: these bytes are nobody's business";
const LAYER: &[u8] = b"the only layer of the image team/app:v1  ";

/// The image `team/app:v1`; there is another one, `team/other:v1`.
struct Image {
    config: Descriptor,
    top: Digest,
}

/// A storage, and beside it a folder that holds what a storage's folders hold, only other bytes.
type Guarded = Fixture<Image>;

fn guarded_storage() -> Guarded {
    assert_eq!(SECRET.len(), LAYER.len());
    Fixture::new().with(|fixture| {
        let storage = &fixture.storage;
        let config = storage.blob(br#"{"os":"linux"}"#).typed(media::OCI_CONFIG);
        let layer = storage.blob(LAYER).typed(media::OCI_LAYER);
        let top = storage
            .image_of("team/app", Some("v1"), &config, &[layer])
            .digest;
        let other = storage.image("team/other", "v1", &[b"other"], &json!({"os": "linux"}));
        fixture.write("canary/data", SECRET);
        // A program that follows a symlink to this link takes another image than the tag names.
        for link in ["canary/link", "canary/current/link"] {
            fixture.write(link, other.as_str());
        }
        Image { config, top }
    })
}

fn canary(guarded: &Guarded) -> PathBuf {
    guarded.path("canary")
}

/// Every harm to the canary; `said` is everything that was printed or reported.
fn breaches(guarded: &Guarded, said: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    for (file, bytes) in [
        ("data", Some(SECRET)),
        ("link", None),
        ("current/link", None),
    ] {
        let path = canary(guarded).join(file);
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
    let names = regcarve_test_support::tree::walk(&canary(guarded)).len();
    if names != 4 {
        breaches.push(format!("BREACH: {names} names where there were 4"));
    }
    breaches
}
