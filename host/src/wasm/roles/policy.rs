//! The role of a policy: shown the images of a repository, it decides about each.

use std::collections::HashMap;
use std::sync::Arc;

use regcarve_types::{Digest, Reference, Repository};

use crate::error::{Error, FailureKind};
use crate::fs::SourceTree;
use crate::release::blob_table::{BlobState, BlobTable};
use crate::release::decision::{Decision, Description, NewManifest};
use crate::release::image::{BlobId, Image};
use crate::release::problem::Problem;
use crate::text;
use crate::wasm::bindings::policy as bindings;
use crate::wasm::bindings::policy::exports::regcarve::plugin::decide as exported;
use crate::wasm::component::Component;
use crate::wasm::convert::{platform_in, platform_out};
use crate::wasm::imports::content::{ContentHost, ShownImages};
use crate::wasm::instance::Instance;
use crate::wasm::state::Capability;

/// A policy's answer about the images of one call.
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
    /// The name that its decisions are signed with: a shipped name, or that of its file.
    name: String,
}

impl Policy {
    /// A fresh instance that may read manifests and configs of the images that it is asked about.
    pub fn start(component: &Component, source: Arc<SourceTree>) -> Result<Self, Error> {
        let content = ContentHost::new(Some(source));
        Self::with_capability(component, Capability::Content(content))
    }

    /// A fresh instance that may read the blobs that the table itself holds, and no file.
    pub fn start_without_source(component: &Component) -> Result<Self, Error> {
        let content = ContentHost::new(None);
        Self::with_capability(component, Capability::Content(content))
    }

    /// A fresh instance without any capability, which can only describe itself and check settings.
    pub fn start_alone(component: &Component) -> Result<Self, Error> {
        Self::with_capability(component, Capability::Nothing)
    }

    fn with_capability(component: &Component, capability: Capability) -> Result<Self, Error> {
        let instance = component.instantiate(capability, |pre, store| {
            bindings::PolicyPre::new(pre.clone())?.instantiate(store)
        })?;
        Ok(Self {
            name: instance.name.to_string(),
            instance,
        })
    }

    /// The name that its decisions are signed with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Records the blobs that this policy reads from now on, for [`Self::take_read`].
    pub fn remember_reads(&mut self) {
        if let Some(content) = self.content() {
            content.read = Some(HashMap::new());
        }
    }

    /// The blobs that this policy has read since the last call of this: their bytes, or `None` where it was told that
    /// there are none.
    pub fn take_read(&mut self) -> HashMap<Digest, Option<Vec<u8>>> {
        self.content()
            .and_then(|content| content.read.as_mut().map(std::mem::take))
            .unwrap_or_default()
    }

    fn content(&mut self) -> Option<&mut ContentHost> {
        match &mut self.instance.state().capability {
            Capability::Content(content) => Some(content),
            _ => None,
        }
    }

    /// The policy's description of itself.
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

    /// Gives it its settings, a JSON text.
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
            self.instance.failure(FailureKind::Settings(list)).into()
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
        if let Some(content) = self.content() {
            content.shown = ShownImages::new(blobs, images);
        }
        let answer = self.instance.run(|store, world| {
            world
                .regcarve_plugin_decide()
                .call_decide(store, repository.as_str(), &rows)
        });
        let shown = self
            .content()
            .map(|content| std::mem::take(&mut content.shown))
            .unwrap_or_default();
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
                let text = format!("{repository}: {text}");
                self.instance.failure(FailureKind::Failed(text)).into()
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

    /// The error of this policy when its answer breaks the contract.
    pub fn invalid_answer(&self, cause: String) -> Error {
        self.instance.invalid_answer(cause)
    }
}

/// The record of an image that a policy is shown.
fn row(image: &Image) -> exported::Image {
    exported::Image {
        tag: image.tag.as_ref().map(ToString::to_string),
        digest: image.digest.to_string(),
        media_type: image.top().media_type.to_string(),
        size: image.size,
        platforms: image.platforms().map(platform_out).collect(),
    }
}
