//! Hashing all content, as fast as the machine hashes.
//!
//! ```text
//!  content ──largest first──▶ queue ──▶ worker: open, read, hash ──▶ damaged
//!                                  ╲──▶ worker …
//! ```
//!
//! Each content is hashed once, however many images share it, and however many names a file has. The largest come first,
//! so that no worker is left alone with a large one at the end.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use regcarve_types::Digest;

use super::workers::{self, Jobs, Worker as PoolWorker};
use crate::error::Error;
use crate::fs::{OsError, ReadError, SourceTree, TreePath};
use crate::hash;
use crate::progress::Progress;
use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::BlobId;
use crate::release::plan::Plan;
use crate::release::problem::{Problem, Severity};

/// So many images are named with content that they share; the others are counted.
const NAMED: usize = 3;

/// What hashing gave.
#[derive(Debug, Default)]
pub struct Hashed {
    /// Files hashed.
    pub files: usize,
    /// Bytes in them.
    pub bytes: u64,
    /// What is not what it should be, sorted by id.
    pub wrong: Vec<(BlobId, Severity, String)>,
}

/// Hashes content that the host has not hashed yet in this run. What is no file is left out: it is known to be
/// wrong already.
pub fn hash_all(
    contents: &BlobTable,
    wanted: impl Iterator<Item = BlobId>,
    source: &SourceTree,
    jobs: Jobs,
    progress: &Progress,
) -> Result<Hashed, Error> {
    let mut queue: Vec<(u64, BlobId)> = wanted
        .collect::<HashSet<_>>()
        .into_iter()
        .filter_map(|id| {
            let content = contents.get(id);
            match content.presence {
                BlobState::File(size) if !content.verified => Some((size, id)),
                _ => None,
            }
        })
        .collect();
    queue.sort_unstable_by(|a, b| b.cmp(a));
    let bytes = queue.iter().map(|(size, _)| size).sum();
    progress.bytes("hashing", bytes);
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let known = Known::default();
    let work = |_: &PoolWorker<'_>| -> Result<(), Error> {
        let mut worker = Worker {
            source: source.for_worker(),
            known: &known,
            buffer: vec![0; hash::PIECE],
            progress,
        };
        while let Some((_, id)) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
            crate::signals::check()?;
            if let Some((severity, cause)) = worker.look(contents.get(*id)) {
                lock(&wrong).push((*id, severity, cause));
            }
        }
        Ok(())
    };
    // Large files are read as fast as the disk gives them.
    workers::share(jobs.fixed().for_pieces(queue.len()), work, work)?;
    let mut wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    wrong.sort_unstable_by_key(|(id, _, _)| *id);
    Ok(Hashed {
        files: queue.len(),
        bytes,
        wrong,
    })
}

/// What is wrong with a file, if anything is.
type Verdict = Option<(Severity, String)>;

/// Files that have been hashed: device, inode and what each should hold.
type Known = Mutex<HashMap<(u64, u64, Digest), Verdict>>;

struct Worker<'a> {
    source: SourceTree,
    known: &'a Known,
    buffer: Vec<u8>,
    progress: &'a Progress,
}

impl Worker<'_> {
    /// Hashes one file, unless that was done under another name.
    fn look(&mut self, content: &Blob) -> Verdict {
        let damaged = |cause: String| Some((Severity::Damaged, cause));
        let opened = TreePath::parse(&content.path)
            .map_err(|error| ReadError::Damaged(error.to_string()))
            .and_then(|path| self.source.open_for_reading(path))
            // What is linked later is the file that was looked at first.
            .and_then(|(file, looked)| looked.expect(content.file).map(|()| (file, looked.size)));
        let (file, size) = match opened {
            Ok(opened) => opened,
            Err(ReadError::OsError(fault)) => {
                return Some((Severity::Unreadable, fault.to_string()));
            }
            Err(error) => return damaged(error.to_string()),
        };
        let Ok(stat) = rustix::fs::fstat(&file) else {
            return self.hash(content, file);
        };
        let key = (stat.st_dev, stat.st_ino, content.digest);
        let before = lock(self.known).get(&key).cloned();
        if let Some(verdict) = before {
            self.progress.advance(size);
            return verdict;
        }
        let verdict = self.hash(content, file);
        lock(self.known).insert(key, verdict.clone());
        verdict
    }

    fn hash(&mut self, content: &Blob, file: std::fs::File) -> Verdict {
        // Only advice; where it is not taken, reading is slower.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::Sequential);
        let algorithm = content.digest.algorithm();
        let progress = self.progress;
        let advance = |bytes| progress.advance(bytes);
        match hash::digest_of(algorithm, file, &mut self.buffer, advance) {
            Ok(digest) if digest == content.digest => None,
            Ok(digest) => {
                let cause = format!(
                    "its content has the digest {digest}, not {}",
                    content.digest
                );
                Some((Severity::Damaged, cause))
            }
            Err(error) => {
                let fault = OsError::from_io("read", content.path.to_string(), &error);
                Some((Severity::Unreadable, fault.to_string()))
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes everything that a plan will link. What is wrong names the images that need it.
pub fn hash_plan(
    plan: &Plan,
    source: &SourceTree,
    jobs: Jobs,
    progress: &Progress,
) -> Result<Vec<Problem>, Error> {
    let items = || plan.images.iter().flat_map(|image| &image.items);
    let ids = items().map(|item| item.content);
    let hashed = hash_all(&plan.contents, ids, source, jobs, progress)?;
    let users = plan.images.iter().map(|image| {
        let ids = image.items.iter().map(|item| item.content);
        (ids, || image.reference())
    });
    Ok(problems(&hashed, &plan.contents, users))
}

/// A problem for each content that is wrong, with some of the images that need it.
pub fn problems<I: Iterator<Item = BlobId>>(
    hashed: &Hashed,
    contents: &BlobTable,
    images: impl Iterator<Item = (I, impl Fn() -> String)>,
) -> Vec<Problem> {
    if hashed.wrong.is_empty() {
        return Vec::new();
    }
    let mut users: HashMap<BlobId, Vec<String>> = hashed
        .wrong
        .iter()
        .map(|(id, _, _)| (*id, Vec::new()))
        .collect();
    for (ids, name) in images {
        for id in ids {
            if let Some(users) = users.get_mut(&id) {
                users.push(name());
            }
        }
    }
    let wrong = hashed.wrong.iter().map(|(id, severity, cause)| Problem {
        severity: *severity,
        reference: some_of(&users[id]),
        origin: None,
        path: Some(contents.get(*id).path.to_string()),
        cause: cause.clone(),
        hint: None,
    });
    wrong.collect()
}

/// Some names, and how many more there are.
pub fn some_of(names: &[String]) -> String {
    match names.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..NAMED].join(", ")),
    }
}

/// The same thing wrong for several images is one problem.
pub fn merge(problems: Vec<Problem>) -> Vec<Problem> {
    type Key = (Option<String>, String);
    let mut order: Vec<(Problem, Vec<String>)> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    for problem in problems {
        let key = (problem.path.clone(), problem.cause.clone());
        let name = problem.reference.clone();
        let position = problem.path.is_some().then(|| known.get(&key)).flatten();
        match position {
            Some(position) => {
                let names = &mut order[*position].1;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            None => {
                known.insert(key, order.len());
                order.push((problem, vec![name]));
            }
        }
    }
    let mut merged: Vec<_> = order
        .into_iter()
        .map(|(problem, names)| Problem {
            reference: some_of(&names),
            ..problem
        })
        .collect();
    merged.sort_by(|a, b| (&a.path, &a.reference).cmp(&(&b.path, &b.reference)));
    merged
}
