//! Platforms, which images run on: `linux/arm/v7`.
//!
//! One machine has several names: Docker's `amd64` is `x86_64` to the kernel, and
//! `arm64` and `arm64/v8` are one. Platforms are brought to the first form when they are made, so
//! that a list, a manifest and a command line can be compared.
//!
//! ```text
//!   linux/amd64   linux/arm/v7   windows(10.0.17763)/amd64
//!   ──┬── ──┬──         ─┬─              ─────┬────
//!    os  architecture  variant            os version
//! ```
use std::fmt;
use std::str::FromStr;

use crate::excerpt::Excerpt;

#[cfg(test)]
mod tests;

/// The operating system and the processor that an index gives to attestations.
const UNKNOWN: &str = "unknown";

/// The longest part of a platform; all real ones are far shorter. It bounds what a manifest can
/// put into messages and reports.
const LONGEST_PART: usize = 64;

/// An operating system and a processor, in the form that most tools write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
    os_version: Option<String>,
}

impl Platform {
    /// Makes a platform of its parts, as manifests hold them. An empty variant or version counts
    /// as none.
    pub fn new(
        os: &str,
        architecture: &str,
        variant: Option<&str>,
        os_version: Option<&str>,
    ) -> Result<Self, PlatformError> {
        let os = part(os)?;
        let architecture = part(architecture)?;
        let variant = optional_part(variant)?;
        let (architecture, variant) = usual_name(architecture, variant);
        Ok(Self {
            os: if os == "macos" { "darwin".into() } else { os },
            architecture,
            variant,
            os_version: optional_part(os_version)?,
        })
    }

    /// Reads `os/architecture`, `os/architecture/variant` or `os(version)/architecture…`.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        let wrong_form = || PlatformError::Form(Excerpt::of(text));
        let mut parts = text.split('/');
        let (Some(os), Some(architecture)) = (parts.next(), parts.next()) else {
            return Err(wrong_form());
        };
        let variant = parts.next();
        // An empty variant is no variant in a manifest, but here it follows a slash.
        if parts.next().is_some() || variant == Some("") {
            return Err(wrong_form());
        }
        let (os, version) = match os.split_once('(') {
            Some((os, version)) => (os, Some(version.strip_suffix(')').ok_or_else(wrong_form)?)),
            None => (os, None),
        };
        if version == Some("") {
            return Err(wrong_form());
        }
        Self::new(os, architecture, variant, version)
    }

    /// `unknown/unknown`: the platform that an index gives to attestations, which run nowhere.
    pub fn unknown() -> Self {
        Self {
            os: UNKNOWN.into(),
            architecture: UNKNOWN.into(),
            variant: None,
            os_version: None,
        }
    }

    /// Returns true for the platform by which an index marks attestations.
    pub fn is_unknown(&self) -> bool {
        self.os == UNKNOWN
    }

    /// The operating system, such as `linux`.
    pub fn os(&self) -> &str {
        &self.os
    }

    /// The processor, such as `amd64`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// The kind of processor, such as `v7`; never the one that is assumed by default.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }

    /// The version of the operating system, which only Windows images have.
    pub fn os_version(&self) -> Option<&str> {
        self.os_version.as_deref()
    }

    /// Returns true if an image for this platform is one that `wanted` asks for.
    ///
    /// A part that `wanted` leaves open matches everything. A version matches the more exact ones below
    /// it: `10.0.17763` matches `10.0.17763.1234`. An image for `arm` without variant is one for
    /// `arm/v7`, as container runtimes have it.
    pub fn matches(&self, wanted: &Self) -> bool {
        let variant = match (self.architecture.as_str(), self.variant()) {
            ("arm", None) => Some("v7"),
            (_, stated) => stated,
        };
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && (wanted.variant.is_none() || wanted.variant() == variant)
            && wanted.os_version().is_none_or(|wanted| {
                self.os_version()
                    .and_then(|version| version.strip_prefix(wanted))
                    .is_some_and(|more| more.is_empty() || more.starts_with('.'))
            })
    }
}

/// Checks a part and lowers its letters, as container runtimes do.
fn part(text: &str) -> Result<String, PlatformError> {
    if text.is_empty() {
        return Err(PlatformError::EmptyPart);
    }
    if let Some(letter) = text.chars().find(|&c| !is_platform_letter(c)) {
        return Err(PlatformError::Letter {
            letter,
            part: Excerpt::of(text),
        });
    }
    if text.len() > LONGEST_PART {
        return Err(PlatformError::TooLong { found: text.len() });
    }
    Ok(text.to_ascii_lowercase())
}

fn optional_part(text: Option<&str>) -> Result<Option<String>, PlatformError> {
    text.filter(|text| !text.is_empty()).map(part).transpose()
}

const fn is_platform_letter(letter: char) -> bool {
    matches!(letter, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '.' | '-')
}

/// The names that images use, for those that compilers and kernels use.
fn usual_name(architecture: String, variant: Option<String>) -> (String, Option<String>) {
    let (usual, implied) = match architecture.as_str() {
        "x86_64" | "x86-64" => ("amd64", None),
        "aarch64" => ("arm64", None),
        "i386" | "i486" | "i586" | "i686" => ("386", None),
        "armhf" => ("arm", Some("v7")),
        "armel" => ("arm", Some("v6")),
        same => (same, None),
    };
    let stated = variant.as_deref().or(implied);
    let variant = match (usual, stated) {
        ("amd64", Some("v1" | "1")) | ("arm64", Some("v8" | "8")) => None,
        ("arm", Some("5" | "6" | "7" | "8")) => stated.map(|number| format!("v{number}")),
        _ => stated.map(String::from),
    };
    (usual.into(), variant)
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        Self::parse(text)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        if let Some(version) = &self.os_version {
            write!(f, "({version})")?;
        }
        write!(f, "/{}", self.architecture)?;
        if let Some(variant) = &self.variant {
            write!(f, "/{variant}")?;
        }
        Ok(())
    }
}

/// The reason why a text is not a platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// There are too few or too many slashes.
    #[error("`{0}` is not a platform: write it like `linux/amd64` or `linux/arm/v7`")]
    Form(Excerpt),
    /// The operating system or the architecture is missing.
    #[error("a platform needs an operating system and an architecture, as in `linux/amd64`")]
    EmptyPart,
    /// A character that no platform contains.
    #[error("`{}` in `{part}` does not occur in platforms", .letter.escape_debug())]
    Letter {
        /// The character.
        letter: char,
        /// The part that contains it.
        part: Excerpt,
    },
    /// A part is longer than any real one.
    #[error("a part of the platform has {found} characters, {LONGEST_PART} is the limit")]
    TooLong {
        /// The number of characters.
        found: usize,
    },
}
