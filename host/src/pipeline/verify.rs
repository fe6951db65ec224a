//! Verifying: checking a storage, and predicting what garbage collection would do to it.
//!
//! Every tag and, where the reader has `audit`, every untagged manifest of every repository is resolved, and every blob of
//! these images is hashed once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use regcarve_types::{Digest, Repository};

use super::check;
use super::hash::{self, Hashed, blobs_of, some_of};
use super::resolve;
use super::select::{Catalog, Inventory};
use super::session::Session;
use super::workers::{self, Jobs, Worker};
use crate::error::Error;
use crate::release::answers::{GcCollector, GcOutcome, GcPlan, ImageRequest};
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::image::{BlobId, ClosureEntry, Image, Kind};
use crate::release::problem::{Problem, Severity};
use crate::release::request::Origin;
use crate::sync;
use crate::wasm::roles::reader::Reader;

/// Options of verifying.
pub struct Options {
    /// The number of workers.
    pub jobs: Jobs,
    /// True if an index may lack whole children.
    pub sparse: bool,
}

/// The result of verifying.
pub struct Verified {
    /// All problems, sorted by path.
    pub problems: Vec<Problem>,
    /// True if the reader has `audit`: without it only tagged images are checked.
    pub audited: bool,
    /// The garbage collectors that the format knows; `None` if the reader could not tell.
    pub collectors: Option<Vec<Collector>>,
    /// Counts.
    pub totals: Totals,
}

/// A garbage collector, and what it would do.
pub struct Collector {
    /// The program with version and flags.
    pub name: String,
    /// Its end.
    pub outcome: GcOutcome,
    /// Tagged images that would lose content.
    pub affected_images: Vec<String>,
}

/// Counts of what was verified.
#[derive(Default)]
pub struct Totals {
    /// Repositories.
    pub repositories: usize,
    /// Tags.
    pub tags: usize,
    /// Manifests that no tag reaches.
    pub untagged: usize,
    /// Different blobs of all images.
    pub blobs: usize,
    /// Bytes of the blobs that exist.
    pub bytes: u64,
    /// Bytes hashed; manifests were hashed when they were read, and are not among them.
    pub hashed: u64,
    /// The time of hashing.
    pub hashing: Duration,
    /// Child manifests that do not exist, which was accepted.
    pub sparse: usize,
}

/// Verifies a storage.
pub fn verify(session: &Session, options: &Options) -> Result<Verified, Error> {
    let mut reader = session.start_reader()?;
    let mut inventory = Catalog::new(&mut reader).inventory()?;
    let tags = inventory.selection.len();
    let audited = session.reader.has_audit();
    let damages = match audited {
        true => audit(session, &mut inventory, options.jobs)?,
        false => Vec::new(),
    };
    let Inventory {
        repositories,
        selection,
        mut problems,
    } = inventory;

    let resolving = resolve::Options {
        jobs: options.jobs,
        referrers: false,
    };
    let resolved = resolve::resolve(session, &selection, reader, resolving)?;
    let (images, blobs) = (resolved.images, resolved.blobs);
    problems.extend(resolved.problems.into_iter().map(of_storage));
    let sparse = check_children(&images, &blobs, options.sparse, &mut problems);
    add_damages(&mut problems, damages);

    let clock = Instant::now();
    let hashed = hash::hash(session, &blobs, blobs.ids(), options.jobs)?;
    let hashing = clock.elapsed();
    let users = images.iter().map(|image| {
        let ids = blobs_of(&image.entries);
        (ids, || image.reference())
    });
    problems.extend(hash::problems(&hashed, &blobs, users));

    session.progress.stage("collecting", 0);
    let collectors = collectors(session, &images, &blobs, &mut problems)?;
    session.progress.done();
    Ok(Verified {
        problems: merge(problems),
        audited,
        collectors,
        totals: Totals {
            repositories: repositories.len(),
            tags,
            untagged: selection.len() - tags,
            sparse,
            hashing,
            ..Totals::of_blobs(&blobs, &hashed)
        },
    })
}

/// Adds the untagged manifests of all repositories to the selection, and returns the damages that go with them.
fn audit(session: &Session, inventory: &mut Inventory, jobs: Jobs) -> Result<Vec<Problem>, Error> {
    let repositories = &inventory.repositories;
    session.progress.stage("auditing", repositories.len());
    let next = AtomicUsize::new(0);
    let found = Mutex::new((&mut inventory.selection, Vec::new()));
    let work = |pool: &Worker<'_>| -> Result<(), Error> {
        let mut reader = session.start_reader()?;
        while let Some(repository) = repositories.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (manifests, damages) = untagged(&mut reader, repository)?;
            let mut found = sync::lock(&found);
            for digest in manifests {
                let digest = Some(digest);
                let request = ImageRequest { tag: None, digest };
                found.0.add(repository, request, &Origin::Flag("--all"));
            }
            found.1.extend(damages);
            drop(found);
            session.progress.advance(1);
            pool.checkpoint();
        }
        Ok(())
    };
    workers::run(jobs.for_pieces(repositories.len()), work, work)?;
    Ok(sync::into_inner(found).1)
}

/// The untagged manifests of a repository, and its damages.
fn untagged(
    reader: &mut Reader,
    repository: &Repository,
) -> Result<(Vec<Digest>, Vec<Problem>), Error> {
    let content = match reader.untagged(repository) {
        Ok(content) => content.unwrap_or_default(),
        Err(Error::Problems(problems)) => return Ok((Vec::new(), problems)),
        Err(error) => return Err(error),
    };
    let damages = content.damages.into_iter();
    let problems = damages
        .map(|damage| Problem::damaged(repository.to_string(), damage.cause).at(damage.path));
    Ok((content.manifests, problems.collect()))
}

/// A problem of resolving as a problem of the storage: no line asked for these images, so none is missing. One that is
/// listed and cannot be read is damaged.
fn of_storage(problem: Problem) -> Problem {
    let (severity, cause) = match problem.severity {
        Severity::Missing => (
            Severity::Damaged,
            format!("the storage lists it, but {}", problem.cause),
        ),
        severity => (severity, problem.cause),
    };
    Problem {
        severity,
        cause,
        origin: None,
        ..problem
    }
}

/// Checks what is below indexes, which resolving leaves open since not every platform has to travel. Returns the number of
/// absent children that were accepted.
fn check_children(
    images: &[Arc<Image>],
    blobs: &BlobTable,
    sparse: bool,
    problems: &mut Vec<Problem>,
) -> usize {
    let mut accepted = HashSet::new();
    let indexes = images
        .iter()
        .filter(|image| image.top().kind == Kind::Index);
    for image in indexes {
        let name = || (image.reference(), image.origin.clone());
        for entry in image
            .entries
            .iter()
            .filter(|entry| entry.kind != Kind::Index)
        {
            let blob = blobs.get(entry.blob);
            if sparse && entry.kind == Kind::Manifest && blob.state == BlobState::Absent {
                accepted.insert(entry.blob);
                continue;
            }
            problems.extend(check::blob(name, entry, blob).map(|problem| of_child(entry, problem)));
        }
    }
    accepted.len()
}

/// A problem below an index, with a hint that fits this command.
fn of_child(entry: &ClosureEntry, problem: Problem) -> Problem {
    let platform = entry.platform.as_deref().map(ToString::to_string);
    let hint = problem.hint.is_some().then(|| {
        format!(
            "this is the part for {}; if the storage was carved for other platforms, give --sparse",
            platform.unwrap_or_default()
        )
    });
    Problem {
        hint,
        origin: None,
        ..problem
    }
}

/// Adds the damages of an audit. Where an image has the same problem, its name says more.
fn add_damages(problems: &mut Vec<Problem>, damages: Vec<Problem>) {
    let known: HashSet<String> = problems.iter().filter_map(|one| one.path.clone()).collect();
    let is_new = |problem: &Problem| match &problem.path {
        Some(path) => !known.contains(path),
        None => true,
    };
    problems.extend(damages.into_iter().filter(is_new));
}

/// The garbage collectors of the format, and what they would do to tagged images. `None` where they cannot be asked.
fn collectors(
    session: &Session,
    images: &[Arc<Image>],
    blobs: &BlobTable,
    problems: &mut Vec<Problem>,
) -> Result<Option<Vec<Collector>>, Error> {
    let collectors = match session.start_reader()?.garbage() {
        Ok(collectors) => collectors.unwrap_or_default(),
        Err(Error::Problems(more)) => {
            problems.extend(more);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let affected = |collector: GcCollector| Collector {
        name: collector.name,
        affected_images: match &collector.outcome {
            GcOutcome::Completes(plan) => affected_images(plan, images, blobs),
            GcOutcome::Aborts(_) => Vec::new(),
        },
        outcome: collector.outcome,
    };
    Ok(Some(collectors.into_iter().map(affected).collect()))
}

/// Tagged images that a garbage collection would take something from.
fn affected_images(plan: &GcPlan, images: &[Arc<Image>], blobs: &BlobTable) -> Vec<String> {
    // By path, since a blob may be stored by another digest than an image names it by.
    let paths: HashSet<&str> = plan.blobs.iter().map(|blob| blob.path.as_str()).collect();
    let mut named: HashMap<&Repository, HashSet<&Digest>> = HashMap::new();
    for (repository, digest) in plan.manifests.iter().chain(&plan.links) {
        named.entry(repository).or_default().insert(digest);
    }
    let loses = |image: &Image| {
        let named = named.get(&*image.repository);
        blobs_of(&image.entries).any(|id| {
            let blob = blobs.get(id);
            paths.contains(&*blob.path) || named.is_some_and(|named| named.contains(&blob.digest))
        })
    };
    let tagged = images.iter().filter(|image| image.tag.is_some());
    let names: BTreeSet<_> = tagged
        .filter(|image| loses(image))
        .map(|image| image.reference())
        .collect();
    names.into_iter().collect()
}

impl Totals {
    fn of_blobs(blobs: &BlobTable, hashed: &Hashed) -> Self {
        // In a format without shared blobs a digest may be in many files.
        let once = |id: &BlobId| blobs.find(&blobs.get(*id).digest) == Some(*id);
        let sizes = || {
            let different = blobs.ids().filter(once);
            different.filter_map(|id| blobs.get(id).size())
        };
        Self {
            blobs: sizes().count(),
            bytes: sizes().sum(),
            hashed: hashed.bytes,
            ..Self::default()
        }
    }
}

/// Makes one problem of those that several images have with one file, and sorts them by path.
fn merge(problems: Vec<Problem>) -> Vec<Problem> {
    let mut merged: Vec<(Problem, Vec<String>)> = Vec::new();
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for problem in problems {
        let name = problem.reference.clone();
        let key = problem
            .path
            .clone()
            .map(|path| (path, problem.cause.clone()));
        let position = key.as_ref().and_then(|key| known.get(key));
        if let Some(position) = position {
            let names = &mut merged[*position].1;
            if !names.contains(&name) {
                names.push(name);
            }
        } else {
            known.extend(key.map(|key| (key, merged.len())));
            merged.push((problem, vec![name]));
        }
    }
    let named = |(problem, names): (Problem, Vec<String>)| Problem {
        reference: some_of(&names),
        ..problem
    };
    let mut merged: Vec<_> = merged.into_iter().map(named).collect();
    merged.sort_by(|a, b| (&a.path, &a.reference).cmp(&(&b.path, &b.reference)));
    merged
}
