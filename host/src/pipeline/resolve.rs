//! From selection to images: every digest, every size, every file that is needed, and all that is wrong with them.
//!
//! Several readers work at once, each on a repository of its own. What they answer is believed of nothing that
//! the host can see for itself: that a file is there, is a plain file and has the right size; that the
//! bytes of a manifest have its digest.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regcarve_types::{Digest, Repository, Tag};

use super::open_files::OpenFileBudget;
use super::select::Selection;
use super::workers::{self, Jobs, Worker as PoolWorker};
use crate::error::Error;
use crate::fs::{FileInfo, ReadError, SourceTree, TreePath};
use crate::hash_map::{HashMap, HashSet};
use crate::progress::Progress;
use crate::release::answers::{Damage, FoundImage, ImageRequest, Resolution};
use crate::release::blob_table::{Blob, BlobState, BlobTable};
use crate::release::image::{BlobId, ClosureEntry, Image, Kind, reference};
use crate::release::problem::{Problem, Severity};
use crate::release::request::Origin;
use crate::signals;
use crate::wasm::Component;
use crate::wasm::roles::reader::Reader;

/// Images in one call to a reader. More would cost memory on both sides and save nothing.
const BATCH: usize = 256;

/// How far images may speak of images that speak of images. The signature of an SBOM of an image is two away from
/// it; a reader that never comes to an end must not keep the run from coming to one.
const FAR: usize = 64;

/// What resolving gives.
#[derive(Debug, Default)]
pub struct Resolved {
    /// Images that are whole, sorted by repository, tag and digest.
    pub images: Vec<Arc<Image>>,
    /// All content that any of them needs.
    pub contents: BlobTable,
    /// All that is wrong.
    pub problems: Vec<Problem>,
    /// Selection for which there is nothing, for which a hint may still be found.
    pub missing: Vec<(Repository, ImageRequest, usize)>,
}

/// How to resolve.
pub struct Resolver<'a> {
    /// The reader.
    pub component: &'a Component,
    /// The source.
    pub source: &'a SourceTree,
    /// How many readers at once.
    pub jobs: Jobs,
    /// Whether artifacts that speak of an image come along.
    pub attached: bool,
    /// How many files may be kept open.
    pub handles: &'a OpenFileBudget,
}

impl Resolver<'_> {
    /// Resolves all selection.
    pub fn resolve(
        &self,
        selection: &Selection,
        first: Reader,
        progress: &Progress,
    ) -> Result<Resolved, Error> {
        let repositories: Vec<_> = selection.by_repository.iter().collect();
        let queue = Queue {
            repositories,
            next: AtomicUsize::new(0),
        };
        let shared = Mutex::new(Resolved::default());
        let work = |reader: Reader, shift: &PoolWorker<'_>| {
            Worker {
                resolver: self,
                source: self.source.for_worker(),
                reader,
                verified: HashMap::default(),
                shared: &shared,
            }
            .run(&queue, shift, progress)
        };
        // A second reader is only worth its start when there is a second repository.
        let jobs = self.jobs.for_pieces(queue.repositories.len());
        let other = |shift: &PoolWorker<'_>| {
            if queue.is_empty() {
                return Ok(());
            }
            let reader = Reader::start(self.component, self.source)?;
            work(reader, shift)
        };
        workers::share(jobs, |shift| work(first, shift), other)?;
        let mut resolved = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.verify_manifests(&mut resolved);
        resolved.keep_whole_images();
        Ok(resolved)
    }

    /// Hashes manifests that the reader got in another way than from a host that hashed them.
    fn verify_manifests(&self, resolved: &mut Resolved) {
        let manifests: HashSet<BlobId> = resolved
            .images
            .iter()
            .flat_map(|image| &image.items)
            .filter(|item| item.kind.is_manifest())
            .map(|item| item.content)
            .collect();
        for id in manifests {
            let content = resolved.contents.get_mut(id);
            if content.verified || !matches!(content.presence, BlobState::File(_)) {
                continue;
            }
            content.verified = true;
            if let Ok(path) = TreePath::parse(&content.path)
                && let Err(error) = self.source.read_blob(path, Some(&content.digest))
            {
                content.presence = absent(error);
            }
        }
    }
}

/// Repositories that are still to be resolved.
struct Queue<'w> {
    repositories: Vec<(&'w Repository, &'w BTreeMap<ImageRequest, Origin>)>,
    next: AtomicUsize,
}

impl<'w> Queue<'w> {
    fn is_empty(&self) -> bool {
        self.next.load(Ordering::Relaxed) >= self.repositories.len()
    }

    fn take(&self) -> Option<(&'w Repository, &'w BTreeMap<ImageRequest, Origin>)> {
        self.repositories
            .get(self.next.fetch_add(1, Ordering::Relaxed))
            .copied()
    }
}

/// Images of one repository, by tag and digest, and their positions among all.
type Seen = HashMap<(Option<Tag>, Digest), usize>;

struct Worker<'a> {
    resolver: &'a Resolver<'a>,
    source: SourceTree,
    reader: Reader,
    /// What the host hashed for the last answer of the reader, and the files.
    verified: HashMap<Digest, String>,
    shared: &'a Mutex<Resolved>,
}

impl Worker<'_> {
    fn run(
        mut self,
        queue: &Queue<'_>,
        shift: &PoolWorker<'_>,
        progress: &Progress,
    ) -> Result<(), Error> {
        while let Some((name, selection)) = queue.take() {
            let repository = Arc::new(name.clone());
            let mut seen = Seen::default();
            let selection: Vec<_> = selection.iter().collect();
            for batch in selection.chunks(BATCH) {
                match self.batch(&repository, batch, &mut seen) {
                    Ok(()) => {}
                    // The other repositories may have more to say.
                    Err(Error::Problems(problems)) => self.lock().problems.extend(problems),
                    Err(error) => return Err(error),
                }
                progress.advance(batch.len() as u64);
                shift.pause();
            }
        }
        Ok(())
    }

    /// Resolves some selection, and what is attached to their images. `seen` holds the images of this
    /// repository that are there already. An image can be both: asked for, and speak of another one.
    fn batch(
        &mut self,
        repository: &Arc<Repository>,
        batch: &[(&ImageRequest, &Origin)],
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let wanted: Vec<ImageRequest> = batch.iter().map(|(wanted, _)| (*wanted).clone()).collect();
        let answers = self.reader.resolve(repository, &wanted)?;
        self.verified = self.reader.take_verified();
        let mut frontier = Vec::new();
        for (answer, (wanted, origin)) in answers.into_iter().zip(batch) {
            signals::check()?;
            match answer {
                Resolution::Found(found) => {
                    let key = (found.tag.clone(), found.digest);
                    match seen.get(&key) {
                        Some(known) => {
                            self.change(*known, |image| image.origin = (*origin).clone());
                        }
                        None => {
                            let origin = (*origin).clone();
                            let new = self.add(repository, found, origin, None, &mut frontier);
                            seen.insert(key, new);
                        }
                    }
                }
                Resolution::NoRepository | Resolution::Missing(_) => {
                    let cause = match answer {
                        Resolution::Missing(cause) => cause,
                        _ => format!("there is no repository {repository}"),
                    };
                    let mut shared = self.lock();
                    let reference = wanted_name(repository, wanted);
                    let position = shared.problems.len();
                    shared.missing.push((
                        Repository::clone(repository),
                        (*wanted).clone(),
                        position,
                    ));
                    shared.problems.push(Problem {
                        severity: Severity::Missing,
                        reference,
                        origin: Some((*origin).clone()),
                        path: None,
                        cause,
                        hint: None,
                    });
                }
                Resolution::Damaged(damages) => {
                    self.damaged(&wanted_name(repository, wanted), origin, damages)
                }
            }
        }
        if self.resolver.attached {
            self.attached(repository, frontier, seen)
        } else {
            Ok(())
        }
    }

    /// Takes along what speaks of these manifests, and what speaks of that.
    fn attached(
        &mut self,
        repository: &Arc<Repository>,
        mut frontier: Vec<(Digest, Arc<str>)>,
        seen: &mut Seen,
    ) -> Result<(), Error> {
        let mut asked = HashSet::default();
        let mut far = 0;
        while !frontier.is_empty() {
            frontier.retain(|(digest, _)| asked.insert(*digest));
            let parents: HashMap<Digest, Arc<str>> = frontier.iter().cloned().collect();
            let manifests: Vec<Digest> = frontier.drain(..).map(|(digest, _)| digest).collect();
            if manifests.is_empty() {
                break;
            }
            if far == FAR {
                return Err(self.reader.invalid_answer(format!(
                    "in {repository}, images that speak of one another in a row of more than {FAR}; \
                     --no-attached leaves them out"
                )));
            }
            far += 1;
            let attached = self.reader.referrers(repository, &manifests)?;
            self.verified = self.reader.take_verified();
            for (subject, resolution) in attached {
                signals::check()?;
                let origin = Origin::ReferrerOf(Arc::clone(&parents[&subject]));
                match resolution {
                    Resolution::Found(found) => {
                        let key = (found.tag.clone(), found.digest);
                        match seen.get(&key) {
                            Some(known) => self.change(*known, |image| {
                                image.subject.get_or_insert(subject);
                            }),
                            None => {
                                let new = self.add(
                                    repository,
                                    found,
                                    origin,
                                    Some(subject),
                                    &mut frontier,
                                );
                                seen.insert(key, new);
                            }
                        }
                    }
                    // It was there when it was looked for; gone is gone.
                    Resolution::NoRepository | Resolution::Missing(_) => {}
                    Resolution::Damaged(damages) => {
                        let reference =
                            format!("an artifact that speaks of {repository}@{subject}");
                        self.damaged(&reference, &origin, damages);
                    }
                }
            }
        }
        Ok(())
    }

    /// Changes an image that this worker has added.
    fn change(&self, position: usize, change: impl FnOnce(&mut Image)) {
        // Nobody else has it while images are still being resolved.
        if let Some(image) = Arc::get_mut(&mut self.lock().images[position]) {
            change(image);
        }
    }

    /// Adds an image and looks at the files that nobody has looked at yet. Returns its position.
    fn add(
        &mut self,
        repository: &Arc<Repository>,
        found: FoundImage,
        origin: Origin,
        subject: Option<Digest>,
        frontier: &mut Vec<(Digest, Arc<str>)>,
    ) -> usize {
        let name: Arc<str> = reference(repository, found.tag.as_ref(), &found.digest).into();
        let mut items = Vec::with_capacity(found.entries.len());
        let mut fresh = Vec::new();
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in found.entries {
            let location = &entry.content;
            if entry.kind.is_manifest() {
                frontier.push((location.digest, Arc::clone(&name)));
            }
            let is_verified = self.verified.get(&location.digest) == Some(&location.path);
            let id = match shared.contents.find_at(&location.digest, &location.path) {
                Some(id) => id,
                None => {
                    let id = shared.contents.add(Blob {
                        digest: location.digest,
                        path: location.path.as_str().into(),
                        presence: BlobState::Absent,
                        verified: false,
                        handle: None,
                        file: None,
                    });
                    fresh.push((id, location.path.clone()));
                    id
                }
            };
            if is_verified {
                shared.contents.get_mut(id).verified = true;
            }
            items.push(entry.with_blob(id));
        }
        let position = shared.images.len();
        shared.images.push(Arc::new(Image {
            repository: Arc::clone(repository),
            tag: found.tag,
            digest: found.digest,
            size: items.iter().map(|item| item.size).sum(),
            items,
            origin,
            subject,
        }));
        drop(shared);

        // Prepared the lock: this is where the disk is asked.
        let looked: Vec<_> = fresh
            .into_iter()
            .map(|(id, path)| (id, self.look(&path)))
            .collect();
        let mut shared = self.lock();
        for (id, opened) in looked {
            let content = shared.contents.get_mut(id);
            match opened {
                Ok((handle, looked)) => {
                    content.presence = BlobState::File(looked.size);
                    content.handle = handle;
                    content.file = Some(looked.key);
                }
                Err(error) => content.presence = absent(error),
            }
        }
        position
    }

    fn look(&self, path: &str) -> Result<(Option<OwnedFd>, FileInfo), ReadError> {
        let path = TreePath::parse(path).map_err(|error| ReadError::Damaged(error.to_string()))?;
        let (file, looked) = self.source.open_handle(path)?;
        Ok((self.resolver.handles.keep(file), looked))
    }

    fn damaged(&self, reference: &str, origin: &Origin, damages: Vec<Damage>) {
        let problems = damages.into_iter().map(|damage| Problem {
            severity: Severity::Damaged,
            reference: reference.into(),
            origin: Some(origin.clone()),
            path: Some(damage.path),
            cause: damage.cause,
            hint: origin.way_without(),
        });
        self.lock().problems.extend(problems);
    }

    fn lock(&self) -> MutexGuard<'_, Resolved> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is there where there is no plain file.
fn absent(error: ReadError) -> BlobState {
    match error {
        ReadError::NotFound => BlobState::Absent,
        ReadError::Damaged(text) => BlobState::Damaged(text),
        ReadError::OsError(fault) => BlobState::Unreadable(fault.to_string()),
    }
}

impl Resolved {
    /// Sorts the images, and takes out those that lack content, with a problem for each thing that is wrong.
    fn keep_whole_images(&mut self) {
        self.images.sort_by(|a, b| {
            (&a.repository, &a.tag, &a.digest).cmp(&(&b.repository, &b.tag, &b.digest))
        });
        let contents = &self.contents;
        let problems = &mut self.problems;
        self.images.retain(|image| {
            let before = problems.len();
            // Manifests for other platforms may be dropped yet, with all that is wrong with them.
            let sure = image.top().kind != Kind::Index;
            let needed = image
                .items
                .iter()
                .filter(|item| sure || item.kind == Kind::Index);
            let name = || (image.reference(), image.origin.clone());
            problems
                .extend(needed.filter_map(|item| check(name, item, contents.get(item.content))));
            problems.len() == before
        });
    }
}

/// What is wrong with a piece of content, for an image that needs it.
pub fn check(
    image: impl FnOnce() -> (String, Origin),
    item: &ClosureEntry,
    content: &Blob,
) -> Option<Problem> {
    let mut hint = None;
    let (severity, cause) = match &content.presence {
        BlobState::Made(_) => return None,
        BlobState::File(size) if *size == item.size => return None,
        BlobState::Absent if item.optional => return None,
        BlobState::File(size) => {
            let cause = format!(
                "has {size} bytes; the manifest that names {} says {}",
                content.digest, item.size
            );
            (Severity::Damaged, cause)
        }
        BlobState::Absent => {
            hint = item.platform.as_ref().map(|platform| {
                format!("this is the part for {platform}; if the source was carved for other platforms, choose these with --platform")
            });
            (
                Severity::Damaged,
                format!("there is no such file; it should hold {}", content.digest),
            )
        }
        BlobState::Damaged(text) => (Severity::Damaged, text.clone()),
        BlobState::Unreadable(text) => (Severity::Unreadable, text.clone()),
    };
    let (reference, origin) = image();
    let path = Some(content.path.to_string());
    Some(Problem {
        severity,
        reference,
        hint: hint.or_else(|| origin.way_without()),
        origin: Some(origin),
        path,
        cause,
    })
}

fn wanted_name(repository: &Repository, wanted: &ImageRequest) -> String {
    let tag = wanted
        .tag
        .as_ref()
        .map(|tag| format!(":{tag}"))
        .unwrap_or_default();
    let digest = wanted
        .digest
        .as_ref()
        .map(|digest| format!("@{digest}"))
        .unwrap_or_default();
    format!("{repository}{tag}{digest}")
}
