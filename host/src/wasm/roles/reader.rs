//! The role of a reader: asked for images, it answers with digests and places in the source.

use regcarve_types::{Digest, Platform, Repository, Tag};

use crate::error::Error;
use crate::fs::{MAX_FILE, OsError, ReadError, SourceTree, TreePath};
use crate::hash_map::{HashMap, HashSet};
use crate::release::image::Kind;
use crate::release::problem::{Problem, Severity};
use crate::text;
use crate::wasm::bindings::reader as bindings;
use crate::wasm::bindings::reader::exports::regcarve::plugin::read as exported;
use crate::wasm::bindings::{source, types};
use crate::wasm::component::Component;
use crate::wasm::instance::Instance;
use crate::wasm::state::Capability;

/// An image that is asked for, by tag, by digest, or by both (which then have to agree).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRequest {
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

/// What became of a request, checked.
#[derive(Debug)]
pub enum Resolution {
    /// EntryKind it is, as far as the reader knows.
    Found(Found),
    /// EntryKind is no such image.
    Missing(String),
    /// It is not whole: files and what is wrong with them.
    Damaged(Vec<(String, String)>),
}

/// An image with all that belongs to it. The first item is the top; every digest occurs once; all positions
/// are within the list.
#[derive(Debug)]
pub struct Found {
    /// Its tag, if it was asked for by tag or found by one.
    pub tag: Option<Tag>,
    /// Of the top.
    pub digest: Digest,
    /// The closure.
    pub items: Vec<FoundEntry>,
}

/// A piece of content and the file that should hold it.
#[derive(Debug)]
pub struct FoundEntry {
    /// Its digest.
    pub digest: Digest,
    /// What the image calls it.
    pub media_type: String,
    /// What the image says of its size.
    pub size: u64,
    /// What it is for.
    pub kind: Kind,
    /// The platform that the naming index gives.
    pub platform: Option<Platform>,
    /// For an attestation: the manifest that it speaks of.
    pub describes: Option<Digest>,
    /// Positions in the same list.
    pub children: Box<[u32]>,
    /// In the source; a valid [`TreePath`].
    pub path: String,
    /// Whether the image is whole without it. Only layers.
    pub optional: bool,
}

/// A program that deletes what it takes for unused, and what it would do.
#[derive(Debug)]
pub struct Collection {
    /// Its name, with version and flags. A text of the component.
    pub collector: String,
    /// What it would do.
    pub forecast: Forecast,
}

/// What a collector would do.
#[derive(Debug)]
pub enum Forecast {
    /// Delete this.
    Sweeps(Sweep),
    /// Give up. A text of the component.
    Aborts(String),
}

/// What a collector would delete.
#[derive(Debug)]
pub struct Sweep {
    /// Manifests that a repository would no longer serve.
    pub manifests: Vec<(Repository, Digest)>,
    /// Files.
    pub blobs: Vec<UnreferencedBlob>,
    /// Blobs that a repository would no longer serve.
    pub links: Vec<(Repository, Digest)>,
}

/// A file that a collector would delete.
#[derive(Debug)]
pub struct UnreferencedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Where the reader says it is.
    pub path: String,
    /// In bytes, as the reader says.
    pub size: u64,
}

/// A reader at work.
pub struct Reader {
    instance: Instance<bindings::Reader>,
}

impl Reader {
    /// A fresh instance that may read `tree`.
    pub fn start(component: &Component, tree: &SourceTree) -> Result<Self, Error> {
        let capability = Capability::Source(SourceHost {
            tree: tree.for_worker(),
            verified: HashMap::default(),
            fault: None,
        });
        let instance = component.instantiate(capability, |pre, store| {
            bindings::ReaderPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self { instance })
    }

    /// The names of all repositories, sorted.
    pub fn repositories(&mut self) -> Result<Vec<Repository>, Error> {
        let answer = self
            .instance
            .run(|store, world| world.regcarve_plugin_read().call_repositories(store))?;
        let names =
            answer.map_err(|failure| self.source_problem("the list of repositories", failure))?;
        self.names(&names, Repository::parse)
    }

    /// The names of all tags of a repository, sorted; none where there is no such repository.
    pub fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Error> {
        let answer = self.instance.run(|store, world| {
            world
                .regcarve_plugin_read()
                .call_tags(store, repository.as_str())
        })?;
        match answer {
            Ok(names) => self.names(&names, Tag::parse).map(Some),
            Err(types::Failure::NotFound) => Ok(None),
            Err(failure) => Err(self.source_problem(repository.as_str(), failure)),
        }
    }

    /// As many answers as selection, in the same order.
    pub fn resolve(
        &mut self,
        repository: &Repository,
        wanted: &[ImageRequest],
    ) -> Result<Vec<Resolution>, Error> {
        let selection: Vec<_> = wanted
            .iter()
            .map(|wanted| exported::Wanted {
                tag: wanted.tag.as_ref().map(ToString::to_string),
                digest: wanted.digest.as_ref().map(ToString::to_string),
            })
            .collect();
        let answers = self.instance.run(|store, world| {
            world
                .regcarve_plugin_read()
                .call_resolve(store, repository.as_str(), &selection)
        })?;
        self.check_fault(repository.as_str())?;
        self.charge(answers.iter());
        if answers.len() != wanted.len() {
            return Err(self.invalid_answer(format!(
                "{} answers to {} selection",
                answers.len(),
                wanted.len()
            )));
        }
        answers
            .into_iter()
            .zip(wanted)
            .map(|(answer, wanted)| self.resolution(answer, Some(wanted)))
            .collect()
    }

    /// Images that speak of these manifests, each with the manifest that it speaks of.
    pub fn attached(
        &mut self,
        repository: &Repository,
        manifests: &[Digest],
    ) -> Result<Vec<(Digest, Resolution)>, Error> {
        let digests: Vec<_> = manifests.iter().map(ToString::to_string).collect();
        let answers = self.instance.run(|store, world| {
            world
                .regcarve_plugin_read()
                .call_attached(store, repository.as_str(), &digests)
        })?;
        self.check_fault(repository.as_str())?;
        self.charge(answers.iter().map(|answer| &answer.resolution));
        let asked: HashSet<_> = manifests.iter().collect();
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

    /// What is wrong with a repository apart from its images: files and what is wrong with them.
    pub fn inspect(&mut self, repository: &Repository) -> Result<Vec<(String, String)>, Error> {
        let damages = self.instance.run(|store, world| {
            world
                .regcarve_plugin_read()
                .call_inspect(store, repository.as_str())
        })?;
        self.check_fault(repository.as_str())?;
        Ok(damages.into_iter().map(damage).collect())
    }

    /// What garbage collectors of this format would do to the storage.
    pub fn collections(&mut self) -> Result<Vec<Collection>, Error> {
        let answer = self
            .instance
            .run(|store, world| world.regcarve_plugin_read().call_collections(store))?;
        let collections =
            answer.map_err(|failure| self.source_problem("garbage collection", failure))?;
        self.check_fault("garbage collection")?;
        collections
            .into_iter()
            .map(|collection| {
                Ok(Collection {
                    collector: collection.collector,
                    forecast: match collection.forecast {
                        exported::Forecast::Aborts(cause) => Forecast::Aborts(cause),
                        exported::Forecast::Sweeps(sweep) => Forecast::Sweeps(self.sweep(sweep)?),
                    },
                })
            })
            .collect()
    }

    fn sweep(&self, sweep: exported::Sweep) -> Result<Sweep, Error> {
        let named = |all: Vec<exported::Named>| -> Result<Vec<_>, Error> {
            all.into_iter()
                .map(|named| {
                    let repository = Repository::parse(&named.repository)
                        .map_err(|error| self.invalid_answer(error.to_string()))?;
                    Ok((repository, self.digest(&named.digest)?))
                })
                .collect()
        };
        let condemned = |blob: exported::Condemned| {
            Ok(UnreferencedBlob {
                digest: self.digest(&blob.digest)?,
                path: blob.path,
                size: blob.size,
            })
        };
        Ok(Sweep {
            manifests: named(sweep.manifests)?,
            links: named(sweep.links)?,
            blobs: sweep
                .blobs
                .into_iter()
                .map(condemned)
                .collect::<Result<_, Error>>()?,
        })
    }

    /// Digests that the host has verified for this instance since this was last asked, and the file that holds each.
    pub fn take_verified(&mut self) -> HashMap<Digest, String> {
        match &mut self.instance.state().capability {
            Capability::Source(capability) => std::mem::take(&mut capability.verified),
            _ => HashMap::default(),
        }
    }

    fn names<T: Ord, E: std::fmt::Display>(
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

    /// Counts images as what the host has read for this reader: it keeps them.
    fn charge<'a>(&mut self, answers: impl Iterator<Item = &'a exported::Resolution>) {
        let located = |located: &exported::Located| {
            let content = &located.content;
            size_of_val(located)
                + located.path.len()
                + content.media_type.len()
                + size_of_val(&*content.children)
        };
        let answer = |answer: &exported::Resolution| match answer {
            exported::Resolution::Found(image) => image.contents.iter().map(located).sum(),
            _ => size_of_val(answer),
        };
        let told = answers.map(answer).sum();
        self.instance.state().meter.charge_bytes(told);
    }

    fn resolution(
        &self,
        answer: exported::Resolution,
        wanted: Option<&ImageRequest>,
    ) -> Result<Resolution, Error> {
        let image = match answer {
            exported::Resolution::Found(image) => image,
            exported::Resolution::Missing(cause) => {
                return Ok(Resolution::Missing(text::shortened(cause)));
            }
            exported::Resolution::Damaged(damages) => {
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
        if let Some(wanted) = wanted
            && (tag != wanted.tag || wanted.digest.is_some_and(|wanted| wanted != digest))
        {
            return Err(
                self.invalid_answer(format!("another image ({digest}) than the one asked for"))
            );
        }
        let count = image.contents.len();
        let mut seen = HashSet::with_capacity_and_hasher(count, Default::default());
        let mut items = Vec::with_capacity(count);
        for located in image.contents {
            let item = self.item(located, count)?;
            if !seen.insert(item.digest) {
                return Err(self.invalid_answer(format!("{} twice in one image", item.digest)));
            }
            items.push(item);
        }
        match items.first() {
            Some(top) if top.digest == digest && top.kind.is_manifest() => {
                Ok(Resolution::Found(Found { tag, digest, items }))
            }
            _ => Err(self.invalid_answer(format!(
                "the contents of {digest} do not begin with its manifest"
            ))),
        }
    }

    fn item(&self, located: exported::Located, count: usize) -> Result<FoundEntry, Error> {
        let content = located.content;
        if let Err(error) = TreePath::parse(&located.path) {
            return Err(self.invalid_answer(format!("the path {:?}: {error}", located.path)));
        }
        // Each at most once, so that nobody can make the lists longer than the image is.
        if content.children.len() > count {
            return Err(self.invalid_answer(format!(
                "{} names {} pieces of content in an image of {count}",
                content.digest,
                content.children.len()
            )));
        }
        if content
            .children
            .iter()
            .any(|child| *child as usize >= count)
        {
            return Err(self.invalid_answer(format!(
                "{} names content that is not in the list",
                content.digest
            )));
        }
        let kind = kind_in(content.kind);
        if located.optional && kind.is_manifest() {
            return Err(self.invalid_answer(format!(
                "the manifest {} is optional; only layers can be",
                content.digest
            )));
        }
        Ok(FoundEntry {
            digest: self.digest(&content.digest)?,
            media_type: content.media_type,
            size: content.size,
            kind,
            // An odd platform is no reason to lose an image: it only cannot be chosen.
            platform: content.platform.and_then(|platform| platform_in(&platform)),
            describes: content
                .describes
                .as_deref()
                .map(|digest| self.digest(digest))
                .transpose()?,
            children: content.children.into(),
            path: located.path,
            // Any descriptor may name other places (`urls`), but nobody can use an image without its config.
            optional: located.optional && kind == Kind::Layer,
        })
    }

    fn digest(&self, text: &str) -> Result<Digest, Error> {
        Digest::parse(text)
            .map_err(|error| self.invalid_answer(format!("the digest {text:?}: {error}")))
    }

    /// A failure of this reader because of what it answered.
    pub fn invalid_answer(&self, what: String) -> Error {
        self.instance.invalid_answer(what)
    }

    /// A fault of the system outweighs what the reader made of it.
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

/// A file and what is wrong with it.
fn damage(damage: exported::Damage) -> (String, String) {
    (text::shortened(damage.path), text::shortened(damage.cause))
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
        let entries = page.entries.into_iter().map(|entry| source::Entry {
            name: entry.name,
            directory: entry.directory,
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
