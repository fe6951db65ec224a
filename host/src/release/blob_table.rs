//! All content of a run.
//!
//! A digest may be in several files, one for each image that has it in a format without shared content, and one of
//! them may be whole while another is damaged or absent. So content is known by digest *and* path until it is clear which
//! images stay; then [`BlobTable::unify`] leaves each digest one file.

use std::hash::BuildHasher as _;
use std::os::fd::OwnedFd;

use foldhash::fast;
use hashbrown::HashTable;
use regcarve_types::Digest;

use super::image::{BlobId, ClosureEntry};
use crate::fs::FileKey;
use crate::hash_map::HashMap;

/// What was found where content should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobState {
    /// A plain file of that many bytes.
    File(u64),
    /// Nothing.
    Absent,
    /// Something that cannot be it.
    Damaged(String),
    /// The system would not say.
    Unreadable(String),
    /// Not in the source: a policy made it.
    Made(Vec<u8>),
}

/// A piece of content.
#[derive(Debug)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// The file in the source.
    pub path: Box<str>,
    /// What is there.
    pub presence: BlobState,
    /// Whether the host itself has hashed it in this run.
    pub verified: bool,
    /// The file itself, opened when it was looked at: what is linked later is what was looked at. Only for
    /// as many as the process may have open.
    pub handle: Option<OwnedFd>,
    /// The same for all that was looked at: what is opened again must be that file.
    pub file: Option<FileKey>,
}

impl Blob {
    /// Its size in bytes, if it is there.
    pub fn size(&self) -> Option<u64> {
        match &self.presence {
            BlobState::File(size) => Some(*size),
            BlobState::Made(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }
}

/// The table of all content that any image of the run needs.
#[derive(Debug, Default)]
pub struct BlobTable {
    all: Vec<Blob>,
    /// For each digest a content that has it. The digest itself is there and not here: a map of half a million would
    /// hold them all twice.
    by_digest: HashTable<BlobId>,
    key: fast::RandomState,
    /// Blob whose digest is known in another file already; by digest and path, which are not here either.
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

    /// The id of a digest in this very file.
    pub fn find_at(&self, digest: &Digest, path: &str) -> Option<BlobId> {
        let first = self.find(digest)?;
        if *self.get(first).path == *path {
            return Some(first);
        }
        let is_it = |id: &BlobId| {
            let content = self.get(*id);
            content.digest == *digest && *content.path == *path
        };
        let hash = self.key.hash_one((digest, path));
        self.elsewhere.find(hash, is_it).copied()
    }

    /// Adds content that is not known yet. The caller has made sure of that.
    pub fn add(&mut self, content: Blob) -> BlobId {
        // A run is limited to far fewer by memory.
        let id = BlobId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let is_known = self.find(&content.digest).is_some();
        self.all.push(content);
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

    /// Leaves each digest one file: the first of those that these images use, which are all known to be there.
    ///
    /// # Errors
    ///
    /// Two files of different sizes that both should hold the same.
    pub fn unify<'i>(
        &mut self,
        images: impl Iterator<Item = &'i mut ClosureEntry>,
    ) -> Result<(), (BlobId, BlobId)> {
        if self.elsewhere.is_empty() {
            return Ok(());
        }
        let mut chosen: HashMap<Digest, BlobId> = HashMap::default();
        for item in images {
            let content = self.get(item.content);
            let Some(size) = content.size() else { continue };
            let first = *chosen.entry(content.digest).or_insert(item.content);
            if self.get(first).size() != Some(size) {
                return Err((first, item.content));
            }
            item.content = first;
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

    /// The content with that id, which this table gave.
    pub fn get(&self, id: BlobId) -> &Blob {
        &self.all[id.0 as usize]
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, id: BlobId) -> &mut Blob {
        &mut self.all[id.0 as usize]
    }

    /// All of it, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = &Blob> {
        self.all.iter()
    }

    /// The ids of all of it.
    pub fn ids(&self) -> impl Iterator<Item = BlobId> + use<> {
        // EntryKind are no more than ids, see `add`.
        (0..u32::try_from(self.all.len()).unwrap_or(u32::MAX)).map(BlobId)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}
