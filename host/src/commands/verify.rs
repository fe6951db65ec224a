//! `regcarve verify`: whether a storage is whole, and what garbage collection would make of it.
//!
//! Every tag and, where the reader has `audit`, every untagged manifest of every repository is resolved, and every
//! blob of these images is hashed once. All that is wrong is the result, and goes to standard output.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use regcarve_types::{Digest, Repository};
use serde::Serialize;

use super::session::{Session, jobs};
use crate::cli::{Format, VerifyArgs};
use crate::error::Error;
use crate::fs::Access;
use crate::pipeline::hash::{self, Hashed};
use crate::pipeline::open_files::OpenFileBudget;
use crate::pipeline::resolve::{Resolver, check};
use crate::pipeline::select::{Catalog, Selection};
use crate::pipeline::workers::{self, Jobs, Worker};
use crate::release::answers::{GcOutcome, GcPlan, ImageRequest};
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::image::{BlobId, ClosureEntry, Image, Kind};
use crate::release::problem::{Problem, Severity};
use crate::release::request::Origin;
use crate::report::{SCHEMA, SandboxRow, milliseconds};
use crate::text;
use crate::wasm::roles::reader::Reader;

/// What verifying found: `verify --format json`.
#[derive(Debug, Serialize)]
struct Verified {
    /// See [`SCHEMA`].
    schema: &'static str,
    /// `whole` or `damaged`.
    outcome: &'static str,
    /// As given on the command line.
    storage: String,
    /// What the kernel watched.
    sandbox: SandboxRow,
    /// Whether untagged content was checked too: only the tags of a format without `audit` are.
    audited: bool,
    /// All that is wrong, sorted by path.
    problems: Vec<Row>,
    /// What garbage collectors would do. Information, but for those named with `--gc`.
    collections: Vec<CollectionRow>,
    /// Counts.
    totals: Totals,
    /// Milliseconds of the whole run.
    timing_ms: f64,
}

/// Something that is wrong.
#[derive(Debug, Serialize)]
struct Row {
    /// `damaged`, or `unreadable` where the system would not let us look.
    severity: &'static str,
    /// The images that need it, or the repository.
    reference: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What is wrong.
    cause: String,
    /// What may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// What a garbage collector would do.
#[derive(Debug, Serialize)]
struct CollectionRow {
    /// Version and flags.
    collector: String,
    /// Why it would give up; then the lists are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    aborts: Option<String>,
    /// Manifests that it would delete, `repository@digest`.
    manifests: Vec<String>,
    /// Digests of the files that it would delete.
    blobs: Vec<String>,
    /// Bytes of these.
    bytes: u64,
    /// Layer links that it would delete, `repository@digest`.
    links: Vec<String>,
    /// Tagged images that would lose content.
    images: Vec<String>,
}

/// Counts.
#[derive(Debug, Default, Serialize)]
struct Totals {
    /// Repositories.
    repositories: usize,
    /// Tags.
    tags: usize,
    /// Manifests that no tag reaches.
    untagged: usize,
    /// Different content of all images.
    blobs: usize,
    /// Bytes of that content, as far as it is there.
    bytes: u64,
    /// Bytes hashed; manifests were hashed when they were read, and are not among them.
    hashed: u64,
    /// Milliseconds that hashing took.
    hashing_ms: f64,
    /// Child manifests that are not there and that `--sparse` accepts.
    sparse: usize,
}

/// Runs the command.
pub fn verify(args: VerifyArgs) -> Result<(), Error> {
    let began = Instant::now();
    let mut session = Session::open(&args.storage, &args.components)?;
    let sandbox = session.fence(Access::Read)?;
    let jobs = jobs(args.jobs);
    let mut reader = session.start_reader()?;
    let mut problems = Vec::new();
    let (repositories, mut selection) = catalogue(&mut reader, &mut problems)?;
    let tags = selection.len();

    session.progress.stage("auditing", repositories.len());
    let audited = session.reader.has_audit();
    let mut damages = Vec::new();
    if audited {
        damages = audit(&session, &repositories, jobs, &mut selection)?;
    }

    session.progress.stage("resolving", selection.len());
    let resolver = Resolver {
        component: &session.reader,
        source: &session.source,
        jobs,
        attached: false,
        handles: &OpenFileBudget::none(),
    };
    let resolved = resolver.resolve(&selection, reader, &session.progress)?;
    let (images, contents) = (resolved.images, resolved.contents);
    problems.extend(resolved.problems.into_iter().map(listed));
    let sparse = children(&images, &contents, args.sparse, &mut problems);

    // Where an image has the same problem, its name says more.
    let known: HashSet<String> = problems.iter().filter_map(|one| one.path.clone()).collect();
    damages.retain(|problem| {
        let path = problem.path.as_ref();
        path.is_none_or(|path| !known.contains(path))
    });
    problems.extend(damages);

    let clock = Instant::now();
    let hashed = hash::hash_all(
        &contents,
        contents.ids(),
        &session.source,
        jobs,
        &session.progress,
    )?;
    let hashing = clock.elapsed();
    let users = images.iter().map(|image| {
        let ids = image.items.iter().map(|item| item.content);
        (ids, || image.reference())
    });
    problems.extend(hash::problems(&hashed, &contents, users));

    session.progress.stage("collecting", 0);
    let collections = collections(&session, &images, &contents, &mut problems)?;
    session.progress.done();
    let mut problems = hash::merge(problems);
    // Where collectors cannot be asked, a problem says why.
    if let Some(collections) = &collections {
        problems.extend(demanded(&args.collectors, collections)?);
    }

    let verified = Verified {
        schema: SCHEMA,
        outcome: if problems.is_empty() {
            "whole"
        } else {
            "damaged"
        },
        storage: args.storage.to_string(),
        sandbox,
        audited,
        problems: problems.iter().map(Row::new).collect(),
        collections: collections.unwrap_or_default(),
        totals: Totals {
            repositories: repositories.len(),
            tags,
            untagged: selection.len() - tags,
            sparse,
            ..totals(&contents, &hashed, hashing)
        },
        timing_ms: milliseconds(began.elapsed()),
    };
    print(&verified, &problems, args.format)?;
    if problems.is_empty() {
        return Ok(());
    }
    let unreadable = problems
        .iter()
        .any(|problem| problem.severity == Severity::Unreadable);
    Err(Error::NotWhole {
        summary: format!(
            "{} is not whole: {}",
            args.storage,
            text::count(problems.len(), "problem")
        ),
        exit_code: if unreadable { 1 } else { 4 },
    })
}

/// All repositories, and every tag as a wish. A repository that cannot be listed is a problem, not the end.
fn catalogue(
    reader: &mut Reader,
    problems: &mut Vec<Problem>,
) -> Result<(Vec<Repository>, Selection), Error> {
    let mut selection = Selection::default();
    let mut catalog = Catalog::new(reader);
    let repositories = match catalog.repositories() {
        Ok(repositories) => repositories.to_vec(),
        Err(Error::Problems(more)) => {
            problems.extend(more);
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    for repository in &repositories {
        match catalog.tags(repository) {
            Ok(tags) => {
                for tag in tags.unwrap_or_default() {
                    let tag = Some(tag.clone());
                    let wanted = ImageRequest { tag, digest: None };
                    selection.add(repository, wanted, &Origin::Flag("--all"));
                }
            }
            Err(Error::Problems(more)) => problems.extend(more),
            Err(error) => return Err(error),
        }
    }
    Ok((repositories, selection))
}

/// Nobody asked for these images, so none is missing: one that is listed and cannot be had is damaged.
fn listed(problem: Problem) -> Problem {
    match problem.severity {
        Severity::Missing => Problem {
            severity: Severity::Damaged,
            cause: format!("the storage lists it, but {}", problem.cause),
            origin: None,
            ..problem
        },
        _ => Problem {
            origin: None,
            ..problem
        },
    }
}

/// What is wrong below indexes, which resolving leaves open since not every platform has to travel. Returns how
/// many absent children were accepted.
fn children(
    images: &[std::sync::Arc<Image>],
    contents: &BlobTable,
    sparse: bool,
    problems: &mut Vec<Problem>,
) -> usize {
    let mut accepted = HashSet::new();
    for image in images
        .iter()
        .filter(|image| image.top().kind == Kind::Index)
    {
        let below = image.items.iter().filter(|item| item.kind != Kind::Index);
        for item in below {
            let content = contents.get(item.content);
            if sparse && item.kind == Kind::Manifest && content.presence == BlobState::Absent {
                accepted.insert(item.content);
                continue;
            }
            let name = || (image.reference(), image.origin.clone());
            problems.extend(check(name, item, content).map(|problem| hinted(item, problem)));
        }
    }
    accepted.len()
}

fn hinted(item: &ClosureEntry, problem: Problem) -> Problem {
    let hint = problem.hint.is_some().then(|| {
        let platform = item.platform.as_deref().map(ToString::to_string);
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

/// Adds the untagged manifests of all repositories to the selection, and returns the damages that go with them.
fn audit(
    session: &Session,
    repositories: &[Repository],
    jobs: Jobs,
    selection: &mut Selection,
) -> Result<Vec<Problem>, Error> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new((selection, Vec::new()));
    let work = |worker: &Worker<'_>| -> Result<(), Error> {
        let mut reader = session.start_reader()?;
        while let Some(repository) = repositories.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (manifests, more) = untagged(&mut reader, repository)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            let (selection, problems) = &mut *found;
            for digest in manifests {
                let request = ImageRequest {
                    tag: None,
                    digest: Some(digest),
                };
                selection.add(repository, request, &Origin::Flag("--all"));
            }
            problems.extend(more);
            drop(found);
            session.progress.advance(1);
            worker.pause();
        }
        Ok(())
    };
    workers::share(jobs.for_pieces(repositories.len()), work, work)?;
    let (_, problems) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(problems)
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
    let problems = content.damages.into_iter().map(|damage| Problem {
        severity: Severity::Damaged,
        reference: repository.to_string(),
        origin: None,
        path: Some(damage.path),
        cause: damage.cause,
        hint: None,
    });
    Ok((content.manifests, problems.collect()))
}

/// Asks what garbage collectors would do, and what that would do to tagged images. Nothing where they cannot be asked.
fn collections(
    session: &Session,
    images: &[std::sync::Arc<Image>],
    contents: &BlobTable,
    problems: &mut Vec<Problem>,
) -> Result<Option<Vec<CollectionRow>>, Error> {
    let collectors = match session.start_reader()?.garbage() {
        Ok(collectors) => collectors.unwrap_or_default(),
        Err(Error::Problems(more)) => {
            problems.extend(more);
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let rows = collectors.into_iter().map(|collector| {
        let mut row = CollectionRow {
            collector: collector.name,
            aborts: None,
            manifests: Vec::new(),
            blobs: Vec::new(),
            bytes: 0,
            links: Vec::new(),
            images: Vec::new(),
        };
        match collector.outcome {
            GcOutcome::Aborts(cause) => row.aborts = Some(cause),
            GcOutcome::Completes(plan) => {
                row.images = affected_images(&plan, images, contents);
                let named = |all: Vec<(Repository, Digest)>| -> Vec<String> {
                    all.iter()
                        .map(|(name, digest)| format!("{name}@{digest}"))
                        .collect()
                };
                row.bytes = plan.blobs.iter().map(|blob| blob.size).sum();
                row.blobs = plan
                    .blobs
                    .iter()
                    .map(|blob| blob.digest.to_string())
                    .collect();
                row.manifests = named(plan.manifests);
                row.links = named(plan.links);
            }
        }
        row
    });
    Ok(Some(rows.collect()))
}

/// Tagged images that a garbage collection would take something from.
fn affected_images(
    plan: &GcPlan,
    images: &[std::sync::Arc<Image>],
    contents: &BlobTable,
) -> Vec<String> {
    // By path, since a blob may be stored by another digest than an image names it by.
    let paths: HashSet<&str> = plan.blobs.iter().map(|blob| blob.path.as_str()).collect();
    let mut named: HashMap<&Repository, HashSet<&Digest>> = HashMap::new();
    for (repository, digest) in plan.manifests.iter().chain(&plan.links) {
        named.entry(repository).or_default().insert(digest);
    }
    let loses = |image: &Image| {
        let named = named.get(&*image.repository);
        image.items.iter().any(|item| {
            let content = contents.get(item.content);
            paths.contains(&*content.path)
                || named.is_some_and(|named| named.contains(&content.digest))
        })
    };
    let names: BTreeSet<_> = images
        .iter()
        .filter(|image| image.tag.is_some() && loses(image))
        .map(|image| image.reference())
        .collect();
    names.into_iter().collect()
}

/// Problems with the collectors that the user named.
fn demanded(names: &[String], rows: &[CollectionRow]) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    for name in names {
        let Some(row) = rows.iter().find(|row| row.collector == *name) else {
            let known: Vec<_> = rows.iter().map(|row| row.collector.as_str()).collect();
            return Err(Error::Usage(format!(
                "--gc: this storage knows no collector {name:?}; it knows: {}",
                known.join(", ")
            )));
        };
        if row.aborts.is_some() || !row.images.is_empty() {
            problems.push(Problem {
                severity: Severity::Damaged,
                reference: name.clone(),
                origin: None,
                path: None,
                cause: row.says(),
                hint: None,
            });
        }
    }
    Ok(problems)
}

/// Counts what was hashed.
fn totals(contents: &BlobTable, hashed: &Hashed, hashing: Duration) -> Totals {
    // In a format without shared content a digest may be in many files.
    let once = |id: &BlobId| contents.find(&contents.get(*id).digest) == Some(*id);
    let there = || {
        let different = contents.ids().filter(once);
        different.filter_map(|id| contents.get(id).size())
    };
    Totals {
        blobs: there().count(),
        bytes: there().sum(),
        hashed: hashed.bytes,
        hashing_ms: milliseconds(hashing),
        ..Totals::default()
    }
}

impl Row {
    fn new(problem: &Problem) -> Self {
        let severity = match problem.severity {
            Severity::Unreadable => "unreadable",
            _ => "damaged",
        };
        Self {
            severity,
            reference: problem.reference.clone(),
            path: problem.path.clone(),
            cause: problem.cause.clone(),
            hint: problem.hint.clone(),
        }
    }
}

impl CollectionRow {
    /// In a line.
    fn says(&self) -> String {
        if let Some(cause) = &self.aborts {
            return format!("would abort: {cause}");
        }
        let parts: Vec<_> = [
            (self.manifests.len(), "manifest"),
            (self.blobs.len(), "blob"),
            (self.links.len(), "layer link"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| text::count(count, what))
        .collect();
        if parts.is_empty() {
            return "would delete nothing".into();
        }
        let images = match self.images.as_slice() {
            [] => "nothing of a tagged image".into(),
            images => format!("of tagged images: {}", images.join(", ")),
        };
        let size = text::bytes(self.bytes);
        format!("would delete {} ({size}), {images}", parts.join(", "))
    }
}

fn print(verified: &Verified, problems: &[Problem], format: Format) -> Result<(), Error> {
    let printed = match format {
        Format::Json => serde_json::to_string_pretty(verified)
            .map_err(|error| Error::Internal(error.to_string()))?,
        Format::Text => draw(verified, problems),
    };
    super::print(&printed)
}

/// For people: a line for each problem and each collector, and one that sums up.
fn draw(verified: &Verified, problems: &[Problem]) -> String {
    let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    if !verified.audited {
        let storage = text::visible(&verified.storage);
        lines.push(format!(
            "{storage}: only tagged images were checked; this format has no `audit`"
        ));
    }
    for row in &verified.collections {
        let line = format!("gc: {}: {}", row.collector, row.says());
        lines.push(text::visible(&line).into_owned());
    }
    let totals = &verified.totals;
    let per_second = totals.hashed as f64 / (totals.hashing_ms / 1e3).max(1e-6);
    let sparse = match totals.sparse {
        0 => String::new(),
        count => format!(", {} left out", text::count(count, "child manifest")),
    };
    let line = format!(
        "{}: {}, {}, {} ({}){sparse}: {}; hashed {} at {}/s",
        verified.storage,
        text::count(totals.repositories, "repository"),
        text::count(totals.tags, "tag"),
        text::count(totals.blobs, "blob"),
        text::bytes(totals.bytes),
        match problems.len() {
            0 => "whole".into(),
            count => text::count(count, "problem"),
        },
        text::bytes(totals.hashed),
        text::bytes(per_second as u64),
    );
    lines.push(text::visible(&line).into_owned());
    lines.join("\n")
}
