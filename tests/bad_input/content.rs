//! Content that is gone, short or another one.

use std::path::PathBuf;

use regcarve_test_support::digest::Descriptor;
use regcarve_test_support::faults;
use regcarve_test_support::media;
use regcarve_test_support::storage::index_json;

use crate::world::{BAD, LAYER, World};
use crate::{Case, damaged};

pub(crate) fn cases() -> Vec<Case> {
    type Fault = (
        &'static str,
        &'static [&'static str],
        fn(&mut World) -> PathBuf,
    );
    const GONE: &[&str] = &[
        "missing",
        "not found",
        "No such file",
        "no such file",
        "does not exist",
    ];
    let faults: [Fault; 9] = [
        ("layer is gone", GONE, |world| {
            gone(world.storage.blob_path(&world.layer.digest))
        }),
        ("layer is short", &["size", "bytes", "short"], |world| {
            let path = world.storage.blob_path(&world.layer.digest);
            faults::truncate(&path, 5);
            path
        }),
        ("layer is long", &["size", "bytes", "long"], |world| {
            let path = world.storage.blob_path(&world.layer.digest);
            faults::rewrite(&path, [LAYER, b"more"].concat());
            path
        }),
        ("configuration is gone", GONE, |world| {
            gone(world.storage.blob_path(&world.config.digest))
        }),
        ("layer link is gone", GONE, |world| gone(world.layer_link())),
        ("revision link is gone", GONE, |world| {
            gone(world.revision())
        }),
        ("manifest is gone", GONE, |world| {
            gone(world.storage.blob_path(&world.top))
        }),
        (
            "manifest has other bytes",
            &["match", "hash", "digest"],
            |world| {
                let path = world.storage.blob_path(&world.top);
                faults::flip(&path);
                path
            },
        ),
        ("child of an index is gone", GONE, |world| {
            let child = Descriptor::of(b"{}").typed(media::OCI_MANIFEST);
            let bytes = index_json(std::slice::from_ref(&child)).to_string();
            world.replace_top(bytes.as_bytes());
            world.storage.revision_link_path(BAD, &child.digest)
        }),
    ];
    let mut all = Vec::new();
    for (name, causes, fault) in faults {
        // The digest is what a reader looks for; by which of its paths is up to the message.
        all.push(damaged(name, causes, |world| {
            let path = fault(world);
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
