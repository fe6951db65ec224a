//! The role of a policy: shown images, it says what becomes of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use regcarve_types::{Digest, Platform, Reference, Repository};

use crate::error::Error;
use crate::fs::{MAX_BLOB, ReadError, SourceTree, TreePath};
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::image::{BlobId, Image};
use crate::release::problem::{Problem, Severity};
use crate::text;
use crate::wasm::bindings::policy as bindings;
use crate::wasm::bindings::policy::exports::regcarve::plugin::decide as exported;
use crate::wasm::bindings::types;
use crate::wasm::component::{Component, Instance};
use crate::wasm::failure::FailureKind;
use crate::wasm::roles::reader::{platform_in, platform_out};
use crate::wasm::roles::writer::content_records;
use crate::wasm::state::Capability;

/// What becomes of an image, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It stays.
    Keep,
    /// It stays, but of its platforms only these travel.
    KeepPlatforms(Vec<Platform>),
    /// It gets another top manifest.
    Rewrite {
        /// Children before parents, the new top last.
        manifests: Vec<NewManifest>,
        /// What else travels.
        contents: Vec<Digest>,
    },
    /// It gets another name.
    Rename(Reference),
    /// It does not belong to the release.
    Drop(String),
    /// The release lacks something without it.
    Missing(String),
}

/// A manifest that a policy made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewManifest {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The manifest whose place it takes.
    pub instead_of: Digest,
}

/// Who a policy is.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// A JSON schema of its settings.
    pub settings_schema: String,
}

/// A policy at work.
pub struct Policy {
    instance: Instance<bindings::Policy>,
    /// How decisions are signed: its own name, or its file's.
    name: String,
}

impl Policy {
    /// A fresh instance that may read manifests and configs of the images that it is asked about.
    pub fn start(
        component: &Component,
        source: Arc<SourceTree>,
        contents: Arc<RwLock<BlobTable>>,
    ) -> Result<Self, Error> {
        Self::with_content(component, Some(source), contents)
    }

    /// A fresh instance that may read what the table of contents itself holds, and nothing else.
    pub fn start_on(
        component: &Component,
        contents: Arc<RwLock<BlobTable>>,
    ) -> Result<Self, Error> {
        Self::with_content(component, None, contents)
    }

    fn with_content(
        component: &Component,
        source: Option<Arc<SourceTree>>,
        contents: Arc<RwLock<BlobTable>>,
    ) -> Result<Self, Error> {
        let capability = Capability::Content(ContentHost {
            source,
            contents,
            images: Vec::new(),
            known: None,
            blob_problem: None,
            read: None,
        });
        let instance = component.instantiate(capability, |pre, store| {
            bindings::PolicyPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self {
            name: instance.name.to_string(),
            instance,
        })
    }

    /// A fresh instance without any capability, to be asked who it is.
    pub fn start_alone(component: &Component) -> Result<Self, Error> {
        let instance = component.instantiate(Capability::Nothing, |pre, store| {
            bindings::PolicyPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self {
            name: instance.name.to_string(),
            instance,
        })
    }

    /// How decisions are signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// From now on remembers what this policy reads, for [`Self::take_read`].
    pub fn remember_reads(&mut self) {
        if let Capability::Content(capability) = &mut self.instance.state().capability {
            capability.read = Some(HashMap::new());
        }
    }

    /// What this policy has read since this was last called: the bytes, or `None` where it was told that there
    /// are none.
    pub fn take_read(&mut self) -> HashMap<Digest, Option<Vec<u8>>> {
        match &mut self.instance.state().capability {
            Capability::Content(capability) => capability.read.as_mut().map(std::mem::take),
            _ => None,
        }
        .unwrap_or_default()
    }

    /// Who it is.
    pub fn describe(&mut self) -> Result<Description, Error> {
        let description = self
            .instance
            .run(|store, world| world.regcarve_plugin_decide().call_describe(store))?;
        Ok(Description {
            name: text::shortened(description.name),
            version: text::shortened(description.version),
            summary: text::shortened(description.summary),
            settings_schema: description.settings_schema,
        })
    }

    /// Hands it its settings, a JSON text.
    pub fn configure(&mut self, settings: &str) -> Result<(), Error> {
        let answer = self.instance.run(|store, world| {
            world
                .regcarve_plugin_decide()
                .call_configure(store, settings)
        })?;
        answer.map_err(|diagnostics| {
            let list = diagnostics
                .into_iter()
                .map(|one| (one.path, one.message))
                .collect();
            self.instance.fail(FailureKind::Settings(list)).into()
        })
    }

    /// Asks about the images of one repository.
    pub fn decide(
        &mut self,
        repository: &Repository,
        images: &[Arc<Image>],
    ) -> Result<Vec<Decision>, Error> {
        let rows: Vec<_> = images.iter().map(|image| row(image)).collect();
        if let Capability::Content(capability) = &mut self.instance.state().capability {
            capability.images.clear();
            capability.images.extend_from_slice(images);
            capability.known = None;
            capability.blob_problem = None;
        }
        let answer = self.instance.run(|store, world| {
            world
                .regcarve_plugin_decide()
                .call_decide(store, repository.as_str(), &rows)
        })?;
        let decisions = answer.map_err(|text| self.failed(repository, &text))?;
        if decisions.len() != images.len() {
            return Err(self.invalid_answer(format!(
                "{} decisions on {} images",
                decisions.len(),
                images.len()
            )));
        }
        decisions
            .into_iter()
            .map(|decision| self.decision(decision))
            .collect()
    }

    /// Why it could not decide: what is wrong with the storage, if it came upon that, else its own words.
    fn failed(&mut self, repository: &Repository, text: &str) -> Error {
        if let Capability::Content(capability) = &mut self.instance.state().capability
            && let Some(blob_problem) = capability.blob_problem.take()
        {
            return Error::problem(blob_problem);
        }
        let text = format!("at {repository}: {text}");
        self.instance.fail(FailureKind::GaveUp(text)).into()
    }

    fn decision(&self, decision: exported::Decision) -> Result<Decision, Error> {
        Ok(match decision {
            exported::Decision::Keep => Decision::Keep,
            exported::Decision::Drop(reason) => Decision::Drop(text::shortened(reason)),
            exported::Decision::Missing(cause) => Decision::Missing(text::shortened(cause)),
            exported::Decision::Rename(name) => match Reference::parse(&name) {
                Ok(reference) if reference.tag().is_some() && reference.digest().is_none() => {
                    Decision::Rename(reference)
                }
                Ok(_) => {
                    return Err(self.invalid_answer(format!(
                        "the new name {name:?} has no tag, or has a digest"
                    )));
                }
                Err(error) => {
                    return Err(self.invalid_answer(format!("the new name {name:?}: {error}")));
                }
            },
            exported::Decision::KeepPlatforms(platforms) => Decision::KeepPlatforms(
                platforms
                    .iter()
                    .map(|platform| {
                        platform_in(platform).ok_or_else(|| {
                            self.invalid_answer(format!("the platform {platform:?}"))
                        })
                    })
                    .collect::<Result<_, _>>()?,
            ),
            exported::Decision::Rewrite(rewritten) => Decision::Rewrite {
                manifests: rewritten
                    .manifests
                    .into_iter()
                    .map(|manifest| {
                        Ok(NewManifest {
                            media_type: manifest.media_type,
                            bytes: manifest.bytes,
                            instead_of: self.digest(&manifest.instead_of)?,
                        })
                    })
                    .collect::<Result<_, Error>>()?,
                contents: rewritten
                    .contents
                    .iter()
                    .map(|digest| self.digest(digest))
                    .collect::<Result<_, _>>()?,
            },
        })
    }

    fn digest(&self, text: &str) -> Result<Digest, Error> {
        Digest::parse(text)
            .map_err(|error| self.invalid_answer(format!("the digest {text:?}: {error}")))
    }

    /// A failure of this policy because of what it answered.
    pub fn invalid_answer(&self, what: String) -> Error {
        self.instance.fail(FailureKind::Answer(what)).into()
    }
}

/// What a policy is shown of an image.
fn row(image: &Image) -> exported::Image {
    exported::Image {
        tag: image.tag.as_ref().map(ToString::to_string),
        digest: image.digest.to_string(),
        media_type: image.top().media_type.to_string(),
        size: image.size,
        platforms: image.platforms().map(platform_out).collect(),
    }
}

/// What the host lends to a policy.
pub(in crate::wasm) struct ContentHost {
    /// Where files are. Without it there is only what a table holds.
    source: Option<Arc<SourceTree>>,
    contents: Arc<RwLock<BlobTable>>,
    /// The images of the call at hand.
    images: Vec<Arc<Image>>,
    /// Content of these images; made when it is first asked for.
    known: Option<HashMap<Digest, (BlobId, bool)>>,
    /// The first thing in this call that could not be read because of the storage. It is not the policy's fault.
    blob_problem: Option<Problem>,
    /// What has been read, if somebody wants to know.
    read: Option<HashMap<Digest, Option<Vec<u8>>>>,
}

impl ContentHost {
    pub(in crate::wasm) fn closure(
        &mut self,
        image: &str,
    ) -> Result<Vec<types::ClosureEntry>, types::Failure> {
        let digest = parse(image)?;
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        match self.images.iter().find(|image| image.digest == digest) {
            Some(image) => Ok(content_records(&image.items, &contents)),
            None => Err(types::Failure::Refused(format!(
                "{digest} is none of the images in this call"
            ))),
        }
    }

    pub(in crate::wasm) fn read_blob(&mut self, digest: &str) -> Result<Vec<u8>, types::Failure> {
        let digest = parse(digest)?;
        let answer = self.read(digest);
        if let Some(read) = &mut self.read
            && let Ok(_) | Err(types::Failure::NotFound) = &answer
        {
            read.insert(digest, answer.as_ref().ok().cloned());
        }
        answer
    }

    fn read(&mut self, digest: Digest) -> Result<Vec<u8>, types::Failure> {
        let known = self
            .known
            .get_or_insert_with(|| known(&self.images, &self.contents));
        let refused = |text: &str| Err(types::Failure::Refused(format!("{digest} {text}")));
        let id = match known.get(&digest) {
            Some((id, true)) => *id,
            Some((_, false)) => {
                return refused("is a layer; only manifests and configs can be read");
            }
            None => return refused("belongs to none of the images in this call"),
        };
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        let content = contents.get(id);
        match &content.presence {
            BlobState::Made(bytes) => return Ok(bytes.clone()),
            BlobState::File(size) if *size > MAX_BLOB => {
                return refused(&format!("has {size} bytes; {MAX_BLOB} can be read"));
            }
            _ => {}
        }
        let Some(source) = &self.source else {
            return Err(types::Failure::NotFound);
        };
        let path = TreePath::parse(&content.path)
            .map_err(|error| types::Failure::Other(error.to_string()))?;
        match source.read_blob(path, Some(&digest)) {
            Ok((_, bytes)) => Ok(bytes),
            Err(ReadError::NotFound) => Err(types::Failure::NotFound),
            Err(ReadError::Damaged(text)) => {
                let failure = types::Failure::Damaged(format!("{path}: {text}"));
                let blob_problem = self.blob_problem(id, Severity::Damaged, path, &text);
                self.blob_problem.get_or_insert(blob_problem);
                drop(contents);
                self.note(id, BlobState::Damaged(text));
                Err(failure)
            }
            Err(ReadError::OsError(fault)) => {
                let text = fault.to_string();
                let blob_problem = self.blob_problem(id, Severity::Unreadable, path, &text);
                self.blob_problem.get_or_insert(blob_problem);
                drop(contents);
                self.note(id, BlobState::Unreadable(text.clone()));
                Err(types::Failure::Other(text))
            }
        }
    }

    /// What the host saw counts, whatever the policy makes of it: an image that stays needs this content.
    fn note(&self, id: BlobId, presence: BlobState) {
        let mut contents = self
            .contents
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        contents.get_mut(id).presence = presence;
    }

    /// What is wrong with the file of some content of the images at hand.
    fn blob_problem(
        &self,
        id: BlobId,
        severity: Severity,
        path: TreePath<'_>,
        cause: &str,
    ) -> Problem {
        let owner = self
            .images
            .iter()
            .find(|image| image.items.iter().any(|item| item.content == id));
        Problem {
            severity,
            reference: owner.map(|image| image.reference()).unwrap_or_default(),
            origin: owner.map(|image| image.origin.clone()),
            path: Some(path.to_string()),
            cause: cause.into(),
            hint: None,
        }
    }
}

/// All content of some images, and whether a policy may read it.
fn known(images: &[Arc<Image>], contents: &RwLock<BlobTable>) -> HashMap<Digest, (BlobId, bool)> {
    let contents = contents.read().unwrap_or_else(PoisonError::into_inner);
    let mut known = HashMap::new();
    for item in images.iter().flat_map(|image| &image.items) {
        let readable = item.kind != crate::release::image::Kind::Layer;
        let digest = contents.get(item.content).digest;
        // The same bytes may be a layer here and a config there.
        known.entry(digest).or_insert((item.content, false)).1 |= readable;
    }
    known
}

fn parse(digest: &str) -> Result<Digest, types::Failure> {
    Digest::parse(digest).map_err(|error| types::Failure::Refused(error.to_string()))
}
