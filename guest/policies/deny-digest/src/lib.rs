//! `deny-digest`: content that must not be released.
//!
//! ```json
//! { "digests": { "sha256:0c1f…": "CVE-2024-3094, xz with a back door" }, "verdict": "fail" }
//! ```
//!
//! Short: `deny-digest=sha256:0c1f…,sha256:a27b…`.
//!
//! A digest is that of any content of an image: of an index, a manifest, a config or a layer, on any platform. One layer thus
//! stands for all images that were built on it. No blob is read.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::{
    Decision, Diagnostic, Diagnostics, Image, Policy, Verdict, pointer_to,
};
use regcarve_policy_kit::{Content, Kind};
use regcarve_types::Digest;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[cfg(test)]
mod tests;

/// Digests that must not be released. Short: the digests, with commas between them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DenyDigest {
    /// Digests, each with the reason why it is denied, which may be empty.
    #[schemars(extend("minProperties" = 1))]
    digests: BTreeMap<String, String>,
    /// The fate of an image that has denied content.
    #[serde(default)]
    verdict: Verdict,
}

impl Policy for DenyDigest {
    const NAME: &'static str = "deny-digest";
    const SUMMARY: &'static str =
        "Drops images that contain a denied digest, such as that of a layer.";

    fn shorthand(value: Value) -> Result<Value, String> {
        let texts: Vec<String> = match value {
            Value::String(text) => text.split(',').map(|one| one.trim().into()).collect(),
            Value::Array(list) => list
                .into_iter()
                .map(|one| one.as_str().map(Into::into))
                .collect::<Option<_>>()
                .ok_or("a digest is a text")?,
            _ => return Err("write it like `deny-digest=sha256:…,sha256:…`".into()),
        };
        let digests = texts.into_iter().map(|text| (text, json!("")));
        Ok(json!({ "digests": digests.collect::<Map<_, _>>() }))
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Diagnostics::new();
        if self.digests.is_empty() {
            wrong.note("/digests", "name at least one digest");
        }
        for text in self.digests.keys() {
            wrong.check(pointer_to("/digests", text), Digest::parse(text));
        }
        wrong.finish()
    }

    fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
        let contents = image.contents()?;
        let mut entries = contents.entries().iter();
        let denied = entries.find_map(|content| {
            let reason = self.digests.get(&content.digest)?;
            Some(explain(content, reason))
        });
        Ok(denied.map_or(Decision::Keep, |reason| self.verdict.against(reason)))
    }
}

fn explain(content: &Content, reason: &str) -> String {
    let kind = match content.kind {
        Kind::Index => "index",
        Kind::Manifest => "manifest",
        Kind::Config => "config",
        Kind::Layer => "layer",
    };
    let because = if reason.is_empty() { "" } else { ": " };
    format!("its {kind} {} is denied{because}{reason}", content.digest)
}

regcarve_policy_kit::policy!(DenyDigest);
