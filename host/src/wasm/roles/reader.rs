//! The role of a reader: it is asked for images, and its answers are checked.

use std::fmt::Display;
use std::sync::Arc;

use regcarve_types::{Digest, Platform, Repository, Tag};

use crate::error::Error;
use crate::fs::{MAX_FILE, OsError, ReadError, SourceTree, TreePath};
use crate::hash_map::{HashMap, HashSet};
use crate::release::answers::{
    BlobLocation, Damage, FoundImage, GcCollector, GcOutcome, GcPlan, ImageRequest, Resolution,
    UnreferencedBlob, UntaggedContent,
};
use crate::release::image::{ClosureEntry, Kind};
use crate::release::problem::{Problem, Severity};
use crate::text;
use crate::wasm::bindings::auditor;
use crate::wasm::bindings::auditor::exports::regcarve::plugin::audit;
use crate::wasm::bindings::reader as bindings;
use crate::wasm::bindings::reader::exports::regcarve::plugin::read;
use crate::wasm::bindings::{source, types};
use crate::wasm::component::Component;
use crate::wasm::instance::Instance;
use crate::wasm::state::{Capability, State};

/// A running reader.
pub struct Reader {
    instance: Instance<World>,
    names: Names,
}

/// The interfaces that a reader exports.
struct World {
    read: bindings::Reader,
    /// Optional in the contract.
    audit: Option<auditor::Auditor>,
}

/// Media types and platforms occur again and again; each is kept once.
#[derive(Default)]
struct Names {
    media_types: HashMap<String, Arc<str>>,
    platforms: HashMap<Platform, Arc<Platform>>,
}

impl Reader {
    /// Starts an instance that may read `tree`.
    pub fn start(component: &Component, tree: &SourceTree) -> Result<Self, Error> {
        let capability = Capability::Source(SourceHost {
            tree: tree.for_worker(),
            verified: HashMap::default(),
            fault: None,
        });
        let instance = component.instantiate(capability, |pre, store| {
            let instance = pre.instantiate(&mut *store)?;
            let read = bindings::ReaderIndices::new(pre)?.load(&mut *store, &instance)?;
            let audit = component
                .has_audit()
                .then(|| auditor::AuditorIndices::new(pre)?.load(&mut *store, &instance))
                .transpose()?;
            Ok(World { read, audit })
        })?;
        Ok(Self {
            instance,
            names: Names::default(),
        })
    }

    /// Lists the names of all repositories, sorted.
    pub fn repositories(&mut self) -> Result<Vec<Repository>, Error> {
        let answer = self.read(|read, store| read.call_repositories(store))?;
        let names =
            answer.map_err(|failure| self.source_problem("the list of repositories", failure))?;
        self.names(&names, Repository::parse)
    }

    /// Lists the names of all tags of a repository, sorted; `None` if there is no such repository.
    pub fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Error> {
        match self.read(|read, store| read.call_tags(store, repository.as_str()))? {
            Ok(names) => self.names(&names, Tag::parse).map(Some),
            Err(types::Failure::NotFound) => Ok(None),
            Err(failure) => Err(self.source_problem(repository.as_str(), failure)),
        }
    }

    /// Resolves images of a repository: one resolution per request, in the same order.
    pub fn resolve(
        &mut self,
        repository: &Repository,
        requests: &[ImageRequest],
    ) -> Result<Vec<Resolution>, Error> {
        let asked: Vec<_> = requests
            .iter()
            .map(|request| read::ImageRequest {
                tag: request.tag.as_ref().map(ToString::to_string),
                digest: request.digest.as_ref().map(ToString::to_string),
            })
            .collect();
        let answers =
            self.read(|read, store| read.call_resolve(store, repository.as_str(), &asked))?;
        self.check_fault(repository.as_str())?;
        self.charge(answers.iter());
        if answers.len() != requests.len() {
            return Err(self.invalid_answer(format!(
                "{} answers to {} requests",
                answers.len(),
                requests.len()
            )));
        }
        answers
            .into_iter()
            .zip(requests)
            .map(|(answer, request)| self.resolution(answer, Some(request)))
            .collect()
    }

    /// Finds the direct referrers of manifests, each with its subject.
    pub fn referrers(
        &mut self,
        repository: &Repository,
        subjects: &[Digest],
    ) -> Result<Vec<(Digest, Resolution)>, Error> {
        let digests: Vec<_> = subjects.iter().map(ToString::to_string).collect();
        let answers =
            self.read(|read, store| read.call_referrers(store, repository.as_str(), &digests))?;
        self.check_fault(repository.as_str())?;
        self.charge(answers.iter().map(|answer| &answer.resolution));
        let asked: HashSet<_> = subjects.iter().collect();
        answers
            .into_iter()
            .map(|answer| {
                let subject = self.digest(&answer.subject)?;
                if !asked.contains(&subject) {
                    return Err(self.invalid_answer(format!("{subject} was not asked about")));
                }
                Ok((subject, self.resolution(answer.resolution, None)?))
            })
            .collect()
    }

    /// Lists the untagged content of a repository; `None` if the reader has no `audit`.
    pub fn untagged(&mut self, repository: &Repository) -> Result<Option<UntaggedContent>, Error> {
        let name = repository.as_str();
        let Some(answer) = self.audit(|audit, store| audit.call_untagged(store, name))? else {
            return Ok(None);
        };
        let content = answer.map_err(|failure| self.source_problem(name, failure))?;
        self.check_fault(name)?;
        let told = size_of_val(&*content.manifests) + size_of_val(&*content.damages);
        self.instance.state().meter.charge_bytes(told);
        let mut manifests: Vec<Digest> = Vec::with_capacity(content.manifests.len());
        for text in &content.manifests {
            let digest = self.digest(text)?;
            if manifests.last().is_some_and(|last| *last >= digest) {
                return Err(self.invalid_answer(format!(
                    "untagged manifests of {name} that are not sorted: {digest}"
                )));
            }
            manifests.push(digest);
        }
        Ok(Some(UntaggedContent {
            manifests,
            damages: content.damages.into_iter().map(damage).collect(),
        }))
    }

    /// Predicts what garbage collectors would do to the storage; `None` if the reader has no `audit`.
    pub fn garbage(&mut self) -> Result<Option<Vec<GcCollector>>, Error> {
        let Some(answer) = self.audit(|audit, store| audit.call_garbage(store))? else {
            return Ok(None);
        };
        let collectors =
            answer.map_err(|failure| self.source_problem("garbage collection", failure))?;
        self.check_fault("garbage collection")?;
        collectors
            .into_iter()
            .map(|collector| {
                Ok(GcCollector {
                    name: collector.name,
                    outcome: match collector.outcome {
                        audit::GcOutcome::Aborts(cause) => GcOutcome::Aborts(cause),
                        audit::GcOutcome::Completes(plan) => {
                            GcOutcome::Completes(self.gc_plan(plan)?)
                        }
                    },
                })
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn gc_plan(&self, plan: audit::GcPlan) -> Result<GcPlan, Error> {
        let pairs = |all: Vec<audit::RepositoryDigest>| -> Result<Vec<_>, Error> {
            all.into_iter()
                .map(|one| {
                    let repository = Repository::parse(&one.repository)
                        .map_err(|error| self.invalid_answer(error.to_string()))?;
                    Ok((repository, self.digest(&one.digest)?))
                })
                .collect()
        };
        let blob = |blob: audit::UnreferencedBlob| {
            Ok(UnreferencedBlob {
                digest: self.digest(&blob.digest)?,
                path: blob.path,
                size: blob.size,
            })
        };
        Ok(GcPlan {
            manifests: pairs(plan.manifests)?,
            links: pairs(plan.links)?,
            blobs: plan
                .blobs
                .into_iter()
                .map(blob)
                .collect::<Result<_, Error>>()?,
        })
    }

    /// Takes the digests that the host has verified for this instance since the last time, with their files.
    pub fn take_verified(&mut self) -> HashMap<Digest, String> {
        match &mut self.instance.state().capability {
            Capability::Source(capability) => std::mem::take(&mut capability.verified),
            _ => HashMap::default(),
        }
    }

    fn read<T>(
        &mut self,
        call: impl FnOnce(&read::Guest, &mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        self.instance
            .run(|store, world| call(world.read.regcarve_plugin_read(), store))
    }

    fn audit<T>(
        &mut self,
        call: impl FnOnce(&audit::Guest, &mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<Option<T>, Error> {
        self.instance.run(|store, world| {
            let audit = world.audit.as_ref();
            audit
                .map(|audit| call(audit.regcarve_plugin_audit(), store))
                .transpose()
        })
    }

    fn names<T: Ord, E: Display>(
        &self,
        names: &[String],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, Error> {
        let mut parsed = Vec::with_capacity(names.len());
        for name in names {
            let name =
                parse(name).map_err(|error| self.invalid_answer(format!("{name:?}: {error}")))?;
            parsed.push(name);
        }
        // Sorted by contract; cheap to make sure of.
        parsed.sort_unstable();
        Ok(parsed)
    }

    /// Counts images as bytes that the host has read for this reader: it keeps them.
    fn charge<'a>(&mut self, answers: impl Iterator<Item = &'a read::Resolution>) {
        let located = |located: &read::LocatedEntry| {
            let entry = &located.entry;
            size_of_val(located)
                + located.path.len()
                + entry.media_type.len()
                + size_of_val(&*entry.children)
        };
        let answer = |answer: &read::Resolution| match answer {
            read::Resolution::Found(image) => image.entries.iter().map(located).sum(),
            _ => size_of_val(answer),
        };
        let told = answers.map(answer).sum();
        self.instance.state().meter.charge_bytes(told);
    }

    fn resolution(
        &mut self,
        answer: read::Resolution,
        request: Option<&ImageRequest>,
    ) -> Result<Resolution, Error> {
        let image = match answer {
            read::Resolution::Found(image) => image,
            read::Resolution::NoRepository => return Ok(Resolution::NoRepository),
            read::Resolution::Missing(cause) => {
                return Ok(Resolution::Missing(text::shortened(cause)));
            }
            read::Resolution::Damaged(damages) => {
                return Ok(Resolution::Damaged(
                    damages.into_iter().map(damage).collect(),
                ));
            }
        };
        let digest = self.digest(&image.digest)?;
        let tag = image
            .tag
            .as_deref()
            .map(Tag::parse)
            .transpose()
            .map_err(|error| self.invalid_answer(error.to_string()))?;
        if let Some(request) = request
            && (tag != request.tag || request.digest.is_some_and(|asked| asked != digest))
        {
            return Err(
                self.invalid_answer(format!("another image ({digest}) than the one asked for"))
            );
        }
        let count = image.entries.len();
        let mut seen = HashSet::with_capacity_and_hasher(count, Default::default());
        let mut entries = Vec::with_capacity(count);
        for located in image.entries {
            let entry = self.entry(located, count)?;
            let digest = entry.content.digest;
            if !seen.insert(digest) {
                return Err(self.invalid_answer(format!("{digest} twice in one image")));
            }
            entries.push(entry);
        }
        match entries.first() {
            Some(top) if top.content.digest == digest && top.kind.is_manifest() => {
                Ok(Resolution::Found(FoundImage {
                    tag,
                    digest,
                    entries,
                }))
            }
            _ => Err(self.invalid_answer(format!(
                "the closure of {digest} does not begin with its manifest"
            ))),
        }
    }

    /// Checks one of `count` entries of a closure.
    fn entry(
        &mut self,
        located: read::LocatedEntry,
        count: usize,
    ) -> Result<ClosureEntry<BlobLocation>, Error> {
        let read::LocatedEntry {
            entry,
            path,
            optional,
        } = located;
        if let Err(error) = TreePath::parse(&path) {
            return Err(self.invalid_answer(format!("the path {path:?}: {error}")));
        }
        let digest = self.digest(&entry.digest)?;
        // Each at most once, so that the lists cannot be longer than the image is.
        if entry.children.len() > count {
            return Err(self.invalid_answer(format!(
                "{digest} names {} blobs in an image of {count}",
                entry.children.len()
            )));
        }
        if entry.children.iter().any(|child| *child as usize >= count) {
            return Err(
                self.invalid_answer(format!("{digest} names a blob that is not in the closure"))
            );
        }
        let kind = kind_in(entry.kind);
        if optional && kind.is_manifest() {
            return Err(self.invalid_answer(format!(
                "the manifest {digest} is optional; only layers can be"
            )));
        }
        let describes = entry.describes.as_deref();
        Ok(ClosureEntry {
            content: BlobLocation { digest, path },
            kind,
            media_type: self.names.media_type(entry.media_type),
            // A malformed platform is no reason to lose an image: it only cannot be chosen.
            platform: entry
                .platform
                .and_then(|platform| platform_in(&platform))
                .map(|platform| self.names.platform(platform)),
            describes: describes
                .map(|digest| self.digest(digest).map(Box::new))
                .transpose()?,
            // Any descriptor may have `urls`, but an image cannot be used without its config.
            optional: optional && kind == Kind::Layer,
            size: entry.size,
            children: entry.children.into(),
        })
    }

    fn digest(&self, text: &str) -> Result<Digest, Error> {
        Digest::parse(text)
            .map_err(|error| self.invalid_answer(format!("the digest {text:?}: {error}")))
    }

    /// The failure of this reader because of an answer that breaks the contract.
    pub fn invalid_answer(&self, what: String) -> Error {
        self.instance.invalid_answer(what)
    }

    /// An error of the system outweighs what the reader made of it.
    fn check_fault(&mut self, reference: &str) -> Result<(), Error> {
        match self.take_fault() {
            Some(fault) => Err(unreadable(reference, &fault)),
            None => Ok(()),
        }
    }

    fn take_fault(&mut self) -> Option<OsError> {
        match &mut self.instance.state().capability {
            Capability::Source(capability) => capability.fault.take(),
            _ => None,
        }
    }

    /// A failure that ends the search for images.
    fn source_problem(&mut self, reference: &str, failure: types::Failure) -> Error {
        if let Some(fault) = self.take_fault() {
            return unreadable(reference, &fault);
        }
        let cause = match failure {
            types::Failure::NotFound => {
                "the source has no such storage; check the format and the path".into()
            }
            types::Failure::Occupied => "occupied".into(),
            types::Failure::Refused(text)
            | types::Failure::Damaged(text)
            | types::Failure::Other(text) => text::shortened(text),
        };
        Error::problem(Problem {
            severity: Severity::Damaged,
            reference: reference.into(),
            origin: None,
            path: None,
            cause,
            hint: None,
        })
    }
}

impl Names {
    fn media_type(&mut self, name: String) -> Arc<str> {
        match self.media_types.get(&name) {
            Some(shared) => Arc::clone(shared),
            None => {
                let shared: Arc<str> = name.as_str().into();
                self.media_types.insert(name, Arc::clone(&shared));
                shared
            }
        }
    }

    fn platform(&mut self, platform: Platform) -> Arc<Platform> {
        match self.platforms.get(&platform) {
            Some(shared) => Arc::clone(shared),
            None => {
                let shared = Arc::new(platform.clone());
                self.platforms.insert(platform, Arc::clone(&shared));
                shared
            }
        }
    }
}

fn damage(damage: types::Damage) -> Damage {
    Damage {
        path: text::shortened(damage.path),
        cause: text::shortened(damage.cause),
    }
}

fn unreadable(reference: &str, fault: &OsError) -> Error {
    Error::problem(Problem {
        severity: Severity::Unreadable,
        reference: reference.into(),
        origin: None,
        path: None,
        cause: fault.to_string(),
        hint: None,
    })
}

/// From the contract's type.
pub(in crate::wasm) fn kind_in(kind: types::Kind) -> Kind {
    match kind {
        types::Kind::Index => Kind::Index,
        types::Kind::Manifest => Kind::Manifest,
        types::Kind::Config => Kind::Config,
        types::Kind::Layer => Kind::Layer,
    }
}

/// To the contract's type.
pub(in crate::wasm) fn kind_out(kind: Kind) -> types::Kind {
    match kind {
        Kind::Index => types::Kind::Index,
        Kind::Manifest => types::Kind::Manifest,
        Kind::Config => types::Kind::Config,
        Kind::Layer => types::Kind::Layer,
    }
}

/// From the contract's type; nothing if it breaks the grammar.
pub(in crate::wasm) fn platform_in(platform: &types::Platform) -> Option<Platform> {
    Platform::new(
        &platform.os,
        &platform.architecture,
        platform.variant.as_deref(),
        platform.os_version.as_deref(),
    )
    .ok()
}

/// To the contract's type.
pub(in crate::wasm) fn platform_out(platform: &Platform) -> types::Platform {
    types::Platform {
        os: platform.os().into(),
        architecture: platform.architecture().into(),
        variant: platform.variant().map(Into::into),
        os_version: platform.os_version().map(Into::into),
    }
}

/// What the host lends to a reader.
pub(in crate::wasm) struct SourceHost {
    tree: SourceTree,
    /// Digests of blobs that the host has hashed, and their paths.
    verified: HashMap<Digest, String>,
    /// The first fault of the system, kept so that no guest can make it look harmless.
    fault: Option<OsError>,
}

type Answer<T> = Result<T, types::Failure>;

impl SourceHost {
    pub(in crate::wasm) fn read_link(&mut self, path: &str) -> Answer<String> {
        self.ask(path, |tree, path| tree.read_link(path))
            .map(|digest| digest.to_string())
    }

    pub(in crate::wasm) fn read_blob(
        &mut self,
        path: &str,
        expected: Option<&str>,
    ) -> Answer<source::Blob> {
        let expected = expected
            .map(Digest::parse)
            .transpose()
            .map_err(|error| types::Failure::Refused(error.to_string()))?;
        let (digest, bytes) =
            self.ask(path, |tree, path| tree.read_blob(path, expected.as_ref()))?;
        self.verified.insert(digest, path.to_owned());
        Ok(source::Blob {
            digest: digest.to_string(),
            bytes,
        })
    }

    pub(in crate::wasm) fn read_file(&mut self, path: &str) -> Answer<Vec<u8>> {
        self.ask(path, |tree, path| tree.read_file(path, MAX_FILE))
    }

    pub(in crate::wasm) fn file_size(&mut self, path: &str) -> Answer<u64> {
        self.ask(path, |tree, path| tree.file_size(path))
    }

    pub(in crate::wasm) fn list_directory(
        &mut self,
        path: &str,
        after: Option<&str>,
    ) -> Answer<source::Page> {
        // The root has no name of its own; a listing is the one question that makes sense of it.
        let page = match path {
            "" => {
                let listed = self.tree.list_root(after);
                self.answer(listed)
            }
            path => self.ask(path, |tree, path| tree.list(path, after)),
        }?;
        let entries = page
            .entries
            .into_iter()
            .map(|entry| source::DirectoryEntry {
                name: entry.name,
                is_directory: entry.directory,
            });
        Ok(source::Page {
            entries: entries.collect(),
            more: page.more,
        })
    }

    fn ask<T>(
        &mut self,
        path: &str,
        question: impl FnOnce(&SourceTree, TreePath<'_>) -> Result<T, ReadError>,
    ) -> Answer<T> {
        let path =
            TreePath::parse(path).map_err(|error| types::Failure::Refused(error.to_string()))?;
        let answered = question(&self.tree, path);
        self.answer(answered)
    }

    fn answer<T>(&mut self, answered: Result<T, ReadError>) -> Answer<T> {
        answered.map_err(|error| match error {
            ReadError::NotFound => types::Failure::NotFound,
            ReadError::Damaged(text) => types::Failure::Damaged(text),
            ReadError::OsError(fault) => {
                let text = fault.to_string();
                self.fault.get_or_insert(fault);
                types::Failure::Other(text)
            }
        })
    }
}
