//! Resolving: from a selection to images, with every digest, every size and every file of their closures.
//!
//! Several readers work at once, each on a repository of its own. The host believes nothing that it can see for itself: that
//! a file is there, is a plain file and has the right size; that the bytes of a manifest have its digest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use regcarve_types::{Digest, Repository, Tag};

use super::check;
use super::select::Selection;
use super::session::Session;
use super::workers::{self, Jobs, Worker as PoolWorker};
use crate::error::Error;
use crate::fs::{FileInfo, ReadError, SourceTree, TreePath};
use crate::hash_map::{HashMap, HashSet};
use crate::progress::Progress;
use crate::release::answers::{Damage, FoundImage, ImageRequest, Resolution};
use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::{BlobId, Image, reference};
use crate::release::problem::Problem;
use crate::release::request::Origin;
use crate::signals;
use crate::sync;
use crate::wasm::roles::reader::Reader;

/// The number of images in one call to a reader. More would cost memory on both sides and save nothing.
const BATCH: usize = 256;

/// The images of a selection, and all problems.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Images that are whole, sorted by repository, tag and digest.
    pub images: Vec<Arc<Image>>,
    /// All blobs of these images.
    pub blobs: BlobTable,
    /// All problems.
    pub problems: Vec<Problem>,
    /// Requests that found no image, each with the position of its problem, for which a hint may still be found.
    pub missing: Vec<(Repository, ImageRequest, usize)>,
}

/// Options of resolving.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The number of readers at once.
    pub jobs: Jobs,
    /// True if referrers of the images come along.
    pub referrers: bool,
}

/// Resolves a selection. `first` is a reader that runs already.
pub fn resolve(
    session: &Session,
    selection: &Selection,
    first: Reader,
    options: Options,
) -> Result<Resolved, Error> {
    session.progress.stage("resolving", selection.len());
    let repositories: Vec<_> = selection.by_repository.iter().collect();
    // A second reader is only worth its start when there is a second repository.
    let jobs = options.jobs.for_pieces(repositories.len());
    let queue = Queue {
        repositories,
        next: AtomicUsize::new(0),
    };
    let shared = Mutex::new(Resolved::default());
    let work = |reader: Reader, pool: &PoolWorker<'_>| {
        let worker = Worker {
            source: session.source.for_worker(),
            reader,
            referrers: options.referrers,
            verified: HashMap::default(),
            shared: &shared,
        };
        worker.run(&queue, pool, &session.progress)
    };
    let other = |pool: &PoolWorker<'_>| {
        if queue.is_empty() {
            return Ok(());
        }
        work(session.start_reader()?, pool)
    };
    workers::run(jobs, |pool| work(first, pool), other)?;
    let mut resolved = sync::into_inner(shared);
    resolved.verify_manifests(&session.source);
    resolved.keep_whole_images();
    Ok(resolved)
}

impl Resolved {
    /// Hashes manifests that no read through the host has hashed.
    fn verify_manifests(&mut self, source: &SourceTree) {
        let manifests: HashSet<BlobId> = self
            .images
            .iter()
            .flat_map(|image| &image.entries)
            .filter(|entry| entry.kind.is_manifest())
            .map(|entry| entry.blob)
            .collect();
        for id in manifests {
            let blob = self.blobs.get_mut(id);
            if blob.verified || !matches!(blob.state, BlobState::File(_)) {
                continue;
            }
            blob.verified = true;
            if let Ok(path) = TreePath::parse(&blob.path)
                && let Err(error) = source.read_blob(path, Some(&blob.digest))
            {
                blob.state = check::state_of(error);
            }
        }
    }

    /// Sorts the images, and takes out those that are damaged, with all their problems.
    fn keep_whole_images(&mut self) {
        self.images.sort_by(|a, b| {
            (&a.repository, &a.tag, &a.digest).cmp(&(&b.repository, &b.tag, &b.digest))
        });
        let (blobs, problems) = (&self.blobs, &mut self.problems);
        self.images.retain(|image| {
            let before = problems.len();
            problems.extend(check::resolved_image(image, blobs));
            problems.len() == before
        });
    }
}

/// The images that are asked for in one repository.
type Requests<'s> = (&'s Repository, &'s BTreeMap<ImageRequest, Origin>);

/// Repositories that are still to be resolved.
struct Queue<'s> {
    repositories: Vec<Requests<'s>>,
    next: AtomicUsize,
}

impl<'s> Queue<'s> {
    fn is_empty(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.repositories.len()
    }

    fn take(&self) -> Option<Requests<'s>> {
        let position = self.next.fetch_add(1, Ordering::Relaxed);
        self.repositories.get(position).copied()
    }
}

/// The images of one repository that are known already: by tag and digest, and their positions among all.
pub(super) type Seen = HashMap<(Option<Tag>, Digest), usize>;

/// One reader and its thread.
pub(super) struct Worker<'a> {
    source: SourceTree,
    pub(super) reader: Reader,
    /// True if referrers come along.
    referrers: bool,
    /// Digests that the host hashed for the last answer of the reader, and their files.
    verified: HashMap<Digest, String>,
    shared: &'a Mutex<Resolved>,
}

impl Worker<'_> {
    fn run(
        mut self,
        queue: &Queue<'_>,
        pool: &PoolWorker<'_>,
        progress: &Progress,
    ) -> Result<(), Error> {
        while let Some((name, requests)) = queue.take() {
            let repository = Arc::new(name.clone());
            let mut seen = Seen::default();
            let requests: Vec<_> = requests.iter().collect();
            for batch in requests.chunks(BATCH) {
                match self.batch(&repository, batch, &mut seen) {
                    Ok(()) => {}
                    // The other repositories may have problems, too.
                    Err(Error::Problems(problems)) => self.lock().problems.extend(problems),
                    Err(error) => return Err(error),
                }
                progress.advance(batch.len() as u64);
                pool.checkpoint();
            }
        }
        Ok(())
    }

    /// Resolves some requests, and the referrers of their images. An image can be both: asked for, and a referrer.
    fn batch(
        &mut self,
        repository: &Arc<Repository>,
        batch: &[(&ImageRequest, &Origin)],
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let requests: Vec<_> = batch
            .iter()
            .map(|(request, _)| (*request).clone())
            .collect();
        let answers = self.reader.resolve(repository, &requests)?;
        self.note_verified();
        let mut manifests = Vec::new();
        for (answer, (request, origin)) in answers.into_iter().zip(batch) {
            signals::check()?;
            match answer {
                Resolution::Found(found) => {
                    let known = seen.get(&(found.tag.clone(), found.digest)).copied();
                    match known {
                        Some(known) => {
                            self.change(known, |image| image.origin = (*origin).clone());
                        }
                        None => {
                            let origin = (*origin).clone();
                            manifests.extend(self.add(repository, found, origin, None, seen));
                        }
                    }
                }
                Resolution::NoRepository => {
                    let cause = format!("there is no repository {repository}");
                    self.missing(repository, request, origin, cause);
                }
                Resolution::Missing(cause) => self.missing(repository, request, origin, cause),
                Resolution::Damaged(damages) => {
                    self.damaged(&name_of(repository, request), origin, damages);
                }
            }
        }
        if self.referrers {
            self.follow_referrers(repository, manifests, seen)
        } else {
            Ok(())
        }
    }

    /// Remembers the digests that the host has hashed for the last answer.
    pub(super) fn note_verified(&mut self) {
        self.verified = self.reader.take_verified();
    }

    /// Changes an image that this worker has added.
    pub(super) fn change(&self, position: usize, change: impl FnOnce(&mut Image)) {
        // No other reference exists while images are still being resolved.
        if let Some(image) = Arc::get_mut(&mut self.lock().images[position]) {
            change(image);
        }
    }

    /// Adds an image, and looks at those of its files that are new. Returns its manifests, each with the name of the image.
    pub(super) fn add(
        &mut self,
        repository: &Arc<Repository>,
        found: FoundImage,
        origin: Origin,
        subject: Option<Digest>,
        seen: &mut Seen,
    ) -> Vec<(Digest, Arc<str>)> {
        let name: Arc<str> = reference(repository, found.tag.as_ref(), &found.digest).into();
        let mut entries = Vec::with_capacity(found.entries.len());
        let (mut manifests, mut fresh) = (Vec::new(), Vec::new());
        let mut shared = sync::lock(self.shared);
        for entry in found.entries {
            let location = &entry.blob;
            if entry.kind.is_manifest() {
                manifests.push((location.digest, Arc::clone(&name)));
            }
            let known = shared.blobs.find_at(&location.digest, &location.path);
            let id = known.unwrap_or_else(|| {
                let blob = Blob::unseen(location.digest, &location.path);
                let id = shared.blobs.add(blob);
                fresh.push((id, location.path.clone()));
                id
            });
            if self.verified.get(&location.digest) == Some(&location.path) {
                shared.blobs.get_mut(id).verified = true;
            }
            entries.push(entry.with_blob(id));
        }
        seen.insert((found.tag.clone(), found.digest), shared.images.len());
        shared.images.push(Arc::new(Image {
            repository: Arc::clone(repository),
            tag: found.tag,
            digest: found.digest,
            size: entries.iter().map(|entry| entry.size).sum(),
            entries,
            origin,
            subject,
        }));
        drop(shared);
        self.look_at(fresh);
        manifests
    }

    /// Looks at new files. The disk is asked without the lock.
    fn look_at(&self, fresh: Vec<(BlobId, String)>) {
        let looked: Vec<_> = fresh
            .into_iter()
            .map(|(id, path)| (id, self.look(&path)))
            .collect();
        let mut shared = self.lock();
        for (id, looked) in looked {
            let blob = shared.blobs.get_mut(id);
            match looked {
                Ok(looked) => {
                    blob.state = BlobState::File(looked.size);
                    blob.file = Some(looked.key);
                }
                Err(error) => blob.state = check::state_of(error),
            }
        }
    }

    fn look(&self, path: &str) -> Result<FileInfo, ReadError> {
        let path = TreePath::parse(path).map_err(|error| ReadError::Damaged(error.to_string()))?;
        let (_file, looked) = self.source.open_handle(path)?;
        Ok(looked)
    }

    fn missing(
        &self,
        repository: &Repository,
        request: &ImageRequest,
        origin: &Origin,
        cause: String,
    ) {
        let mut shared = self.lock();
        let position = shared.problems.len();
        shared
            .missing
            .push((repository.clone(), request.clone(), position));
        let problem = Problem::missing(name_of(repository, request), cause).from(origin.clone());
        shared.problems.push(problem);
    }

    /// Adds a problem for each file that is damaged.
    pub(super) fn damaged(&self, reference: &str, origin: &Origin, damages: Vec<Damage>) {
        let problems = damages.into_iter().map(|damage| {
            Problem::damaged(reference, damage.cause)
                .from(origin.clone())
                .at(damage.path)
                .hint_if(origin.hint())
        });
        self.lock().problems.extend(problems);
    }

    fn lock(&self) -> MutexGuard<'_, Resolved> {
        sync::lock(self.shared)
    }
}

/// A request in the words of a list: `name:tag@digest`.
fn name_of(repository: &Repository, request: &ImageRequest) -> String {
    let tag = request.tag.as_ref().map(|tag| format!(":{tag}"));
    let digest = request.digest.as_ref().map(|digest| format!("@{digest}"));
    format!(
        "{repository}{}{}",
        tag.unwrap_or_default(),
        digest.unwrap_or_default()
    )
}
