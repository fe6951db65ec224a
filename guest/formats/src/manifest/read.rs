//! The way from JSON to our structs: once through the text, without a tree in between.
//!
//! serde does the parsing. What it does not offer is to look at keys it does not know, and to say
//! in which element of which list something was wrong. So objects are read by a visitor of our
//! own, and [`Notes`] collects problem and place while an error travels upwards.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fields::Fields;
use super::values::Skipped;
use super::{ManifestError, Problem};

/// What went wrong, and where, in our words rather than those of serde.
#[derive(Default)]
pub(super) struct Notes {
    problem: Cell<Option<Problem>>,
    place: RefCell<String>,
    /// How many elements the longest list may have.
    most_elements: usize,
}

impl Notes {
    pub(super) fn with_limit(most_elements: usize) -> Self {
        Self {
            most_elements,
            ..Self::default()
        }
    }

    /// Keeps the problem and gives the error that ends the parsing.
    pub(super) fn refuse<E: Error>(&self, problem: Problem) -> E {
        self.problem.set(Some(problem));
        E::custom("refused")
    }

    /// Refuses a list or map that grew too long. Each element takes more memory than text.
    pub(super) fn check_length<E: Error>(&self, length: usize) -> Result<(), E> {
        let limit = self.most_elements;
        if length > limit {
            return Err(self.refuse(Problem::TooMany { limit }));
        }
        Ok(())
    }

    /// Adds the key or index below which an error occurred.
    fn below<E>(&self, step: &str, error: E) -> E {
        let mut place = self.place.borrow_mut();
        if !place.is_empty() && !place.starts_with('[') {
            place.insert(0, '.');
        }
        place.insert_str(0, step);
        error
    }

    /// The error for the caller.
    pub(super) fn explain(self, error: &serde_json::Error) -> ManifestError {
        let problem = self.problem.into_inner();
        let problem = problem.unwrap_or_else(|| Problem::json(error));
        ManifestError::at(self.place.into_inner(), problem)
    }
}

/// An object of which we know some keys.
pub(super) trait Record: Default {
    /// What it becomes.
    type Made;
    /// The keys that must occur once and in this spelling.
    const KNOWN: &'static [&'static str];
    /// What to call it.
    const NAME: &'static str;

    /// Takes the value of a known key.
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &'static str,
        map: &mut A,
        notes: &Notes,
    ) -> Result<(), A::Error>;

    /// Called when all values are there.
    fn make(self) -> Result<Self::Made, Problem>;
}

/// Reads one record; `null` is none.
pub(super) struct One<'n, R>(pub(super) &'n Notes, PhantomData<R>);

impl<'n, R> One<'n, R> {
    pub(super) const fn new(notes: &'n Notes) -> Self {
        Self(notes, PhantomData)
    }
}

impl<'de, R: Record> DeserializeSeed<'de> for One<'_, R> {
    type Value = Option<R::Made>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, R: Record> Visitor<'de> for One<'_, R> {
    type Value = Option<R::Made>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(R::NAME)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let notes = self.0;
        let mut record = R::default();
        let mut fields = Fields::new(R::KNOWN);
        while let Some(key) = map.next_key_seed(Key(&mut fields, notes))? {
            match key {
                Some(key) => record
                    .take(key, &mut map, notes)
                    .map_err(|error| notes.below(key, error))?,
                None => {
                    map.next_value::<Skipped>()?;
                }
            }
        }
        let made = record.make().map_err(|problem| notes.refuse(problem))?;
        Ok(Some(made))
    }
}

struct Key<'f, 'n>(&'f mut Fields, &'n Notes);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        self.0.admit(key).map_err(|problem| self.1.refuse(problem))
    }
}

/// Reads a list of records; `null` is none.
pub(super) struct Many<'n, R>(&'n Notes, PhantomData<R>);

impl<'n, R> Many<'n, R> {
    pub(super) const fn new(notes: &'n Notes) -> Self {
        Self(notes, PhantomData)
    }
}

impl<'de, R: Record> DeserializeSeed<'de> for Many<'_, R> {
    type Value = Option<Vec<R::Made>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, R: Record> Visitor<'de> for Many<'_, R> {
    type Value = Option<Vec<R::Made>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let notes = self.0;
        let mut made = Vec::new();
        loop {
            let step = |error| notes.below(&format!("[{}]", made.len()), error);
            let Some(element) = list.next_element_seed(One::<R>::new(notes)).map_err(step)? else {
                return Ok(Some(made));
            };
            notes.check_length(made.len() + 1)?;
            // To Go, `null` is an element with nothing in it.
            let element = match element {
                Some(element) => element,
                None => R::default()
                    .make()
                    .map_err(|problem| step(notes.refuse(problem)))?,
            };
            made.push(element);
        }
    }
}
