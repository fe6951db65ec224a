//! The optional half of a reader: it lists untagged content and predicts garbage collection, and its answers are
//! checked.

use regcarve_types::{Digest, Repository};

use crate::error::Error;
use crate::release::answers::{GcCollector, GcOutcome, GcPlan, UnreferencedBlob, UntaggedContent};
use crate::wasm::bindings::auditor::exports::regcarve::plugin::audit;
use crate::wasm::roles::reader::{Reader, damage};
use crate::wasm::state::State;

impl Reader {
    /// Lists the untagged content of a repository; `None` if the reader has no `audit`.
    pub fn untagged(&mut self, repository: &Repository) -> Result<Option<UntaggedContent>, Error> {
        let name = repository.as_str();
        let Some(answer) = self.audit(|audit, store| audit.call_untagged(store, name))? else {
            return Ok(None);
        };
        let content = answer.map_err(|failure| self.source_problem(name, failure))?;
        self.check_source(name)?;
        let texts: usize = content.manifests.iter().map(String::len).sum();
        self.instance
            .charge_answer(texts + size_of_val(&*content.damages))?;
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
        self.check_source("garbage collection")?;
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
}
