//! `max-size`: a budget for the whole release.
//!
//! ```json
//! { "budget": "8GB", "verdict": "drop" }
//! ```
//!
//! Short: `max-size=8GB`. Units are those of the field: `GB` is 10^9 bytes, `GiB` is 2^30; a plain number is bytes.
//!
//! Content that several images share counts once, as it does in the new storage. Images are taken in the order in which
//! policies see them: repositories sorted by name and, in each, the newest version first and tags that are no version last,
//! sorted. An image that does not fit any more is left out, and a later one that does fit is still taken: the answer depends on
//! the release alone. With the verdict `fail` the release is incomplete if an image has to be left out.
//!
//! Put it behind the policies that narrow down the release; images that they dropped do not count. Referrers, such as
//! signatures, do not count either.

use std::cmp::Reverse;
use std::collections::HashSet;

use bytesize::ByteSize;
use regcarve_policy_kit::Content;
use regcarve_policy_kit::policy::version::Version;
use regcarve_policy_kit::policy::{Decision, Diagnostic, Image, Policy, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[cfg(test)]
mod tests;

/// The largest size of the release. Short: the budget, `8GB`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaxSize {
    /// Bytes, or a text with a unit: `700 MB`, `4.5GiB`.
    budget: Budget,
    /// The fate of an image that does not fit.
    #[serde(default)]
    verdict: Verdict,
    /// The images taken so far.
    #[serde(skip)]
    taken: Taken,
}

/// Bytes, or a text with a unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected bytes, or a text with a unit such as `8GB`"
)]
enum Budget {
    Bytes(u64),
    Text(String),
}

#[derive(Debug, Default)]
struct Taken {
    budget: u64,
    bytes: u64,
    contents: HashSet<String>,
}

impl Policy for MaxSize {
    const NAME: &'static str = "max-size";
    const SUMMARY: &'static str = "Keeps images as long as the release fits into a budget of bytes; shared content counts once.";

    fn shorthand(value: Value) -> Result<Value, String> {
        Ok(json!({ "budget": value }))
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        self.taken.budget = match &self.budget {
            Budget::Bytes(bytes) => *bytes,
            Budget::Text(text) => match text.parse::<ByteSize>() {
                Ok(size) => size.as_u64(),
                Err(error) => {
                    let text = format!("`{text}` is not a size such as `8GB`: {error}");
                    return Err(vec![Diagnostic::new("/budget", text)]);
                }
            },
        };
        Ok(())
    }

    fn decide_all(&mut self, _repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
        let mut order: Vec<_> = images.iter().enumerate().collect();
        // Stable: tags of one version, or of none, stay sorted.
        order.sort_by_cached_key(|(_, image)| Reverse(Version::of_tag(image.tag())));
        let mut decisions = vec![Decision::Keep; images.len()];
        for (position, image) in order {
            if let Err(reason) = self.taken.add(image.contents()?.entries()) {
                decisions[position] = self.verdict.against(reason);
            }
        }
        Ok(decisions)
    }
}

impl Taken {
    /// Takes an image if it fits; if not, returns the reason.
    fn add(&mut self, contents: &[Content]) -> Result<(), String> {
        let new: Vec<_> = contents
            .iter()
            .filter(|content| !self.contents.contains(&content.digest))
            .collect();
        // Each size comes from the host, but their sum may be too large for a number.
        let size = new
            .iter()
            .fold(0_u64, |sum, content| sum.saturating_add(content.size));
        let left = self.budget.saturating_sub(self.bytes);
        if size > left {
            return Err(format!(
                "it adds {}, and of {} only {} are left",
                ByteSize::b(size).display().si(),
                ByteSize::b(self.budget).display().si(),
                ByteSize::b(left).display().si(),
            ));
        }
        self.bytes += size;
        self.contents
            .extend(new.into_iter().map(|content| content.digest.clone()));
        Ok(())
    }
}

regcarve_policy_kit::policy!(MaxSize);
