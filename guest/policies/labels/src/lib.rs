//! `labels`: images by their labels and annotations.
//!
//! ```json
//! { "require": { "tier": ["gold", "silver"], "team": "*" }, "forbid": { "stage": "dev*" } }
//! ```
//!
//! Short, like a selector of Kubernetes: `labels=tier=gold,team,stage!=dev*,!internal`.
//!
//! A value is a text in which `*` stands for any characters, also for none, and `?` for one. The policy looks at the labels in
//! the config, the annotations of the manifest and those of the index above it; `in` narrows that down. An image for several
//! platforms is kept only if each of them passes.
//!
//! A blob that cannot change the answer is not read: no manifest for annotations where a label is enough.

use std::collections::BTreeMap;

use regcarve_policy_kit::convert::platform_from_contract;
use regcarve_policy_kit::policy::image_contents::PlatformImage;
use regcarve_policy_kit::policy::{
    Decision, Diagnostic, Diagnostics, Image, Policy, Verdict, pointer_to,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use wildmatch::WildMatch;

mod shorthand;
#[cfg(test)]
mod tests;
mod written;

use written::Written;

/// Labels and annotations that an image must have, and must not have. Short: `tier=gold,team,stage!=dev,!internal`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Keys with the values of which one must be there. `*` is any value.
    #[serde(default)]
    require: BTreeMap<String, Values>,
    /// Keys with the values of which none may be there. `*` is any value.
    #[serde(default)]
    forbid: BTreeMap<String, Values>,
    /// The places to look at; both, if left out.
    #[serde(default = "Place::all", rename = "in")]
    #[schemars(length(min = 1))]
    places: Vec<Place>,
    /// The fate of an image that does not pass.
    #[serde(default)]
    verdict: Verdict,
    #[serde(skip)]
    rules: Vec<Rule>,
}

/// One value or several, with `*` and `?`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// A place of labels or annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// In the config.
    Labels,
    /// In the manifest, or in the index above it.
    Annotations,
}

impl Place {
    fn all() -> Vec<Self> {
        vec![Self::Labels, Self::Annotations]
    }
}

/// A condition on one key.
#[derive(Debug)]
struct Rule {
    key: String,
    values: Vec<WildMatch>,
    required: bool,
}

impl Rule {
    fn matches(&self, value: &str) -> bool {
        self.values.iter().any(|one| one.matches(value))
    }

    fn wanted(&self) -> String {
        let values: Vec<_> = self.values.iter().map(|one| format!("`{one}`")).collect();
        values.join(" or ")
    }
}

impl Policy for Labels {
    const NAME: &'static str = "labels";
    const SUMMARY: &'static str =
        "Keeps or drops images by labels in their configs and annotations of their manifests.";

    fn shorthand(value: Value) -> Result<Value, String> {
        match value {
            Value::String(text) => shorthand::parse(&text),
            _ => Err("write it like `tier=gold,team,stage!=dev`".into()),
        }
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Diagnostics::new();
        if self.require.is_empty() && self.forbid.is_empty() {
            wrong.note("", "name a key to `require` or to `forbid`");
        }
        if self.places.is_empty() {
            wrong.note("/in", "name at least one place");
        }
        for (list, keys, required) in [
            ("/forbid", &self.forbid, false),
            ("/require", &self.require, true),
        ] {
            for (key, values) in keys {
                let texts = match values {
                    Values::One(text) => std::slice::from_ref(text),
                    Values::Several(texts) => texts,
                };
                if texts.is_empty() {
                    wrong.note(pointer_to(list, key), "name at least one value; `*` is any");
                }
                self.rules.push(Rule {
                    key: key.clone(),
                    values: texts.iter().map(|text| WildMatch::new(text)).collect(),
                    required,
                });
            }
        }
        wrong.finish()
    }

    fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
        let contents = image.contents()?;
        let mut written = Written::of(&contents, &self.places);
        let mut images: Vec<_> = contents.platform_images().map(Some).collect();
        if images.is_empty() {
            // An index without manifests still has annotations of its own.
            images.push(None);
        }
        for image in images {
            written.turn_to(image);
            for rule in &self.rules {
                if let Some(violation) = written.violation(rule)? {
                    let platform = image.map(on_platform).unwrap_or_default();
                    let reason = format!("{violation}{platform}");
                    return Ok(self.verdict.against(reason));
                }
            }
        }
        Ok(Decision::Keep)
    }
}

/// The platform that the index names for a manifest, for a reason: ` (linux/arm64)`.
fn on_platform(image: PlatformImage<'_>) -> String {
    let named = image.manifest.platform.as_ref();
    let platform = named.and_then(platform_from_contract);
    platform.map_or_else(String::new, |platform| format!(" ({platform})"))
}

regcarve_policy_kit::policy!(Labels);
