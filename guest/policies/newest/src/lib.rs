//! `newest`: the newest images of each repository.
//!
//! ```json
//! { "count": 3, "by": "version", "prereleases": false, "variants": ["alpine"], "others": "same" }
//! ```
//!
//! Short: `newest=3`.
//!
//! - **By version**, the newest are those with the highest semantic versions. A leading `v` and parts that are not
//!   written do not matter: `1.2`, `v1.2` and `1.2.0` are one version and count once. No blob is read.
//! - **By creation**, they are those with the latest time of creation in their configs, with or without a tag. Tags of one
//!   digest count once. Configs are read only where there are more images than are kept.
//!
//! To semantic versions the part behind a dash is a pre-release, in `1.2.0-rc.1` as well as in `1.27-alpine`. `variants`
//! names endings that are not: the newest of each variant are kept beside the newest without an ending.
//!
//! The answer depends on the images of the release alone: those that the lists name and that no earlier policy dropped.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use regcarve_policy_kit::policy::{Decision, Diagnostic, Diagnostics, Image, Policy};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

mod created;
#[cfg(test)]
mod tests;
mod versions;

/// The number of images of a repository that are kept, and their order. Short: the number.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    /// The number of images that are kept of each repository.
    count: NonZeroUsize,
    /// The order of images.
    #[serde(default)]
    by: By,
    /// By version: compare pre-releases, such as `1.2.0-rc.1`, too. If not, they are dropped.
    prereleases: Option<bool>,
    /// By version: endings such as `alpine` or `slim-bookworm` that make a variant of a version and no pre-release.
    variants: Option<Vec<String>>,
    /// By version: the fate of an image whose tag is no version, such as `latest`, or that has no tag.
    others: Option<Others>,
}

/// The order of images.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    /// Semantic versions in tags.
    #[default]
    Version,
    /// Times of creation in configs.
    Created,
}

/// The fate of an image without a version.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Others {
    /// It is dropped.
    #[default]
    Drop,
    /// It stays.
    Keep,
    /// It stays if a version that is kept has the same digest.
    Same,
}

impl Policy for Newest {
    const NAME: &'static str = "newest";
    const SUMMARY: &'static str =
        "Keeps the newest images of each repository, by version or by time of creation.";

    fn shorthand(value: Value) -> Result<Value, String> {
        match value {
            Value::Number(count) => Ok(json!({ "count": count })),
            _ => Err("write how many stay of each repository, like `newest=3`".into()),
        }
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Diagnostics::new();
        if self.by == By::Created {
            let idle = [
                ("/prereleases", self.prereleases.is_some()),
                ("/variants", self.variants.is_some()),
                ("/others", self.others.is_some()),
            ];
            for (path, _) in idle.iter().filter(|(_, given)| *given) {
                wrong.note(*path, "means nothing where images are compared by creation");
            }
        }
        let variants = self.variants.iter().flatten().enumerate();
        for (index, _) in variants.filter(|(_, name)| name.trim_start_matches('-').is_empty()) {
            wrong.note(format!("/variants/{index}"), "is an empty ending");
        }
        wrong.finish()
    }

    fn decide_all(&mut self, _repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
        match self.by {
            By::Version => Ok(versions::decide(self, images)),
            By::Created => created::decide(self.count.get(), images),
        }
    }
}

/// The greatest values, at most `most` of them, in falling order. Equal ones count once.
fn greatest<T: Ord>(values: impl IntoIterator<Item = T>, most: usize) -> Vec<T> {
    let all: BTreeSet<T> = values.into_iter().collect();
    all.into_iter().rev().take(most).collect()
}

regcarve_policy_kit::policy!(Newest);
