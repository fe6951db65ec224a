//! The role of a reader: it is asked for images, and its answers are checked.

use std::borrow::Borrow;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;

use regcarve_types::{Digest, Platform, Repository, Tag};

use crate::error::Error;
use crate::fs::{OsError, SourceTree, TreePath};
use crate::hash_map::{HashMap, HashSet};
use crate::release::answers::{BlobLocation, Damage, FoundImage, ImageRequest, Resolution};
use crate::release::image::{ClosureEntry, Kind};
use crate::release::problem::{Problem, Severity};
use crate::text;
use crate::wasm::bindings::reader as bindings;
use crate::wasm::bindings::reader::exports::regcarve::plugin::read;
use crate::wasm::bindings::{auditor, types};
use crate::wasm::component::Component;
use crate::wasm::convert::{kind_in, platform_in};
use crate::wasm::imports::source::SourceHost;
use crate::wasm::instance::Instance;
use crate::wasm::state::{Capability, State};

/// A running reader.
pub struct Reader {
    pub(super) instance: Instance<World>,
    names: Names,
}

/// The interfaces that a reader exports.
pub(super) struct World {
    read: bindings::Reader,
    /// Optional in the contract.
    pub(super) audit: Option<auditor::Auditor>,
}

/// Media types and platforms occur again and again; each is kept once.
#[derive(Default)]
struct Names {
    media_types: HashSet<Arc<str>>,
    platforms: HashSet<Arc<Platform>>,
}

impl Reader {
    /// Starts an instance that may read `tree`.
    pub fn start(component: &Component, tree: &SourceTree) -> Result<Self, Error> {
        let capability = Capability::Source(SourceHost::new(tree.for_worker()));
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
        self.check_source(repository.as_str())?;
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
        self.check_source(repository.as_str())?;
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

    /// Takes the digests that the host has verified for this instance since the last time, with their files.
    pub fn take_verified(&mut self) -> HashMap<Digest, String> {
        self.source()
            .map(SourceHost::take_verified)
            .unwrap_or_default()
    }

    fn source(&mut self) -> Option<&mut SourceHost> {
        match &mut self.instance.state().capability {
            Capability::Source(source) => Some(source),
            _ => None,
        }
    }

    fn read<T>(
        &mut self,
        call: impl FnOnce(&read::Guest, &mut wasmtime::Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        self.instance
            .run(|store, world| call(world.read.regcarve_plugin_read(), store))
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
        let bytes = answers.map(answer).sum();
        self.instance.state().meter.charge_bytes(bytes);
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
            let digest = entry.blob.digest;
            if !seen.insert(digest) {
                return Err(self.invalid_answer(format!("{digest} twice in one image")));
            }
            entries.push(entry);
        }
        match entries.first() {
            Some(top) if top.blob.digest == digest && top.kind.is_manifest() => {
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
            blob: BlobLocation { digest, path },
            kind,
            media_type: shared(&mut self.names.media_types, entry.media_type),
            // A malformed platform is no reason to lose an image: it only cannot be chosen.
            platform: entry
                .platform
                .and_then(|platform| platform_in(&platform))
                .map(|platform| shared(&mut self.names.platforms, platform)),
            describes: describes
                .map(|digest| self.digest(digest).map(Box::new))
                .transpose()?,
            // Any descriptor may have `urls`, but an image cannot be used without its config.
            optional: optional && kind == Kind::Layer,
            size: entry.size,
            children: entry.children.into(),
        })
    }

    pub(super) fn digest(&self, text: &str) -> Result<Digest, Error> {
        Digest::parse(text)
            .map_err(|error| self.invalid_answer(format!("the digest {text:?}: {error}")))
    }

    /// The failure of this reader because of an answer that breaks the contract.
    pub fn invalid_answer(&self, what: String) -> Error {
        self.instance.invalid_answer(what)
    }

    /// An error of the system outweighs what the reader made of it.
    pub(super) fn check_source(&mut self, reference: &str) -> Result<(), Error> {
        match self.take_os_error() {
            Some(error) => Err(unreadable(reference, &error)),
            None => Ok(()),
        }
    }

    fn take_os_error(&mut self) -> Option<OsError> {
        self.source().and_then(SourceHost::take_os_error)
    }

    /// A failure that ends the search for images.
    pub(super) fn source_problem(&mut self, reference: &str, failure: types::Failure) -> Error {
        if let Some(error) = self.take_os_error() {
            return unreadable(reference, &error);
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

/// The copy of a value that all its users share.
fn shared<T>(known: &mut HashSet<Arc<T>>, value: impl Borrow<T> + Into<Arc<T>>) -> Arc<T>
where
    T: ?Sized + Eq + Hash,
{
    if let Some(shared) = known.get(value.borrow()) {
        return Arc::clone(shared);
    }
    let shared = value.into();
    known.insert(Arc::clone(&shared));
    shared
}

/// A wrong file, in words that are not too long.
pub(super) fn damage(damage: types::Damage) -> Damage {
    Damage {
        path: text::shortened(damage.path),
        cause: text::shortened(damage.cause),
    }
}

fn unreadable(reference: &str, error: &OsError) -> Error {
    Error::problem(Problem {
        severity: Severity::Unreadable,
        reference: reference.into(),
        origin: None,
        path: None,
        cause: error.to_string(),
        hint: None,
    })
}
