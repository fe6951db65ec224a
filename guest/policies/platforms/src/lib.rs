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
//!   the index names no platform travels always: nobody can say that it is not needed.
//! - An image **without index** has the platform that stands in its config.
//! - An **artifact**, such as a chart, has no platform and is kept as it is.
//!
//! Nothing is read of an index that names the wanted platforms, unless it is stripped.

use regcarve_kit::policy::inside::{self, Inside};
use regcarve_kit::policy::{Decision, Diagnostic, Diagnostics, Image, Policy};
use regcarve_names::Platform;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

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
        let has = self.platforms_of(image)?;
        if has.is_empty() {
            return Ok(Decision::Keep);
        }
        let lacking: Vec<_> = self
            .wanted
            .iter()
            .filter(|wanted| !has.iter().any(|has| has.matches(wanted)))
            .collect();
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
                let wanted = self.wanted.iter().map(inside::to_contract);
                Ok(Decision::KeepPlatforms(wanted.collect()))
            }
            Mode::Strip => strip::strip(&Inside::of(image)?, &self.wanted),
        }
    }
}

impl Platforms {
    /// The platforms of an image; none for an artifact. Reads no more than it has to.
    fn platforms_of(&self, image: &Image) -> Result<Vec<Platform>, String> {
        let named = image.platforms.iter().filter_map(inside::platform);
        let mut has: Vec<_> = named.collect();
        let satisfied = |has: &[Platform]| {
            self.wanted
                .iter()
                .all(|wanted| has.iter().any(|one| one.matches(wanted)))
        };
        if !has.is_empty() && satisfied(&has) {
            return Ok(has);
        }
        for part in Inside::of(image)?.parts() {
            if part.manifest.platform.is_none() {
                has.extend(part.platform()?);
            }
        }
        Ok(has)
    }
}

fn names<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> String {
    let names: Vec<_> = platforms.into_iter().map(ToString::to_string).collect();
    names.join(", ")
}

regcarve_kit::policy!(Platforms);
