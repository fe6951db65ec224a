//! What is wrong with settings, and where.

use std::fmt::Display;

use super::Diagnostic;

impl Diagnostic {
    /// What is wrong at a place, a JSON pointer: `/allow/0`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }
}

/// All that is wrong with some settings, so that the user need not find it one by one.
#[derive(Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes what is wrong at a place.
    pub fn note(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Diagnostic::new(path, message));
    }

    /// What a part of the settings was turned into, or a note of why it could not be.
    pub fn check<T, E: Display>(
        &mut self,
        path: impl Into<String>,
        made: Result<T, E>,
    ) -> Option<T> {
        made.map_err(|error| self.note(path, error.to_string()))
            .ok()
    }

    /// What the texts of a list were turned into; `path` is that of the list.
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

    /// Fails if anything has been noted.
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
