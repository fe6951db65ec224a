//! Failures of components, as data: `wasm::failure` makes them from wasmtime's errors.

use regcarve_types::Digest;

use super::limit::LimitExceeded;
use crate::fs::OsError;
use crate::release::role::Role;
use crate::text;

/// A component that failed or was refused. It ends the run with its own exit code.
#[derive(Debug, thiserror::Error)]
#[error("component `{component}` {kind}")]
pub struct ComponentFailure {
    /// A shipped name, or the path of a file.
    pub component: String,
    /// The failure itself.
    pub kind: FailureKind,
}

impl ComponentFailure {
    /// A failure of the component that messages call `component`.
    pub fn new(component: impl Into<String>, kind: FailureKind) -> Self {
        Self {
            component: component.into(),
            kind,
        }
    }

    /// Tells whether the user's settings are at fault and not the component.
    pub fn is_about_settings(&self) -> bool {
        matches!(self.kind, FailureKind::Settings(_))
    }

    /// The signal, if the component was stopped by nothing else.
    pub fn interrupted(&self) -> Option<i32> {
        match self.kind {
            FailureKind::Interrupted(number) => Some(number),
            _ => None,
        }
    }
}

/// Ways in which a component fails or is refused.
#[derive(Debug, thiserror::Error)]
pub enum FailureKind {
    /// No shipped component has that name.
    #[error("is not shipped for the role {role}; shipped are: {}", known.join(", "))]
    Unknown {
        /// The role that it was to have.
        role: Role,
        /// The names of those that are shipped.
        known: Vec<&'static str>,
    },
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(OsError),
    /// The file is longer than any sensible component.
    #[error(
        "is at least {size} bytes long; {limit} are allowed\n  hint: --component-size raises this limit"
    )]
    TooLarge {
        /// Its size.
        size: u64,
        /// The size that is allowed.
        limit: u64,
    },
    /// The bytes are no component.
    #[error("is {found}, not a WebAssembly component\n  hint: {hint}")]
    NotAComponent {
        /// The kind of file that it is.
        found: &'static str,
        /// A hint for the user.
        hint: &'static str,
    },
    /// The file is the first part of a component.
    #[error(
        "is truncated ({size} bytes; its header declares more)\n  hint: copy it again, and compare its sha256 with that of the original"
    )]
    Truncated {
        /// The bytes that are there.
        size: usize,
    },
    /// It begins like a component, but it is not valid.
    #[error("is not a valid component: {}\n  hint: build it again, or compare its sha256 with that of the original", text::brief(.0))]
    Invalid(String),
    /// The bytes are not those that the user named.
    #[error("has the digest {found}, but the command line pins {pinned}")]
    Pin {
        /// The digest on the command line.
        pinned: Box<Digest>,
        /// The digest of the file.
        found: Box<Digest>,
    },
    /// There is no pin, and the user demands one.
    #[error("is not pinned\n  hint: write {0} to accept exactly these bytes")]
    NotPinned(String),
    /// It does not export the interface of its role.
    #[error(
        "is not a {role}: it does not export `{missing}`; it exports {}\n  hint: {hint}",
        text::brief(found)
    )]
    WrongRole {
        /// The role that it was to have.
        role: Role,
        /// The interface of that role.
        missing: String,
        /// The interfaces that it does export.
        found: String,
        /// A hint for the user.
        hint: &'static str,
    },
    /// It was built for a version of the contract that this program does not support.
    #[error("needs another version of regcarve: it uses `{name}`, and this regcarve supports {supported}\n  hint: {hint}", name = text::brief(name))]
    Version {
        /// The interface, as the component names it.
        name: String,
        /// The version of this program's contract.
        supported: String,
        /// A hint for the user.
        hint: &'static str,
    },
    /// It needs more of something that has a fixed limit.
    #[error("needs {number} {noun}; {limit} are allowed\n  hint: build it from fewer parts")]
    TooMany {
        /// The parts, in the plural.
        noun: &'static str,
        /// The number that it needs.
        number: u32,
        /// The number that is allowed.
        limit: usize,
    },
    /// It imports more than its role may.
    #[error("asks for more than a {role} is given: it imports {}\n  hint: {hint}", text::brief(&imports.join(", ")))]
    Import {
        /// The role that it was to have.
        role: Role,
        /// The interfaces.
        imports: Vec<String>,
        /// A hint for the user.
        hint: &'static str,
    },
    /// It rejects its settings: for each wrong one a path in the settings and the cause.
    #[error("does not accept its settings:{}", list(.0))]
    Settings(Vec<(String, String)>),
    /// It exceeded a limit.
    #[error("was stopped: {0}{hint}", hint = hint(.0))]
    Limit(LimitExceeded),
    /// A signal came while it was being compiled. Not its fault: see the conversion into [`crate::Error`].
    #[error("was not compiled: stopped by signal {0}")]
    Interrupted(i32),
    /// It trapped.
    #[error("crashed: {}", text::brief(.0))]
    Trapped(String),
    /// It reported an error of its own.
    #[error("failed: {}", quoted(.0))]
    Failed(String),
    /// Its answer breaks the contract.
    #[error("returned an invalid answer: {}", quoted(.0))]
    Answer(String),
    /// It could not be made ready to run.
    #[error("cannot be started: {}\n  hint: was it built from an unchanged copy of this version's `wit`?", text::brief(.0))]
    Start(String),
}

/// A component's text in one line: with line ends it could look like a message of this program.
fn quoted(text: &str) -> String {
    text::visible(&text::brief(text)).into_owned()
}

/// Wrong settings that a message names.
const MAX_SETTINGS: usize = 20;

fn list(problems: &[(String, String)]) -> String {
    let mut list = String::new();
    for (path, message) in problems.iter().take(MAX_SETTINGS) {
        let place = if path.is_empty() { "" } else { ": " };
        let (path, message) = (text::brief(path), text::brief(message));
        list += &format!(
            "\n  {}{place}{}",
            text::visible(&path),
            text::visible(&message)
        );
    }
    if problems.len() > MAX_SETTINGS {
        list += &format!("\n  … and {} more", problems.len() - MAX_SETTINGS);
    }
    list
}

fn hint(exceeded: &LimitExceeded) -> String {
    let hint = |flag| format!("\n  hint: {flag} raises this limit");
    exceeded.flag().map(hint).unwrap_or_default()
}
