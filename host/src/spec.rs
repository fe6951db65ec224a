//! How the command line names components: one grammar, one parser.
//!
//! ```text
//! COMPONENT              NAME  or  FILE.wasm[@DIGEST]      component: selectors, formats, policies
//! COMPONENT:LOCATION     registry:/srv/registry            storage
//! COMPONENT=SETTINGS     newest=3                          policy with settings
//! ```
//!
//! A component file is recognised by its ending or by a `/`. Its path may hold separators: it ends at the first `.wasm` that
//! the end, `@` or the separator follows. A shipped name ends at the first separator.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use regcarve_types::{Digest, DigestError};

/// The ending of component files.
const ENDING: &str = ".wasm";

/// A component: a shipped one by its name, or a file with or without a pin.
///
/// `{}` shows the name or the path, `{:#}` also the pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComponentSpec {
    /// `registry`, `match`.
    Shipped(String),
    /// `./mine.wasm`, `./mine.wasm@sha256:…`.
    File {
        /// The path as the user wrote it.
        path: PathBuf,
        /// The digest that its bytes must have.
        pin: Option<Digest>,
    },
}

/// A storage: `FORMAT:LOCATION`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSpec {
    /// The component that knows the format.
    pub format: ComponentSpec,
    /// The root directory.
    pub path: PathBuf,
}

/// A policy: `COMPONENT[=SETTINGS]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySpec {
    /// The component that decides.
    pub component: ComponentSpec,
    /// Its settings: JSON, a short form that the policy knows, or `@` and the path of a file with either.
    pub settings: Option<String>,
}

/// A text that names no component, storage or policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Nothing stands where a component has to.
    #[error("the name of the component is empty")]
    Empty,
    /// The text behind `.wasm@` is not a digest.
    #[error("cannot read the pin `{pin}`: {error}")]
    Pin {
        /// The text.
        pin: String,
        /// Why it is not a digest.
        error: DigestError,
    },
    /// A storage without a format, or without a location.
    #[error("write FORMAT:PATH, for example registry:{example}")]
    NotAStorage {
        /// A path.
        example: String,
    },
}

impl ComponentSpec {
    /// The digest that its bytes must have, where the user gave one.
    pub fn pin(&self) -> Option<Digest> {
        match self {
            Self::Shipped(_) => None,
            Self::File { pin, .. } => *pin,
        }
    }
}

/// Reads the component at the start of a text, and returns the text behind the separator, if there is one.
fn component(
    text: &str,
    separator: Option<char>,
) -> Result<(ComponentSpec, Option<&str>), SpecError> {
    let is_separator = |char| Some(char) == separator;
    let head = text.split(is_separator).next().unwrap_or(text);
    let names_a_file = head.contains('/');
    let file = file_end(text, separator).filter(|end| names_a_file || *end <= head.len());
    let (spec, rest) = match file {
        Some(end) => {
            let (pin, rest) = pin(&text[end..], separator)?;
            let path = text[..end].into();
            (ComponentSpec::File { path, pin }, rest)
        }
        None if names_a_file => {
            let path = head.into();
            (ComponentSpec::File { path, pin: None }, &text[head.len()..])
        }
        None if head.is_empty() => return Err(SpecError::Empty),
        None => (ComponentSpec::Shipped(head.into()), &text[head.len()..]),
    };
    Ok((spec, rest.strip_prefix(is_separator)))
}

/// The position behind the path of a component file.
fn file_end(text: &str, separator: Option<char>) -> Option<usize> {
    text.match_indices(ENDING)
        .map(|(start, ending)| start + ending.len())
        .find(|end| match text[*end..].chars().next() {
            None | Some('@') => true,
            next => next == separator,
        })
}

/// Reads `@DIGEST` at the start of a text, if it is there, and returns the rest.
fn pin(text: &str, separator: Option<char>) -> Result<(Option<Digest>, &str), SpecError> {
    let Some(text) = text.strip_prefix('@') else {
        return Ok((None, text));
    };
    // The first colon is the digest's own.
    let from = match separator {
        Some(':') => text.find(':').map_or(0, |colon| colon + 1),
        _ => 0,
    };
    let is_separator = |char| Some(char) == separator;
    let end = text[from..]
        .find(is_separator)
        .map_or(text.len(), |at| from + at);
    let (pin, rest) = text.split_at(end);
    match Digest::parse(pin) {
        Ok(digest) => Ok((Some(digest), rest)),
        Err(error) => Err(SpecError::Pin {
            pin: pin.into(),
            error,
        }),
    }
}

impl FromStr for ComponentSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        component(text, None).map(|(spec, _)| spec)
    }
}

impl FromStr for StorageSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = |example: &str| SpecError::NotAStorage {
            example: example.into(),
        };
        if text.is_empty() || text.starts_with(':') {
            return Err(wrong("/srv/registry"));
        }
        let (format, location) = component(text, Some(':'))?;
        match location {
            None => Err(wrong(text)),
            Some("") => Err(wrong("/srv/registry")),
            // A path that holds a colon, and no format in front of it.
            Some(_) if text.starts_with('/') && !format.to_string().ends_with(ENDING) => {
                Err(wrong(text))
            }
            Some(location) => Ok(Self {
                format,
                path: location.into(),
            }),
        }
    }
}

impl FromStr for PolicySpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (component, settings) = component(text, Some('='))?;
        Ok(Self {
            component,
            settings: settings.map(str::to_owned),
        })
    }
}

impl fmt::Display for ComponentSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shipped(name) => f.write_str(name),
            Self::File { path, pin } => {
                write!(f, "{}", path.display())?;
                match pin {
                    Some(pin) if f.alternate() => write!(f, "@{pin}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for StorageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.format.fmt(f)?;
        write!(f, ":{}", self.path.display())
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.component.fmt(f)?;
        match &self.settings {
            Some(settings) => write!(f, "={settings}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
