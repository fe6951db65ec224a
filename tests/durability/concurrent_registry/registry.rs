//! A registry changes its storage while it serves: pushes, moves of tags, and garbage collection.
//!
//! Files are written in the order and in the way of distribution: a blob is uploaded and renamed; layer link,
//! manifest, revision link, the tag's history, the tag. What differs is how a file is written that may be there already.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use regcarve_test_support::digest::Digest;
use regcarve_test_support::package::Package;
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tree::walk;

/// How links and manifests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Distribution 2.8: opened, truncated, written. A reader may find the file empty.
    InPlace,
    /// Distribution 3.1: written under another name beside it, which is then renamed.
    Renames,
}

/// The images that the collector deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collects {
    /// Images that are not selected.
    Strangers,
    /// Images that no tag names now, also those that a run that is going on found under a tag.
    Untagged,
}

/// So many images take turns under a tag.
const VERSIONS: usize = 6;
/// Every so many moves the file stays empty long enough to be seen.
const SLOW_EVERY: u32 = 40;
const SLOW: Duration = Duration::from_millis(8);
/// More than a thousand moves a second.
const BURST: u32 = 5;
const PAUSE: Duration = Duration::from_millis(2);

/// A tag that moves, or stays if it has one version.
pub(crate) struct Tag {
    pub(crate) repository: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) versions: Vec<Package>,
}

/// The current and all earlier values of the tags.
#[derive(Default)]
struct State {
    current: BTreeMap<String, usize>,
    written: BTreeMap<String, BTreeSet<Digest>>,
}

pub(crate) struct Live {
    storage: Storage,
    style: Style,
    collects: Collects,
    tags: Vec<Tag>,
    /// A collector needs a registry that takes no pushes.
    state: Mutex<State>,
    moves: AtomicUsize,
    deleted: AtomicUsize,
}

/// All tags that are selected.
pub(crate) fn tags() -> Vec<Tag> {
    let base = shapes::layer("base of all");
    let image = |name: String| {
        let layers = [base.clone(), shapes::layer(&name)];
        shapes::image_of(Flavour::Docker, &name, "linux/amd64", &layers)
    };
    let index = |name: String| shapes::multi(Flavour::Oci, &name, &["linux/amd64", "linux/arm64"]);
    let moving = |repository, tag, make: &dyn Fn(String) -> Package| Tag {
        repository,
        tag,
        versions: (0..VERSIONS)
            .map(|version| make(format!("{repository} {tag} {version}")))
            .collect(),
    };
    let stable = image("stable".into());
    vec![
        moving("live/app", "v1", &index),
        moving("live/app", "latest", &index),
        moving("live/tool", "v1", &image),
        moving("live/tool", "latest", &image),
        Tag {
            repository: "live/base",
            tag: "v1",
            versions: vec![stable],
        },
    ]
}

impl Live {
    pub(crate) fn start(root: PathBuf, style: Style, collects: Collects) -> Self {
        let live = Self {
            storage: Storage::create(root),
            style,
            collects,
            tags: tags(),
            state: Mutex::default(),
            moves: AtomicUsize::new(0),
            deleted: AtomicUsize::new(0),
        };
        for tag in &live.tags {
            // As a registry that has been in service for long: all versions were pushed once.
            for version in (0..tag.versions.len()).rev() {
                live.move_tag(tag, version, false);
            }
        }
        live
    }

    pub(crate) fn root(&self) -> &Path {
        self.storage.root()
    }

    pub(crate) fn references(&self) -> Vec<String> {
        self.tags.iter().map(Tag::name).collect()
    }

    pub(crate) fn tag_path(&self, reference: &str) -> PathBuf {
        let (repository, tag) = reference.split_once(':').expect("a name with a tag");
        self.storage.tag_path(repository, tag)
    }

    /// Tells whether a tag ever had this value.
    pub(crate) fn was_written(&self, reference: &str, digest: &Digest) -> bool {
        let state = self.state();
        state
            .written
            .get(reference)
            .is_some_and(|all| all.contains(digest))
    }

    /// Tags moved, blobs deleted.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (
            self.moves.load(Ordering::Relaxed),
            self.deleted.load(Ordering::Relaxed),
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread of the test panics with it")
    }

    /// Moves tags, and pushes images that are not selected.
    pub(crate) fn write_until(&self, stop: &AtomicBool) {
        let mut rng = Rng::with_seed(1);
        let mut number = 0_u32;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let tag = &self.tags[rng.usize(..self.tags.len())];
            let version = rng.usize(..tag.versions.len());
            self.move_tag(tag, version, number.is_multiple_of(SLOW_EVERY));
            if number.is_multiple_of(64) {
                let _state = self.state();
                let junk = shapes::image(Flavour::Oci, &format!("junk {}", number % 400));
                self.push("live/junk", &junk);
            }
            if number.is_multiple_of(BURST) {
                thread::sleep(PAUSE);
            }
        }
    }

    fn move_tag(&self, tag: &Tag, version: usize, slow: bool) {
        let package = &tag.versions[version];
        let digest = package.digest();
        let mut state = self.state();
        // A client that moves a tag to an image that is there sends its manifest only.
        if self.has(package) {
            let revision = self.storage.revision_link_path(tag.repository, digest);
            self.put_link(&revision, digest);
        } else {
            self.push(tag.repository, package);
        }
        // Before it is there, so that no run finds it earlier than it is known.
        state
            .written
            .entry(tag.name())
            .or_default()
            .insert(digest.clone());
        state.current.insert(tag.name(), version);
        let history = self.storage.tag_index_path(tag.repository, tag.tag, digest);
        self.put(&history, digest.as_str().as_bytes(), false);
        let current = self.storage.tag_path(tag.repository, tag.tag);
        self.put(&current, digest.as_str().as_bytes(), slow);
        self.moves.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether all of an image is there. The collector deletes nothing while its state is held.
    fn has(&self, package: &Package) -> bool {
        let is_there = |digest: &Digest| self.storage.blob_path(digest).exists();
        is_there(package.digest())
            && package
                .pieces
                .iter()
                .all(|piece| is_there(&piece.descriptor.digest))
            && package.children.iter().all(|child| self.has(child))
    }

    fn push(&self, repository: &str, package: &Package) {
        self.storage.repository(repository);
        for piece in &package.pieces {
            let digest = &piece.descriptor.digest;
            self.upload(repository, digest, piece.bytes.as_deref().expect("content"));
            self.put_link(&self.storage.layer_link_path(repository, digest), digest);
        }
        for child in &package.children {
            self.push(repository, child);
        }
        let path = self.storage.blob_path(package.digest());
        // A manifest that is there is not written again.
        if !path.exists() {
            self.put(&path, &package.bytes, false);
        }
        self.put_link(
            &self
                .storage
                .revision_link_path(repository, package.digest()),
            package.digest(),
        );
    }

    fn upload(&self, repository: &str, digest: &Digest, bytes: &[u8]) {
        let path = self.storage.blob_path(digest);
        if path.exists() {
            return;
        }
        let upload = self
            .storage
            .repository_path(repository)
            .join("_uploads/0000/data");
        make_folder(&upload);
        fs::write(&upload, bytes).expect("upload");
        make_folder(&path);
        fs::rename(&upload, &path).expect("move an upload");
    }

    fn put_link(&self, path: &Path, digest: &Digest) {
        self.put(path, digest.as_str().as_bytes(), false);
    }

    fn put(&self, path: &Path, bytes: &[u8], slow: bool) {
        make_folder(path);
        let pause = || {
            if slow {
                thread::sleep(SLOW);
            }
        };
        match self.style {
            Style::InPlace => {
                let mut file = OpenOptions::new()
                    .write(true)
                    .create(true)
                    .truncate(false)
                    .open(path)
                    .expect("open");
                file.set_len(0).expect("truncate");
                pause();
                file.write_all(bytes).expect("write");
            }
            Style::Renames => {
                let name = path.file_name().expect("a file").to_string_lossy();
                let beside = path.with_file_name(format!("{name}.4c0ffee0.tmp"));
                fs::write(&beside, &bytes[..bytes.len() / 2]).expect("write");
                pause();
                fs::write(&beside, bytes).expect("write");
                fs::rename(&beside, path).expect("rename");
            }
        }
    }

    /// Deletes blobs that are not needed, as often as a machine can.
    pub(crate) fn collect_until(&self, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            self.collect();
            thread::sleep(Duration::from_millis(3));
        }
    }

    fn collect(&self) {
        let state = self.state();
        let mut kept = BTreeSet::new();
        for tag in &self.tags {
            let now = state.current[&tag.name()];
            for (version, package) in tag.versions.iter().enumerate() {
                if version == now || self.collects == Collects::Strangers {
                    kept.extend(
                        package
                            .manifests()
                            .iter()
                            .map(|one| one.digest().hex().to_owned()),
                    );
                    kept.extend(
                        package
                            .contents()
                            .iter()
                            .map(|one| one.descriptor.digest.hex().to_owned()),
                    );
                }
            }
        }
        let blobs = self.storage.base().join("blobs/sha256");
        for (name, _) in walk(&blobs)
            .iter()
            .filter(|(name, _)| name.ends_with("data"))
        {
            let folder = name.parent().expect("a blob has a folder");
            let hex = folder.file_name().expect("of its digest").to_string_lossy();
            if !kept.contains(hex.as_ref()) {
                fs::remove_dir_all(blobs.join(folder)).expect("delete a blob");
                self.deleted.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Tag {
    pub(crate) fn name(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }
}

fn make_folder(path: &Path) {
    fs::create_dir_all(path.parent().expect("a file has a folder")).expect("make a folder");
}
