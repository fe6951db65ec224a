//! Blobs and links that are missing, cut or changed.

use std::path::PathBuf;

use regcarve_test_support::digest::Descriptor;
use regcarve_test_support::faults;
use regcarve_test_support::media;
use regcarve_test_support::storage::index_json;

use super::bad_image::{BAD, BadStorage, LAYER, layer_link, replace_top, revision};
use super::{Case, damaged};

pub(crate) fn cases() -> Vec<Case> {
    type Fault = (
        &'static str,
        &'static [&'static str],
        fn(&mut BadStorage) -> PathBuf,
    );
    const GONE: &[&str] = &[
        "missing",
        "not found",
        "No such file",
        "no such file",
        "does not exist",
    ];
    let faults: [Fault; 9] = [
        ("layer is gone", GONE, |bad| {
            gone(bad.storage.blob_path(&bad.made.layer.digest))
        }),
        ("layer is short", &["size", "bytes", "short"], |bad| {
            let path = bad.storage.blob_path(&bad.made.layer.digest);
            faults::truncate(&path, 5);
            path
        }),
        ("layer is long", &["size", "bytes", "long"], |bad| {
            let path = bad.storage.blob_path(&bad.made.layer.digest);
            faults::rewrite(&path, [LAYER, b"more"].concat());
            path
        }),
        ("configuration is gone", GONE, |bad| {
            gone(bad.storage.blob_path(&bad.made.config.digest))
        }),
        ("layer link is gone", GONE, |bad| gone(layer_link(bad))),
        ("revision link is gone", GONE, |bad| gone(revision(bad))),
        ("manifest is gone", GONE, |bad| {
            gone(bad.storage.blob_path(&bad.made.top))
        }),
        (
            "manifest has other bytes",
            &["match", "hash", "digest"],
            |bad| {
                let path = bad.storage.blob_path(&bad.made.top);
                faults::flip(&path);
                path
            },
        ),
        ("child of an index is gone", GONE, |bad| {
            let child = Descriptor::of(b"{}").typed(media::OCI_MANIFEST);
            let bytes = index_json(std::slice::from_ref(&child)).to_string();
            replace_top(bad, bytes.as_bytes());
            bad.storage.revision_link_path(BAD, &child.digest)
        }),
    ];
    let mut all = Vec::new();
    for (name, causes, fault) in faults {
        // The digest is what a reader looks for; by which of its paths is up to the message.
        all.push(damaged(name, causes, |bad| {
            let path = fault(bad);
            let digest = path.parent().unwrap().file_name().unwrap();
            digest.to_str().unwrap().to_owned()
        }));
    }
    all
}

fn gone(path: PathBuf) -> PathBuf {
    faults::remove(&path);
    path
}
