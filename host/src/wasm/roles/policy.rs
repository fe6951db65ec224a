//! The role of a policy: shown images, it says what becomes of them.

use std::collections::HashMap;
use std::sync::Arc;

use regcarve_types::{Digest, Reference, Repository};

use crate::error::Error;
use crate::fs::{MAX_BLOB, ReadError, SourceTree, TreePath};
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::decision::{Decision, Description, NewManifest};
use crate::release::image::{BlobId, Image, Kind};
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

/// What a policy answered about the images of one call.
#[derive(Debug)]
pub struct Decided {
    /// One decision for each image, in the order of the images.
    pub decisions: Vec<Decision>,
    /// Blobs that the host found damaged or unreadable while the policy read them. The caller enters them into the
    /// table: an image that stays needs them, whatever the policy made of the failure.
    pub unreadable: Vec<(BlobId, BlobState)>,
}

/// A policy at work.
pub struct Policy {
    instance: Instance<bindings::Policy>,
    /// How decisions are signed: its own name, or its file's.
    name: String,
}

impl Policy {
    /// A fresh instance that may read manifests and configs of the images that it is asked about.
    pub fn start(component: &Component, source: Arc<SourceTree>) -> Result<Self, Error> {
        Self::with_content(component, Some(source))
    }

    /// A fresh instance that may read the blobs that the table itself holds, and no file.
    pub fn start_without_source(component: &Component) -> Result<Self, Error> {
        Self::with_content(component, None)
    }

    fn with_content(component: &Component, source: Option<Arc<SourceTree>>) -> Result<Self, Error> {
        let capability = Capability::Content(ContentHost::new(source));
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

    /// Asks about the images of one repository. The policy may read their manifests and configs, which `blobs` knows,
    /// until this returns; then nothing here holds on to `blobs` or `images` any more.
    pub fn decide(
        &mut self,
        blobs: &Arc<BlobTable>,
        repository: &Repository,
        images: &[Arc<Image>],
    ) -> Result<Decided, Error> {
        let rows: Vec<_> = images.iter().map(|image| row(image)).collect();
        if let Capability::Content(capability) = &mut self.instance.state().capability {
            capability.shown = Shown::new(blobs, images);
        }
        let answer = self.instance.run(|store, world| {
            world
                .regcarve_plugin_decide()
                .call_decide(store, repository.as_str(), &rows)
        });
        let shown = match &mut self.instance.state().capability {
            Capability::Content(capability) => std::mem::take(&mut capability.shown),
            _ => Shown::default(),
        };
        let decisions = answer?.map_err(|text| self.failed(shown.problem, repository, &text))?;
        if decisions.len() != images.len() {
            return Err(self.invalid_answer(format!(
                "{} decisions on {} images",
                decisions.len(),
                images.len()
            )));
        }
        let decisions = decisions
            .into_iter()
            .map(|decision| self.decision(decision))
            .collect::<Result<_, _>>()?;
        Ok(Decided {
            decisions,
            unreadable: shown.unreadable,
        })
    }

    /// The error of a policy that could not decide: what is wrong with the storage, if the policy came upon that, else
    /// its own words.
    fn failed(&self, problem: Option<Problem>, repository: &Repository, text: &str) -> Error {
        match problem {
            Some(problem) => Error::problem(problem),
            None => {
                let text = format!("at {repository}: {text}");
                self.instance.fail(FailureKind::GaveUp(text)).into()
            }
        }
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

/// The capability of a policy: reading manifests and configs of the images that it is asked about.
pub(in crate::wasm) struct ContentHost {
    /// Where files are. Without it there is only what a table holds.
    source: Option<Arc<SourceTree>>,
    /// The images of the call at hand; empty between calls.
    shown: Shown,
    /// What has been read, if it is to be recorded.
    read: Option<HashMap<Digest, Option<Vec<u8>>>>,
}

/// The images of one call, and what reading their blobs has shown.
#[derive(Default)]
struct Shown {
    blobs: Arc<BlobTable>,
    images: Vec<Arc<Image>>,
    /// The blobs of these images and whether the policy may read each; made when the first is asked for.
    readable: Option<HashMap<Digest, (BlobId, bool)>>,
    /// The first blob in this call that could not be read because of the storage. It is not the policy's fault.
    problem: Option<Problem>,
    /// All of them.
    unreadable: Vec<(BlobId, BlobState)>,
}

impl ContentHost {
    fn new(source: Option<Arc<SourceTree>>) -> Self {
        Self {
            source,
            shown: Shown::default(),
            read: None,
        }
    }

    pub(in crate::wasm) fn closure(
        &mut self,
        image: &str,
    ) -> Result<Vec<types::Content>, types::Failure> {
        let digest = parse(image)?;
        let Shown { blobs, images, .. } = &self.shown;
        match images.iter().find(|image| image.digest == digest) {
            Some(image) => Ok(content_records(&image.items, blobs)),
            None => Err(types::Failure::Refused(format!(
                "{digest} is none of the images in this call"
            ))),
        }
    }

    pub(in crate::wasm) fn read_blob(&mut self, digest: &str) -> Result<Vec<u8>, types::Failure> {
        let digest = parse(digest)?;
        let answer = self.shown.read(self.source.as_deref(), digest);
        if let Some(read) = &mut self.read
            && let Ok(_) | Err(types::Failure::NotFound) = &answer
        {
            read.insert(digest, answer.as_ref().ok().cloned());
        }
        answer
    }
}

impl Shown {
    fn new(blobs: &Arc<BlobTable>, images: &[Arc<Image>]) -> Self {
        Self {
            blobs: Arc::clone(blobs),
            images: images.to_vec(),
            ..Self::default()
        }
    }

    fn read(
        &mut self,
        source: Option<&SourceTree>,
        digest: Digest,
    ) -> Result<Vec<u8>, types::Failure> {
        let refused = |text: &str| Err(types::Failure::Refused(format!("{digest} {text}")));
        let id = match self.find(&digest) {
            Some((id, true)) => id,
            Some((_, false)) => {
                return refused("is a layer; only manifests and configs can be read");
            }
            None => return refused("belongs to none of the images in this call"),
        };
        let blobs = Arc::clone(&self.blobs);
        let blob = blobs.get(id);
        match &blob.presence {
            BlobState::Made(bytes) => return Ok(bytes.clone()),
            BlobState::File(size) if *size > MAX_BLOB => {
                return refused(&format!("has {size} bytes; {MAX_BLOB} can be read"));
            }
            _ => {}
        }
        let Some(source) = source else {
            return Err(types::Failure::NotFound);
        };
        let path = TreePath::parse(&blob.path)
            .map_err(|error| types::Failure::Other(error.to_string()))?;
        match source.read_blob(path, Some(&digest)) {
            Ok((_, bytes)) => Ok(bytes),
            Err(ReadError::NotFound) => Err(types::Failure::NotFound),
            Err(ReadError::Damaged(text)) => {
                let failure = types::Failure::Damaged(format!("{path}: {text}"));
                self.note(id, Severity::Damaged, path, &text);
                self.unreadable.push((id, BlobState::Damaged(text)));
                Err(failure)
            }
            Err(ReadError::OsError(error)) => {
                let text = error.to_string();
                self.note(id, Severity::Unreadable, path, &text);
                self.unreadable
                    .push((id, BlobState::Unreadable(text.clone())));
                Err(types::Failure::Other(text))
            }
        }
    }

    /// The blob with this digest in the images at hand, and whether a policy may read it.
    fn find(&mut self, digest: &Digest) -> Option<(BlobId, bool)> {
        let Self { blobs, images, .. } = &*self;
        let readable = || {
            let mut readable = HashMap::new();
            for entry in images.iter().flat_map(|image| &image.items) {
                let digest = blobs.get(entry.content).digest;
                // The same bytes may be a layer here and a config there.
                readable.entry(digest).or_insert((entry.content, false)).1 |=
                    entry.kind != Kind::Layer;
            }
            readable
        };
        if self.readable.is_none() {
            self.readable = Some(readable());
        }
        self.readable.as_ref()?.get(digest).copied()
    }

    /// Remembers the first problem of this call.
    fn note(&mut self, id: BlobId, severity: Severity, path: TreePath<'_>, cause: &str) {
        let owner = self
            .images
            .iter()
            .find(|image| image.items.iter().any(|entry| entry.content == id));
        let problem = || Problem {
            severity,
            reference: owner.map(|image| image.reference()).unwrap_or_default(),
            origin: owner.map(|image| image.origin.clone()),
            path: Some(path.to_string()),
            cause: cause.into(),
            hint: None,
        };
        self.problem.get_or_insert_with(problem);
    }
}

fn parse(digest: &str) -> Result<Digest, types::Failure> {
    Digest::parse(digest).map_err(|error| types::Failure::Refused(error.to_string()))
}
