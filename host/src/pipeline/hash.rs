//! Hashing blobs, as fast as the machine hashes.
//!
//! ```text
//!  blobs ──largest first──▶ queue ──▶ worker: open, read, hash ──▶ damaged
//!                                ╲──▶ worker …
//! ```
//!
//! Each blob is hashed once, however many images share it, and however many names a file has. The largest come first,
//! so that no worker is left alone with a large one at the end.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use regcarve_types::Digest;

use super::session::Session;
use super::workers::{self, Jobs, Worker as PoolWorker};
use crate::error::Error;
use crate::fs::{OsError, ReadError, SourceTree, TreePath};
use crate::hash;
use crate::progress::Progress;
use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::BlobId;
use crate::release::image::ClosureEntry;
use crate::release::plan::{Plan, PlannedImage};
use crate::release::problem::{Problem, Severity};
use crate::signals;
use crate::sync;

/// The number of images that a problem of a shared blob names; the others are counted.
const NAMED: usize = 3;

/// The result of hashing.
#[derive(Debug, Default)]
pub struct Hashed {
    /// The bytes that were hashed.
    pub bytes: u64,
    /// The blobs whose files are damaged or unreadable, sorted by id.
    pub wrong: Vec<(BlobId, Severity, String)>,
}

/// Hashes all blobs that a plan will link. Fails with a problem for each that is wrong, which names the images that need it.
pub fn check_plan(session: &Session, plan: &Plan, jobs: Jobs) -> Result<(), Error> {
    let ids = |image: &PlannedImage| blobs_of(image.entries()).collect::<Vec<_>>();
    let all = plan.images.iter().flat_map(ids);
    let hashed = hash(session, &plan.blobs, all, jobs)?;
    let users = plan.images.iter().map(|image| {
        let ids = blobs_of(image.entries());
        (ids, || image.reference())
    });
    let problems = problems(&hashed, &plan.blobs, users);
    if problems.is_empty() {
        return Ok(());
    }
    session.progress.done();
    Err(Error::Problems(problems))
}

/// The blobs of a closure.
pub fn blobs_of(entries: &[ClosureEntry]) -> impl Iterator<Item = BlobId> {
    entries.iter().map(|entry| entry.blob)
}

/// Hashes these blobs, except those that the host has hashed in this run, and those that are no files: these have a problem
/// already.
pub fn hash(
    session: &Session,
    blobs: &BlobTable,
    ids: impl IntoIterator<Item = BlobId>,
    jobs: Jobs,
) -> Result<Hashed, Error> {
    let ids: HashSet<BlobId> = ids.into_iter().collect();
    let unverified = |id: BlobId| {
        let blob = blobs.get(id);
        match blob.state {
            BlobState::File(size) if !blob.verified => Some((size, id)),
            _ => None,
        }
    };
    let mut queue: Vec<(u64, BlobId)> = ids.into_iter().filter_map(unverified).collect();
    queue.sort_unstable_by(|a, b| b.cmp(a));
    let bytes = queue.iter().map(|(size, _)| size).sum();
    session.progress.bytes("hashing", bytes);
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let known = Known::default();
    let work = |_: &PoolWorker<'_>| -> Result<(), Error> {
        let mut worker = Worker {
            source: session.source.for_worker(),
            known: &known,
            buffer: vec![0; hash::PIECE],
            progress: &session.progress,
        };
        while let Some((_, id)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
            signals::check()?;
            if let Some((severity, cause)) = worker.check(blobs.get(*id)) {
                sync::lock(&wrong).push((*id, severity, cause));
            }
        }
        Ok(())
    };
    // Large files are read as fast as the disk gives them.
    workers::run(jobs.fixed().for_pieces(queue.len()), work, work)?;
    let mut wrong = sync::into_inner(wrong);
    wrong.sort_unstable_by_key(|(id, _, _)| *id);
    Ok(Hashed { bytes, wrong })
}

/// The severity and cause of a problem with a file, if it has one.
type Verdict = Option<(Severity, String)>;

/// Verdicts on files that have been hashed, by device, inode and expected digest.
type Known = Mutex<HashMap<(u64, u64, Digest), Verdict>>;

struct Worker<'a> {
    source: SourceTree,
    known: &'a Known,
    buffer: Vec<u8>,
    progress: &'a Progress,
}

impl Worker<'_> {
    /// Hashes one file, unless that was done under another name.
    fn check(&mut self, blob: &Blob) -> Verdict {
        let damaged = |cause: String| Some((Severity::Damaged, cause));
        let opened = TreePath::parse(&blob.path)
            .map_err(|error| ReadError::Damaged(error.to_string()))
            .and_then(|path| self.source.open_for_reading(path))
            // The file that is linked later is the one that was looked at first.
            .and_then(|(file, looked)| looked.expect(blob.file).map(|()| (file, looked.size)));
        let (file, size) = match opened {
            Ok(opened) => opened,
            Err(ReadError::OsError(error)) => {
                return Some((Severity::Unreadable, error.to_string()));
            }
            Err(error) => return damaged(error.to_string()),
        };
        let Ok(stat) = rustix::fs::fstat(&file) else {
            return self.hash(blob, file);
        };
        let key = (stat.st_dev, stat.st_ino, blob.digest);
        let before = sync::lock(self.known).get(&key).cloned();
        if let Some(verdict) = before {
            self.progress.advance(size);
            return verdict;
        }
        let verdict = self.hash(blob, file);
        sync::lock(self.known).insert(key, verdict.clone());
        verdict
    }

    fn hash(&mut self, blob: &Blob, file: std::fs::File) -> Verdict {
        // Only advice; where it is not taken, reading is slower.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let algorithm = blob.digest.algorithm();
        let progress = self.progress;
        let advance = |bytes| progress.advance(bytes);
        match hash::digest_of(algorithm, file, &mut self.buffer, advance) {
            Ok(digest) if digest == blob.digest => None,
            Ok(digest) => {
                let cause = format!("its content has the digest {digest}, not {}", blob.digest);
                Some((Severity::Damaged, cause))
            }
            Err(error) => {
                let error = OsError::from_io("read", &*blob.path, &error);
                Some((Severity::Unreadable, error.to_string()))
            }
        }
    }
}

/// A problem for each blob that is wrong, with some of the images that need it.
pub fn problems<I: Iterator<Item = BlobId>>(
    hashed: &Hashed,
    blobs: &BlobTable,
    images: impl Iterator<Item = (I, impl Fn() -> String)>,
) -> Vec<Problem> {
    if hashed.wrong.is_empty() {
        return Vec::new();
    }
    let wrong = hashed.wrong.iter();
    let mut users: HashMap<BlobId, Vec<String>> =
        wrong.map(|(id, _, _)| (*id, Vec::new())).collect();
    for (ids, name) in images {
        for id in ids {
            if let Some(users) = users.get_mut(&id) {
                users.push(name());
            }
        }
    }
    let problem = |(id, severity, cause): &(BlobId, Severity, String)| {
        Problem::new(*severity, some_of(&users[id]), cause).at(&*blobs.get(*id).path)
    };
    hashed.wrong.iter().map(problem).collect()
}

/// Some names, and the number of the others.
pub fn some_of(names: &[String]) -> String {
    match names.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..NAMED].join(", ")),
    }
}
