//! What goes wrong with components.

use regcarve_types::Digest;
use wasmtime::Trap;

use crate::fs::OsError;
use crate::text;
use crate::wasm::Role;
use crate::wasm::component::Starting;
use crate::wasm::engine::limits::{LimitExceeded, Limits};

/// A component that failed or was refused. It ends the run with its own exit code.
#[derive(Debug, thiserror::Error)]
#[error("component `{component}` {problem}")]
pub struct ComponentFailure {
    /// A shipped name, or the path of a file.
    pub component: String,
    /// What is wrong with it.
    #[source]
    pub problem: FailureKind,
}

/// What is wrong with a component.
#[derive(Debug, thiserror::Error)]
pub enum FailureKind {
    /// No shipped component has that name.
    #[error("is not shipped for the role {role}; shipped are: {}", known.join(", "))]
    Unknown {
        /// What it was wanted for.
        role: Role,
        /// What there is.
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
        /// What is allowed.
        limit: u64,
    },
    /// The bytes are no component.
    #[error("is {found}, not a WebAssembly component\n  hint: {hint}")]
    NotAComponent {
        /// What they are.
        found: &'static str,
        /// What helps.
        hint: &'static str,
    },
    /// It is the start of a component.
    #[error(
        "is cut off: it has {size} bytes and speaks of more\n  hint: copy it again, and compare its sha256 with that of the original"
    )]
    CutOff {
        /// What there is of it, in bytes.
        size: usize,
    },
    /// It begins like a component, but it is not valid.
    #[error("is not a valid component: {}\n  hint: build it again, or compare its sha256 with that of the original", text::brief(.0))]
    Invalid(String),
    /// The bytes are not those that the user named.
    #[error("has the digest {found}, but the command line pins {pinned}")]
    Pin {
        /// What the command line says.
        pinned: Box<Digest>,
        /// What the file has.
        found: Box<Digest>,
    },
    /// EntryKind is no pin, and the user demands one.
    #[error("is not pinned\n  hint: write {0} to accept exactly these bytes")]
    NotPinned(String),
    /// It does not export what its role needs.
    #[error(
        "is no {role}: it does not export `{missing}`; it exports {}\n  hint: {hint}",
        text::brief(found)
    )]
    WrongRole {
        /// What it was wanted for.
        role: Role,
        /// The interface.
        missing: String,
        /// What it does export.
        found: String,
        /// What helps.
        hint: &'static str,
    },
    /// It was built for a version of the contract that this program does not speak.
    #[error("needs another version of regcarve: it has `{name}`, and this regcarve speaks {spoken}\n  hint: {hint}", name = text::brief(name))]
    Version {
        /// The interface, as the component names it.
        name: String,
        /// The version of this program's contract.
        spoken: String,
        /// What helps.
        hint: &'static str,
    },
    /// It needs more of something that has a fixed limit.
    #[error("needs {number} {what}; {limit} are allowed\n  hint: build it from fewer parts")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// What it needs.
        number: u32,
        /// What is allowed.
        limit: usize,
    },
    /// It imports what its role is not given.
    #[error("asks for more than a {role} is given: it imports {}\n  hint: {hint}", text::brief(&imports.join(", ")))]
    Import {
        /// What it was wanted for.
        role: Role,
        /// The interfaces.
        imports: Vec<String>,
        /// What helps.
        hint: &'static str,
    },
    /// Its settings are wrong.
    #[error("does not accept its settings:{}", list(.0))]
    Settings(Vec<(String, String)>),
    /// The settings could not even be handed over.
    #[error("has settings that cannot be used: {0}")]
    UnusableSettings(String),
    /// It reached a limit.
    #[error("was stopped: {reached}{}", hint(reached.flag()))]
    Limit {
        /// Which one.
        reached: LimitExceeded,
    },
    /// A signal came while it was being compiled. Not its fault: see the conversion into [`crate::Error`].
    #[error("was not compiled: stopped by signal {0}")]
    Interrupted(i32),
    /// It broke off.
    #[error("broke off: {}", text::brief(.0))]
    Trapped(String),
    /// It gave up.
    #[error("gave up: {}", quoted(.0))]
    GaveUp(String),
    /// Its answer cannot be.
    #[error("gave an answer that cannot be: {}", quoted(.0))]
    Answer(String),
    /// It could not be made ready to run.
    #[error("cannot be started: {}\n  hint: was it built from an unchanged copy of this version's `wit`?", text::brief(.0))]
    Start(String),
}

/// A stranger's text in one line: with line ends it could look like a message of ours.
fn quoted(text: &str) -> String {
    text::visible(&text::brief(text)).into_owned()
}

/// How many wrong settings a message names.
const SETTINGS: usize = 20;

fn list(problems: &[(String, String)]) -> String {
    let mut list = String::new();
    for (path, message) in problems.iter().take(SETTINGS) {
        let place = if path.is_empty() { "" } else { ": " };
        let (path, message) = (text::brief(path), text::brief(message));
        list += &format!(
            "\n  {}{place}{}",
            text::visible(&path),
            text::visible(&message)
        );
    }
    if problems.len() > SETTINGS {
        list += &format!("\n  … and {} more", problems.len() - SETTINGS);
    }
    list
}

fn hint(flag: Option<&'static str>) -> String {
    flag.map(|flag| format!("\n  hint: {flag} raises this limit"))
        .unwrap_or_default()
}

impl ComponentFailure {
    /// Whether it is not the component that is wrong, but what the user wrote.
    pub fn is_about_settings(&self) -> bool {
        matches!(self.problem, FailureKind::Settings(_))
    }

    /// The signal, if nothing but a signal was in its way.
    pub fn interrupted(&self) -> Option<i32> {
        match self.problem {
            FailureKind::Interrupted(number) => Some(number),
            _ => None,
        }
    }

    /// Puts a problem down with the component that has it.
    pub(super) fn new(component: &str, problem: FailureKind) -> Self {
        Self {
            component: component.into(),
            problem,
        }
    }

    /// What a failed call into a component means.
    pub(super) fn from_call(component: &str, error: &wasmtime::Error, limits: &Limits) -> Self {
        let problem = match (limits.reached(error), error.downcast_ref::<Trap>()) {
            (Some(reached), _) => FailureKind::Limit { reached },
            (None, Some(trap)) => FailureKind::Trapped(explain(*trap).into()),
            (None, None) if error.downcast_ref::<Starting>().is_some() => {
                let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
                FailureKind::Start(text::visible(&causes.join(": ")).into_owned())
            }
            (None, None) => FailureKind::Trapped(text::visible(&format!("{error:#}")).into_owned()),
        };
        Self::new(component, problem)
    }
}

/// A trap in words that help the author of the component.
fn explain(trap: Trap) -> &'static str {
    match trap {
        Trap::StackOverflow => "its stack is used up (endless recursion?)",
        Trap::UnreachableCodeReached => {
            "it panicked or aborted; its last words, if any, are in the log above"
        }
        Trap::MemoryOutOfBounds => "it reached outside its memory (endless recursion?)",
        Trap::TableOutOfBounds => "it reached outside a table",
        Trap::IndirectCallToNull | Trap::BadSignature => "it called a function that is not there",
        Trap::IntegerDivisionByZero => "it divided by zero",
        Trap::IntegerOverflow | Trap::BadConversionToInteger => "a number did not fit",
        Trap::Interrupt => "its time was up",
        Trap::CannotEnterComponent => "it was called again after it had broken off",
        _ => "it did something that WebAssembly does not allow",
    }
}
