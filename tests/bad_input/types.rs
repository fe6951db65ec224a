//! Names in the storage that are no file or no folder.

use std::path::{Path, PathBuf};

use regcarve_test_support::faults;

use crate::world::{BAD, World};
use crate::{Case, below, damaged};

pub(crate) fn cases() -> Vec<Case> {
    const SYMLINK: &[&str] = &["symlink", "symbolic link"];
    type Place = (&'static str, fn(&World) -> PathBuf);
    let places: [Place; 10] = [
        ("tag link", World::tag),
        ("revision link", World::revision),
        ("layer link", World::layer_link),
        ("manifest", |world| world.storage.blob_path(&world.top)),
        ("layer", |world| {
            world.storage.blob_path(&world.layer.digest)
        }),
        ("folder of a layer", |world| {
            folder_of(&world.storage.blob_path(&world.layer.digest))
        }),
        ("folder of a tag", |world| {
            folder_of(&folder_of(&world.tag()))
        }),
        ("repository", |world| world.storage.repository_path(BAD)),
        ("folder of repositories", |world| {
            folder_of(&world.storage.repository_path("team"))
        }),
        ("folder of blobs", |world| {
            world.storage.base().join("blobs")
        }),
    ];
    let mut all = Vec::new();
    for (what, path) in places {
        all.push(damaged(
            format!("symlink in place of {what}"),
            SYMLINK,
            |world| {
                let path = path(world);
                faults::symlink_in_place(&path, &world.aside());
                if path.ends_with("link") || path.ends_with("data") {
                    return below(&path);
                }
                // Of a folder the message may name any path that leads through it.
                path.file_name().unwrap().to_str().unwrap().to_owned()
            },
        ));
    }
    type Kind = (&'static str, fn(&Path));
    let kinds: [Kind; 2] = [
        ("FIFO", faults::fifo_in_place),
        ("folder", faults::folder_in_place),
    ];
    for (what, path) in &places[..5] {
        for (kind, put) in kinds {
            let causes: &[&str] = &["file", "type"];
            all.push(damaged(
                format!("{kind} in place of {what}"),
                causes,
                |world| {
                    let path = path(world);
                    put(&path);
                    below(&path)
                },
            ));
        }
    }
    all
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().expect("it is in a folder").to_owned()
}
