//! The table of all blobs of a run.
//!
//! A digest may be in several files, one for each image that has it in a format without shared blobs, and one of
//! them may be whole while another is damaged or absent. So blobs are known by digest *and* path until it is clear which
//! images stay; then [`BlobTable::unify`] leaves each digest one file.

use std::hash::BuildHasher as _;

use foldhash::fast;
use hashbrown::HashTable;
use regcarve_types::Digest;

use super::image::{BlobId, ClosureEntry};
use crate::fs::FileKey;
use crate::hash_map::HashMap;

/// The state of a blob: what was found at its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobState {
    /// A plain file of that many bytes.
    File(u64),
    /// No file.
    Absent,
    /// No plain file, or one whose bytes have another digest.
    Damaged(String),
    /// A file that the system refuses to read.
    Unreadable(String),
    /// Not in the source: a policy made it.
    Made(Vec<u8>),
}

/// A blob: a manifest, a config or a layer.
#[derive(Debug)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// The file in the source.
    pub path: Box<str>,
    /// Its state.
    pub state: BlobState,
    /// True once the host itself has hashed it in this run.
    pub verified: bool,
    /// The identity of the file: a file that is opened again must be the one that was checked.
    pub file: Option<FileKey>,
}

impl Blob {
    /// A blob whose file has not been looked at yet.
    pub fn unseen(digest: Digest, path: &str) -> Self {
        Self {
            digest,
            path: path.into(),
            state: BlobState::Absent,
            verified: false,
            file: None,
        }
    }

    /// Its size in bytes, if there is a file.
    pub fn size(&self) -> Option<u64> {
        match &self.state {
            BlobState::File(size) => Some(*size),
            BlobState::Made(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }
}

/// The table of all blobs that any image of the run needs.
#[derive(Debug, Default)]
pub struct BlobTable {
    all: Vec<Blob>,
    /// A blob for each digest. The digest itself is in `all`: a map of half a million would hold them all twice.
    by_digest: HashTable<BlobId>,
    key: fast::RandomState,
    /// Blobs whose digest is in another file already; by digest and path, which are in `all`, too.
    elsewhere: HashTable<BlobId>,
}

impl BlobTable {
    /// The file of a digest: after [`Self::unify`] the one that all images use, before it the first that was found.
    pub fn find(&self, digest: &Digest) -> Option<BlobId> {
        let is_it = |id: &BlobId| self.get(*id).digest == *digest;
        self.by_digest
            .find(self.key.hash_one(digest), is_it)
            .copied()
    }

    /// The blob with this digest in this very file.
    pub fn find_at(&self, digest: &Digest, path: &str) -> Option<BlobId> {
        let first = self.find(digest)?;
        if *self.get(first).path == *path {
            return Some(first);
        }
        let is_it = |id: &BlobId| {
            let blob = self.get(*id);
            blob.digest == *digest && *blob.path == *path
        };
        let hash = self.key.hash_one((digest, path));
        self.elsewhere.find(hash, is_it).copied()
    }

    /// Adds a blob that is not in the table yet. The caller has made sure of that.
    pub fn add(&mut self, blob: Blob) -> BlobId {
        // A run is limited to far fewer by memory.
        let id = BlobId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let is_known = self.find(&blob.digest).is_some();
        self.all.push(blob);
        let of = |id: &BlobId| &self.all[id.0 as usize];
        let digest = |id: &BlobId| self.key.hash_one(of(id).digest);
        let digest_and_path = |id: &BlobId| self.key.hash_one((of(id).digest, &*of(id).path));
        if is_known {
            let hash = digest_and_path(&id);
            self.elsewhere.insert_unique(hash, id, digest_and_path);
        } else {
            self.by_digest.insert_unique(digest(&id), id, digest);
        }
        id
    }

    /// Leaves each digest one file: the first of those that these images use, which all exist.
    ///
    /// # Errors
    ///
    /// Two files of different sizes for one digest.
    pub fn unify<'i>(
        &mut self,
        entries: impl Iterator<Item = &'i mut ClosureEntry>,
    ) -> Result<(), (BlobId, BlobId)> {
        if self.elsewhere.is_empty() {
            return Ok(());
        }
        let mut chosen: HashMap<Digest, BlobId> = HashMap::default();
        for entry in entries {
            let blob = self.get(entry.blob);
            let Some(size) = blob.size() else { continue };
            let first = *chosen.entry(blob.digest).or_insert(entry.blob);
            if self.get(first).size() != Some(size) {
                return Err((first, entry.blob));
            }
            entry.blob = first;
        }
        for (digest, id) in chosen {
            let (all, hash) = (&self.all, self.key.hash_one(digest));
            let is_it = |known: &BlobId| all[known.0 as usize].digest == digest;
            if let Some(known) = self.by_digest.find_mut(hash, is_it) {
                *known = id;
            }
        }
        Ok(())
    }

    /// The blob with an id of this table.
    pub fn get(&self, id: BlobId) -> &Blob {
        &self.all[id.0 as usize]
    }

    /// The blob with an id of this table, to change it.
    pub fn get_mut(&mut self, id: BlobId) -> &mut Blob {
        &mut self.all[id.0 as usize]
    }

    /// All blobs, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Blob> {
        self.all.iter()
    }

    /// The ids of all blobs.
    pub fn ids(&self) -> impl Iterator<Item = BlobId> + use<> {
        // There are no more than ids, see `add`.
        (0..u32::try_from(self.all.len()).unwrap_or(u32::MAX)).map(BlobId)
    }

    /// The number of blobs.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// True if there are no blobs.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
