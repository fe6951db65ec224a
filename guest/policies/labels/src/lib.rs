//! `labels`: what the maker of an image wrote on it.
//!
//! ```json
//! { "require": { "tier": ["gold", "silver"], "team": "*" }, "forbid": { "stage": "dev*" } }
//! ```
//!
//! Short, like a selector of Kubernetes: `labels=tier=gold,team,stage!=dev*,!internal`.
//!
//! A value is a text in which `*` stands for any characters, also for none, and `?` for one. Looked at are the labels in the
//! config, the annotations of the manifest and those of the index above it; `in` narrows that down. An image for several
//! platforms stays only if each of them is as it should be.
//!
//! Nothing is read that cannot change the answer: not the annotations where a label is enough.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::inside::Part;
use regcarve_policy_kit::policy::{
    Decision, Diagnostic, Diagnostics, Image, Policy, Verdict, pointer_to,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use wildmatch::WildMatch;

mod notes;
mod shorthand;
#[cfg(test)]
mod tests;

use notes::Notes;

/// What has to be written on an image, and what must not be. Short: `tier=gold,team,stage!=dev,!internal`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Keys, and the values of which one has to be there. `*` is any value.
    #[serde(default)]
    require: BTreeMap<String, Values>,
    /// Keys, and values of which none may be there. `*` is any value.
    #[serde(default)]
    forbid: BTreeMap<String, Values>,
    /// Where to look; both, if left out.
    #[serde(default = "Place::all", rename = "in")]
    #[schemars(length(min = 1))]
    places: Vec<Place>,
    /// What becomes of an image that is not as it should be.
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

/// Where something is written.
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

/// What is asked of one key.
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
        let inside = image.inside()?;
        let mut notes = Notes::of(&inside, &self.places);
        let mut parts: Vec<_> = inside.parts().map(Some).collect();
        if parts.is_empty() {
            // An index that names nothing still has annotations of its own.
            parts.push(None);
        }
        for part in parts {
            notes.turn_to(part);
            for rule in &self.rules {
                if let Some(what) = notes.against(rule)? {
                    let reason = format!("{what}{}", part.map(on_platform).unwrap_or_default());
                    return Ok(self.verdict.against(reason));
                }
            }
        }
        Ok(Decision::Keep)
    }
}

/// Of which platform of several we speak.
fn on_platform(part: Part<'_>) -> String {
    let named = part.manifest.platform.as_ref();
    let platform = named.and_then(regcarve_policy_kit::policy::inside::platform);
    platform.map_or_else(String::new, |platform| format!(" ({platform})"))
}

regcarve_policy_kit::policy!(Labels);
