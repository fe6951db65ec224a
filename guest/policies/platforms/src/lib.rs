//! `platforms`: images for some platforms only.
//!
//! ```json
//! { "platforms": ["linux/amd64", "linux/arm64"], "mode": "sparse", "missing": "fail" }
//! ```
//!
//! Short: `platforms=linux/amd64,linux/arm64`.
//!
//! A platform without variant means all variants, one without version (`windows(10.0.17763)/amd64`) all versions.
//!
//! - An **index** names platforms. An attestation is kept with the manifest that it describes. A manifest without a
//!   platform is always kept, because it may be needed on any. One that the index names for several platforms counts
//!   for each of them.
//! - An image **without index** has the platform in its config.
//! - An **artifact**, such as a chart, has no platform and is kept as it is.
//!
//! An index that names the wanted platforms is not read, unless it is stripped.

use std::collections::BTreeMap;

use regcarve_policy_kit::convert::{platform_from_contract, platform_to_contract};
use regcarve_policy_kit::policy::image_contents::ImageContents;
use regcarve_policy_kit::policy::{Decision, Diagnostic, Diagnostics, Image, Policy};
use regcarve_types::Platform;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

mod indexes;
mod strip;
#[cfg(test)]
mod tests;

/// The platforms that are kept. Short: `linux/amd64,linux/arm64`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Platforms {
    /// `os/architecture`, `os/architecture/variant` or `os(version)/architecture`.
    #[schemars(length(min = 1))]
    platforms: Vec<String>,
    /// The way in which an index is reduced.
    #[serde(default)]
    mode: Mode,
    /// The fate of an image that does not have all of the platforms.
    #[serde(default)]
    missing: OnMissing,
    #[serde(skip)]
    wanted: Vec<Platform>,
}

/// The way in which an index is reduced.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// It keeps its digest and its signatures; only the content of other platforms is left out.
    #[default]
    Sparse,
    /// It is replaced by an index of the kept platforms. That has a new digest, to which signatures of the old one do
    /// not apply.
    Strip,
}

/// The fate of an image that does not have all of the platforms.
#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum OnMissing {
    /// The release is not complete: exit code 3.
    #[default]
    Fail,
    /// The image is dropped.
    Drop,
    /// The image is kept with those that it has; one that has none of them is dropped.
    Keep,
}

impl Policy for Platforms {
    const NAME: &'static str = "platforms";
    const SUMMARY: &'static str =
        "Keeps only some platforms of an image; an image without one of them is missing.";

    fn shorthand(value: Value) -> Result<Value, String> {
        let platforms: Vec<Value> = match value {
            Value::String(list) => list.split(',').map(|one| one.trim().into()).collect(),
            Value::Array(list) => list,
            _ => return Err("write it like `linux/amd64,linux/arm64`".into()),
        };
        Ok(json!({ "platforms": platforms }))
    }

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let mut wrong = Diagnostics::new();
        if self.platforms.is_empty() {
            wrong.note("/platforms", "name at least one platform");
        }
        self.wanted = wrong.check_each("/platforms", &self.platforms, Platform::parse);
        wrong.finish()
    }

    fn decide(&mut self, _repository: &str, image: &Image) -> Result<Decision, String> {
        let Found { has, aliases } = self.find(image)?;
        if has.is_empty() {
            return Ok(Decision::Keep);
        }
        let missing = self.missing(&has);
        if !missing.is_empty() {
            let all = missing.len() == self.wanted.len();
            let text = format!("lacks {}; it has {}", names(missing), names(&has));
            match self.missing {
                OnMissing::Fail => return Ok(Decision::Missing(text)),
                OnMissing::Drop => return Ok(Decision::Drop(text)),
                OnMissing::Keep if all => return Ok(Decision::Drop(text)),
                OnMissing::Keep => {}
            }
        }
        match self.mode {
            _ if !image.is_index() => Ok(Decision::Keep),
            Mode::Sparse => {
                let kept = self.wanted.iter().chain(&aliases);
                Ok(Decision::KeepPlatforms(
                    kept.map(platform_to_contract).collect(),
                ))
            }
            Mode::Strip => strip::strip(&image.contents()?, &self.wanted),
        }
    }
}

impl Platforms {
    /// Finds the platforms of an image. Reads no blob that it does not need.
    fn find(&self, image: &Image) -> Result<Found, String> {
        let mut found = Found {
            has: image
                .platforms
                .iter()
                .filter_map(platform_from_contract)
                .collect(),
            aliases: Vec::new(),
        };
        if !found.has.is_empty() && self.missing(&found.has).is_empty() {
            return Ok(found);
        }
        let contents = image.contents()?;
        self.add_named(&contents, &mut found)?;
        for image in contents.platform_images() {
            if image.manifest.platform.is_none() {
                found.has.extend(image.platform()?);
            }
        }
        Ok(found)
    }

    /// Adds the platforms that indexes give to manifests for which the contract knows another one.
    fn add_named(&self, contents: &ImageContents, found: &mut Found) -> Result<(), String> {
        let entries = contents.entries().iter();
        let known: BTreeMap<_, _> = entries
            .map(|content| (content.digest.as_str(), &content.platform))
            .collect();
        for child in indexes::named(contents)? {
            let Some(platform) = child.platform.filter(|on| !on.is_unknown()) else {
                continue;
            };
            let first = known.get(child.digest.to_string().as_str()).copied();
            let first = first
                .and_then(Option::as_ref)
                .and_then(platform_from_contract);
            if self.wants(&platform) {
                add(&mut found.aliases, first.filter(|first| !self.wants(first)));
            }
            add(&mut found.has, Some(platform));
        }
        Ok(())
    }

    fn wants(&self, platform: &Platform) -> bool {
        self.wanted.iter().any(|wanted| platform.matches(wanted))
    }

    /// The wanted platforms that the image does not have.
    fn missing(&self, has: &[Platform]) -> Vec<&Platform> {
        let lacks = |wanted: &&Platform| !has.iter().any(|one| one.matches(wanted));
        self.wanted.iter().filter(lacks).collect()
    }
}

/// The platforms of an image.
struct Found {
    /// Its platforms; none for an artifact.
    has: Vec<Platform>,
    /// The contract's platforms of manifests that an index also names for a wanted one. To keep these manifests, a
    /// sparse image keeps these platforms too.
    aliases: Vec<Platform>,
}

/// Adds a platform that is not there yet.
fn add(platforms: &mut Vec<Platform>, one: Option<Platform>) {
    platforms.extend(one.filter(|one| !platforms.contains(one)));
}

fn names<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> String {
    let names: Vec<_> = platforms.into_iter().map(ToString::to_string).collect();
    names.join(", ")
}

regcarve_policy_kit::policy!(Platforms);
