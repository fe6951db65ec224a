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
mod tests {
    use proptest::prelude::*;
    use regcarve_types::Digest;

    use super::{ComponentSpec, PolicySpec, SpecError, StorageSpec};

    const PIN: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn shipped(name: &str) -> ComponentSpec {
        ComponentSpec::Shipped(name.into())
    }

    fn file(path: &str, pin: Option<&str>) -> ComponentSpec {
        ComponentSpec::File {
            path: path.into(),
            pin: pin.map(|pin| Digest::parse(pin).unwrap()),
        }
    }

    #[test]
    fn components() {
        for (text, spec) in [
            ("registry", shipped("registry")),
            ("mine.wasm", file("mine.wasm", None)),
            ("./mine", file("./mine", None)),
            ("a=b:c.wasm", file("a=b:c.wasm", None)),
            (&format!("mine.wasm@{PIN}"), file("mine.wasm", Some(PIN))),
            ("mine.wasmx", shipped("mine.wasmx")),
            ("./a.wasm.d/b.wasm", file("./a.wasm.d/b.wasm", None)),
        ] {
            assert_eq!(text.parse(), Ok(spec), "{text}");
        }
    }

    #[test]
    fn storages() {
        for (text, format, path) in [
            (
                "registry:/srv/registry",
                shipped("registry"),
                "/srv/registry",
            ),
            ("dir:images:old", shipped("dir"), "images:old"),
            (
                "dir:/srv/rules.wasm:old",
                shipped("dir"),
                "/srv/rules.wasm:old",
            ),
            (
                "./flat.wasm:/srv/out",
                file("./flat.wasm", None),
                "/srv/out",
            ),
            ("/a:b/flat.wasm:out", file("/a:b/flat.wasm", None), "out"),
            ("./flat:/srv/out", file("./flat", None), "/srv/out"),
            (
                &format!("./flat.wasm@{PIN}:/srv/out"),
                file("./flat.wasm", Some(PIN)),
                "/srv/out",
            ),
        ] {
            let spec: StorageSpec = text.parse().unwrap();
            assert_eq!((spec.format, spec.path), (format, path.into()), "{text}");
        }
    }

    #[test]
    fn policies() {
        for (text, component, settings) in [
            ("newest", shipped("newest"), None),
            ("newest=3", shipped("newest"), Some("3")),
            ("newest=", shipped("newest"), Some("")),
            (
                r#"where=image.tag == "x.wasm""#,
                shipped("where"),
                Some(r#"image.tag == "x.wasm""#),
            ),
            ("./a=b.wasm={}", file("./a=b.wasm", None), Some("{}")),
            ("a.wasm=@b.wasm", file("a.wasm", None), Some("@b.wasm")),
            (
                &format!("a.wasm@{PIN}=@s.json"),
                file("a.wasm", Some(PIN)),
                Some("@s.json"),
            ),
        ] {
            let spec: PolicySpec = text.parse().unwrap();
            let settings = settings.map(str::to_owned);
            assert_eq!(
                (spec.component, spec.settings),
                (component, settings),
                "{text}"
            );
        }
    }

    #[test]
    fn texts_that_name_nothing() {
        for (text, message) in [
            ("", "write FORMAT:PATH, for example registry:/srv/registry"),
            (
                ":/srv",
                "write FORMAT:PATH, for example registry:/srv/registry",
            ),
            (
                "registry:",
                "write FORMAT:PATH, for example registry:/srv/registry",
            ),
            ("/srv", "write FORMAT:PATH, for example registry:/srv"),
            (
                "/srv/a:b",
                "write FORMAT:PATH, for example registry:/srv/a:b",
            ),
            (
                "flat.wasm",
                "write FORMAT:PATH, for example registry:flat.wasm",
            ),
            (
                "flat.wasm@sha256:12:/srv",
                "cannot read the pin `sha256:12`: ",
            ),
            ("flat.wasm@x", "cannot read the pin `x`: "),
        ] {
            let error = text.parse::<StorageSpec>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
        for (text, message) in [
            ("", "the name of the component is empty"),
            ("=3", "the name of the component is empty"),
            ("a.wasm@", "cannot read the pin ``: "),
            ("a.wasm@sha256:12={}", "cannot read the pin `sha256:12`: "),
        ] {
            let error = text.parse::<PolicySpec>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{text}: {error}");
        }
        assert_eq!("".parse::<ComponentSpec>(), Err(SpecError::Empty));
    }

    fn any_component() -> impl Strategy<Value = ComponentSpec> {
        let pin = proptest::option::of("[0-9a-f]{64}".prop_map(|hex| format!("sha256:{hex}")));
        prop_oneof![
            "[a-z][a-z0-9-]{0,8}".prop_map(|name| shipped(&name)),
            ("(\\./|/)?[a-z =:.@/-]{0,6}[a-z]", pin).prop_filter_map(
                "a path that is understood otherwise",
                |(stem, pin)| {
                    let path = format!("{stem}.wasm");
                    // Without a `/` in front of it a separator ends a name.
                    let safe = path.starts_with(['.', '/']) && path.contains('/')
                        || !path.contains([':', '=']);
                    let head = path.split([':', '=']).next()?;
                    (safe && (head.contains('/') || head == path))
                        .then(|| file(&path, pin.as_deref()))
                },
            ),
        ]
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(
            component in any_component(),
            location in "[a-z/.:=@]{1,12}",
            settings in proptest::option::of(".{0,12}"),
        ) {
            prop_assert_eq!(format!("{component:#}").parse(), Ok(component.clone()));
            let storage = StorageSpec { format: component.clone(), path: location.into() };
            prop_assert_eq!(format!("{storage:#}").parse(), Ok(storage));
            let policy = PolicySpec { component, settings };
            prop_assert_eq!(format!("{policy:#}").parse(), Ok(policy));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Ok(storage) = text.parse::<StorageSpec>() {
                prop_assert!(text.starts_with(&storage.format.to_string()));
                prop_assert!(text.ends_with(storage.path.to_str().unwrap_or_default()));
            }
            let _ = text.parse::<PolicySpec>();
            let _ = text.parse::<ComponentSpec>();
        }
    }
}
