//! Tells whether a carved storage is whole, without the program that carved it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regcarve_test_support::digest::Digest;
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tree::walk;
use serde_json::Value;

/// Everything that is wrong with a storage that should hold exactly these images; `known` says whether a tag ever
/// had a value.
pub(crate) fn problems(
    root: &Path,
    references: &[String],
    known: impl Fn(&str, &Digest) -> bool,
) -> Vec<String> {
    let storage = Storage::at(root);
    let mut whole = Whole {
        storage: &storage,
        needed: BTreeSet::new(),
        problems: Vec::new(),
    };
    for reference in references {
        let (repository, tag) = reference.split_once(':').expect("a name with a tag");
        let Some(top) = whole.link(&storage.tag_path(repository, tag)) else {
            continue;
        };
        if !known(reference, &top) {
            whole.problems.push(format!("{reference} never was {top}"));
        }
        whole.expect_link(&storage.tag_index_path(repository, tag, &top), &top);
        whole.manifest(repository, &top);
    }
    for (name, meta) in walk(root) {
        if !meta.is_dir() && !whole.needed.contains(&root.join(&name)) {
            whole
                .problems
                .push(format!("{}: nothing needs it", name.display()));
        }
    }
    whole.problems
}

struct Whole<'a> {
    storage: &'a Storage,
    needed: BTreeSet<PathBuf>,
    problems: Vec<String>,
}

impl Whole<'_> {
    fn manifest(&mut self, repository: &str, digest: &Digest) {
        self.expect_link(&self.storage.revision_link_path(repository, digest), digest);
        let Some(bytes) = self.content(digest) else {
            return;
        };
        let value: Value =
            serde_json::from_slice(&bytes).expect("a manifest with its digest is JSON");
        let digest_of =
            |value: &Value| Digest::new(value["digest"].as_str().expect("a descriptor"));
        for child in value["manifests"].as_array().into_iter().flatten() {
            self.manifest(repository, &digest_of(child));
        }
        let layers = value["layers"].as_array().into_iter().flatten();
        for blob in value.get("config").into_iter().chain(layers) {
            let digest = digest_of(blob);
            self.expect_link(&self.storage.layer_link_path(repository, &digest), &digest);
            self.content(&digest);
        }
    }

    fn content(&mut self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.storage.blob_path(digest);
        let bytes = fs::read(&path);
        self.needed.insert(path);
        match bytes {
            Ok(bytes) if Digest::of(&bytes) == *digest => return Some(bytes),
            Ok(_) => self.problems.push(format!("{digest} has other bytes")),
            Err(error) => self.problems.push(format!("{digest}: {error}")),
        }
        None
    }

    fn expect_link(&mut self, path: &Path, digest: &Digest) {
        if self.link(path).is_some_and(|found| found != *digest) {
            self.problems
                .push(format!("{} does not name {digest}", path.display()));
        }
    }

    /// The digest in a link, which has to be a file of its own, of the right length.
    fn link(&mut self, path: &Path) -> Option<Digest> {
        self.needed.insert(path.to_owned());
        match (fs::read_to_string(path), fs::symlink_metadata(path)) {
            (Ok(text), Ok(meta)) if text.len() == 71 && meta.nlink() == 1 => {
                Some(Digest::new(text))
            }
            (text, _) => {
                self.problems.push(format!("{}: {text:?}", path.display()));
                None
            }
        }
    }
}
