//! `platforms`: which platforms of an image travel.
//!
//! ```json
//! { "platforms": ["linux/amd64", "linux/arm64"], "mode": "sparse", "missing": "fail" }
//! ```
//!
//! Short: `platforms=linux/amd64,linux/arm64`.
//!
//! A platform without variant means all variants, one without version (`windows(10.0.17763)/amd64`) all versions.
//!
//! - An **index** says which platforms it has. An attestation travels with what it speaks of. A manifest for which
//!   the index names no platform travels always: nobody can say that it is not needed. One that the index names for
//!   several platforms is there for each of them.
//! - An image **without index** has the platform that stands in its config.
//! - An **artifact**, such as a chart, has no platform and is kept as it is.
//!
//! Nothing is read of an index that names the wanted platforms, unless it is stripped.

use std::collections::BTreeMap;

use regcarve_policy_kit::policy::inside::{self, Inside};
use regcarve_policy_kit::policy::{Decision, Diagnostic, Diagnostics, Image, Policy};
use regcarve_types::Platform;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

mod named;
mod strip;
#[cfg(test)]
mod tests;

/// Which platforms travel. Short: `linux/amd64,linux/arm64`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Platforms {
    /// `os/architecture`, `os/architecture/variant` or `os(version)/architecture`.
    #[schemars(length(min = 1))]
    platforms: Vec<String>,
    /// What happens to an index.
    #[serde(default)]
    mode: Mode,
    /// What happens to an image that does not have all of the platforms.
    #[serde(default)]
    missing: Lacking,
    #[serde(skip)]
    wanted: Vec<Platform>,
}

/// What happens to an index.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// It stays as it is, with its digest and its signatures; only the content of other platforms stays behind.
    #[default]
    Sparse,
    /// Another index takes its place that names only what travels. It has a new digest, and signatures of the
    /// old one do not apply to it.
    Strip,
}

/// What happens to an image that does not have all of the platforms.
#[derive(Debug, Default, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Lacking {
    /// The release is not complete: exit code 3.
    #[default]
    Fail,
    /// The image is dropped.
    Drop,
    /// The image stays with those that it has; one that has none of them is dropped.
    Keep,
}

impl Policy for Platforms {
    const NAME: &'static str = "platforms";
    const SUMMARY: &'static str =
        "Takes only some platforms of an image; an image that lacks one is missing.";

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
        let lacking = self.lacking(&has);
        if !lacking.is_empty() {
            let all = lacking.len() == self.wanted.len();
            let text = format!("lacks {}; it has {}", names(lacking), names(&has));
            match self.missing {
                Lacking::Fail => return Ok(Decision::Missing(text)),
                Lacking::Drop => return Ok(Decision::Drop(text)),
                Lacking::Keep if all => return Ok(Decision::Drop(text)),
                Lacking::Keep => {}
            }
        }
        match self.mode {
            _ if !inside::is_index(&image.media_type) => Ok(Decision::Keep),
            Mode::Sparse => {
                let kept = self.wanted.iter().chain(&aliases);
                Ok(Decision::KeepPlatforms(
                    kept.map(inside::to_contract).collect(),
                ))
            }
            Mode::Strip => strip::strip(&Inside::of(image)?, &self.wanted),
        }
    }
}

impl Platforms {
    /// Finds the platforms of an image. Reads no more than it has to.
    fn find(&self, image: &Image) -> Result<Found, String> {
        let mut found = Found {
            has: image
                .platforms
                .iter()
                .filter_map(inside::platform)
                .collect(),
            aliases: Vec::new(),
        };
        if !found.has.is_empty() && self.lacking(&found.has).is_empty() {
            return Ok(found);
        }
        let inside = Inside::of(image)?;
        self.find_named(&inside, &mut found)?;
        for part in inside.parts() {
            if part.manifest.platform.is_none() {
                found.has.extend(part.platform()?);
            }
        }
        Ok(found)
    }

    /// Adds the platforms that indexes give to manifests for which the contract knows another one.
    fn find_named(&self, inside: &Inside, found: &mut Found) -> Result<(), String> {
        let contents = inside.contents().iter();
        let known: BTreeMap<_, _> = contents
            .map(|content| (content.digest.as_str(), &content.platform))
            .collect();
        for child in named::named(inside)? {
            let Some(platform) = child.platform.filter(|on| on.os() != "unknown") else {
                continue;
            };
            let first = known.get(child.digest.to_string().as_str()).copied();
            let first = first.and_then(Option::as_ref).and_then(inside::platform);
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

    /// What is wanted, but not there.
    fn lacking(&self, has: &[Platform]) -> Vec<&Platform> {
        let lacks = |wanted: &&Platform| !has.iter().any(|one| one.matches(wanted));
        self.wanted.iter().filter(lacks).collect()
    }
}

/// What an image runs on.
struct Found {
    /// Its platforms; none for an artifact.
    has: Vec<Platform>,
    /// As what the contract knows manifests that an index also names for a wanted platform. To keep these, a sparse
    /// image keeps these platforms too.
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
