//! The interface `output`: making files below the root of a new storage.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::quality::RandomState;

use crate::error::OutputError;
use crate::fs::{MAX_FILE, OutputSink, Placed, SourceFile, SourceTree, TreePath, WriteError};
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::image::BlobId;
use crate::release::tally::Tally;
use crate::wasm::bindings::{output, types};
use crate::wasm::convert::digest_in;
use crate::wasm::state::{self, Capability, State, not_this_role};

/// The answer to a step on the output.
type Answer = state::Answer<()>;

impl State {
    fn step(&mut self, step: impl FnOnce(&mut OutputHost) -> Answer) -> Answer {
        self.host_call(|state| match &mut state.capability {
            Capability::Output(output) => step(output),
            _ => Ok(not_this_role("output")),
        })?
    }
}

impl output::Host for State {
    fn hard_link(&mut self, content: String, to: String) -> Answer {
        self.step(|output| output.hard_link(&content, &to))
    }

    fn write_link(&mut self, to: String, target: String) -> Answer {
        self.step(|output| match digest_in(&target) {
            Ok(_) => output.write(&to, target.as_bytes()),
            Err(failure) => Ok(Err(failure)),
        })
    }

    fn write_file(&mut self, to: String, bytes: Vec<u8>) -> Answer {
        self.meter.charge_bytes(bytes.len());
        self.step(|output| match bytes.len() as u64 {
            ..=MAX_FILE => output.write(&to, &bytes),
            _ => Ok(Err(too_long())),
        })
    }

    fn make_directory(&mut self, path: String) -> Answer {
        self.step(|output| output.make_directory(&path))
    }
}

/// The plan of one output, as all its writers share it, and the progress that they have made.
pub struct OutputPlan {
    source: SourceTree,
    /// All blobs, of the plan and of the images that were dropped.
    blobs: Arc<BlobTable>,
    /// For each blob, whether it is in the plan.
    planned: Arc<[bool]>,
    placed: PlacedPaths,
}

impl OutputPlan {
    /// An output in which nothing is placed yet.
    pub fn new(source: SourceTree, blobs: Arc<BlobTable>, planned: Arc<[bool]>) -> Self {
        Self {
            source,
            placed: PlacedPaths::new(&blobs),
            blobs,
            planned,
        }
    }

    /// The blob with this digest, if it is in the plan.
    fn find(&self, digest: &str) -> Result<BlobId, types::Failure> {
        let digest = digest_in(digest)?;
        match self.blobs.find(&digest) {
            Some(id) if self.planned[id.0 as usize] => Ok(id),
            _ => Err(types::Failure::Refused(format!(
                "{digest} is not in the plan"
            ))),
        }
    }
}

/// For each blob, the path that it was first placed at in one output: a link is not tried again for each image that
/// shares the blob.
#[derive(Debug)]
struct PlacedPaths {
    /// Hashes of the paths; 0 where the blob is not placed yet.
    first: Vec<AtomicU64>,
    /// Keyed afresh in every run, so that a guest cannot make paths that collide.
    key: RandomState,
}

impl PlacedPaths {
    fn new(blobs: &BlobTable) -> Self {
        Self {
            first: (0..blobs.len()).map(|_| AtomicU64::new(0)).collect(),
            key: RandomState::default(),
        }
    }

    /// Tells whether `path` is where this blob was placed first. If it is not placed yet, notes the path
    /// and answers no: the caller is the one to place it.
    fn contains(&self, id: BlobId, path: &str) -> bool {
        // Each blob has its own hash, so that a path that two blobs claim is never taken for
        // placed; and a collision is one in 2^64 for each pair of paths of one blob.
        let key = self.key.hash_one(path).max(1);
        let slot = &self.first[id.0 as usize];
        match slot.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => false,
            Err(first) => first == key,
        }
    }
}

/// The capability of a writer: adding planned blobs and small files to an output.
pub(in crate::wasm) struct OutputHost {
    tree: Box<dyn OutputSink>,
    source: SourceTree,
    plan: Arc<OutputPlan>,
    tally: Tally,
}

impl OutputHost {
    pub(in crate::wasm) fn new(tree: Box<dyn OutputSink>, plan: Arc<OutputPlan>) -> Self {
        Self {
            tree,
            source: plan.source.for_worker(),
            plan,
            tally: Tally::default(),
        }
    }

    /// The files that were made with this capability.
    pub(in crate::wasm) fn tally(&self) -> Tally {
        self.tally
    }

    fn hard_link(&mut self, digest: &str, to: &str) -> Answer {
        let (id, path) = match (self.plan.find(digest), parse(to)) {
            (Ok(id), Ok(path)) => (id, path),
            (Err(failure), _) | (_, Err(failure)) => return Ok(Err(failure)),
        };
        if self.plan.placed.contains(id, to) {
            return Ok(Ok(()));
        }
        let plan = Arc::clone(&self.plan);
        let blob = plan.blobs.get(id);
        let done = match &blob.state {
            BlobState::Made(bytes) => self.write_new(path, bytes),
            _ => {
                let from = SourceFile {
                    // Checked when the reader gave it.
                    path: TreePath::parse(&blob.path)?,
                    key: blob.file,
                };
                self.tree.place(&self.source, from, path).map(|placed| {
                    if let Placed::New(method) = placed {
                        self.tally.placed(method, blob.size().unwrap_or(0));
                    }
                })
            }
        };
        conclude(done, || format!("{} at {to}", blob.digest))
    }

    fn write(&mut self, to: &str, bytes: &[u8]) -> Answer {
        match parse(to) {
            Ok(path) => conclude(self.write_new(path, bytes), || to.to_owned()),
            Err(failure) => Ok(Err(failure)),
        }
    }

    fn write_new(&mut self, path: TreePath<'_>, bytes: &[u8]) -> Result<(), WriteError> {
        if self.tree.write_new(path, bytes)? {
            self.tally.wrote(bytes.len());
        }
        Ok(())
    }

    fn make_directory(&mut self, path: &str) -> Answer {
        match parse(path) {
            Ok(parsed) => conclude(self.tree.make_directory(parsed), || {
                format!("directory {path}")
            }),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

fn parse(path: &str) -> Result<TreePath<'_>, types::Failure> {
    TreePath::parse(path).map_err(|error| types::Failure::Refused(error.to_string()))
}

fn too_long() -> types::Failure {
    types::Failure::Refused(format!("more than {MAX_FILE} bytes in one file"))
}

/// Gives failures that a guest may handle to the guest; the others end the run.
fn conclude(done: Result<(), WriteError>, what: impl FnOnce() -> String) -> Answer {
    match done {
        Ok(()) => Ok(Ok(())),
        Err(WriteError::Occupied(_)) => Ok(Err(types::Failure::Occupied)),
        Err(error) => Err(OutputError {
            what: what(),
            error,
        }
        .into()),
    }
}
