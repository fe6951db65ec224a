//! Errors in settings, and their places.

use std::fmt::Display;

use super::Diagnostic;

impl Diagnostic {
    /// An error at a place, a JSON pointer: `/allow/0`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// All errors in some settings, so that the user need not find them one by one.
#[derive(Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Starts without any error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error at a place.
    pub fn note(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Diagnostic::new(path, message));
    }

    /// Takes the value that a part of the settings was parsed to, or adds the error.
    pub fn check<T, E: Display>(
        &mut self,
        path: impl Into<String>,
        made: Result<T, E>,
    ) -> Option<T> {
        made.map_err(|error| self.note(path, error.to_string()))
            .ok()
    }

    /// Parses each text of a list and adds the errors; `path` is that of the list.
    pub fn check_each<T, E: Display>(
        &mut self,
        path: &str,
        texts: &[String],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let texts = texts.iter().enumerate();
        texts
            .filter_map(|(index, text)| self.check(format!("{path}/{index}"), parse(text)))
            .collect()
    }

    /// Fails if there are errors.
    pub fn finish(self) -> Result<(), Vec<Diagnostic>> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0)
        }
    }
}

/// Appends a key to a JSON pointer (RFC 6901).
pub fn pointer_to(path: &str, key: &str) -> String {
    format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"))
}
