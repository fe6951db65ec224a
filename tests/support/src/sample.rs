//! The small storage in `tests/data/storage`, written by a real registry.
//!
//! Seven images in three repositories: enough for a first run of the program, small enough for
//! git. `cargo run -p regcarve-test-support --bin make-data` writes it anew, with the same bytes
//! every time. What git would not keep, empty folders and given-up uploads, is removed: the
//! storage works without.

use std::fs;
use std::path::{Path, PathBuf};

use crate::package::Package;
use crate::registry::{Mode, Registry};
use crate::shapes::{self, Flavour, layer};

/// An image of the sample: repository, tag, content.
type Entry = (&'static str, String, Package);

/// Where the sample is kept.
pub fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize();
    let here = here.expect("the folder of this crate");
    here.parent().expect("it is in tests").join("data/storage")
}

/// All images of the sample.
pub fn entries() -> Vec<Entry> {
    let base = layer("alpine base");
    let alpine = |version| {
        let layers = [base.clone(), layer(version)];
        shapes::image_of(Flavour::Docker, version, "linux/amd64", &layers)
    };
    let app = shapes::buildkit("app v1", &["linux/amd64", "linux/arm64"]);
    let next_layers = [base.clone(), layer("app v2")];
    let next = shapes::image_of(Flavour::Oci, "app v2", "linux/amd64", &next_layers);
    let signature = shapes::attached_tag(&app, Some("sig"));
    vec![
        ("library/alpine", "3.6".to_owned(), alpine("alpine 3.6")),
        ("library/alpine", "3.7".to_owned(), alpine("alpine 3.7")),
        ("library/alpine", "latest".to_owned(), alpine("alpine 3.7")),
        ("team/app", "v1".to_owned(), app.clone()),
        ("team/app", signature, shapes::cosign("sig", &app)),
        ("team/app", "v2".to_owned(), next),
        ("charts/app", "0.1.0".to_owned(), shapes::chart("app")),
    ]
}

/// Lets a real registry write the sample into an empty folder.
pub fn write(root: &Path) {
    fs::create_dir_all(root).expect("folder of the sample");
    let registry = Registry::start(root, Mode::Writable);
    for (repository, tag, package) in entries() {
        if let Err(error) = package.push(&registry, repository, Some(&tag)) {
            panic!(
                "cannot push {repository}:{tag}: {error}\n{}",
                registry.log()
            );
        }
    }
    drop(registry);
    remove_empty(root);
}

/// Removes folders that hold no file at any depth; says whether this one was such.
fn remove_empty(folder: &Path) -> bool {
    let mut empty = true;
    for entry in fs::read_dir(folder).expect("list a folder") {
        let path = entry.expect("read a folder").path();
        empty &= path.is_dir() && remove_empty(&path);
    }
    if empty {
        fs::remove_dir(folder).expect("remove an empty folder");
    }
    empty
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::tools;
    use crate::tree::walk;

    /// Largest sample that belongs into git.
    const LIMIT: u64 = 200 << 10;

    #[test]
    fn the_sample_in_git_is_what_a_registry_writes_and_serves() {
        if !tools::require(&[registry::PROGRAM]) {
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let made = root.path().join("storage");
        write(&made);
        assert_eq!(files(&folder()), files(&made));

        let registry = Registry::start(&folder(), Mode::ReadOnly);
        for (repository, tag, package) in entries() {
            let served = registry.get_manifest(repository, &tag).unwrap();
            assert_eq!(served.digest, package.digest().as_str());
            for piece in package.contents() {
                registry
                    .get_blob(repository, &piece.descriptor.digest)
                    .unwrap();
            }
        }
    }

    #[test]
    fn the_sample_is_small() {
        let all = walk(&folder());
        let files = all.iter().filter(|(_, meta)| meta.is_file());
        let sum: u64 = files.map(|(_, meta)| meta.len()).sum();
        assert!(sum < LIMIT, "{sum} bytes");
    }

    fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        walk(root)
            .into_iter()
            .filter(|(_, meta)| meta.is_file())
            .map(|(name, _)| (name.clone(), fs::read(root.join(name)).unwrap()))
            .collect()
    }
}
