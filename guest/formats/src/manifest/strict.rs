//! JSON with one meaning: a deserializer between `serde_json` and derived types.
//!
//! Go reads JSON in its own way, and registries and their clients are written in Go. This adapter
//! follows Go where that is harmless and refuses the rest:
//!
//! - A key counts in any letter case to Go. One that differs from a key of the type in case only is
//!   refused; one that occurs twice is refused by the derived code.
//! - `null` instead of a text, a list, a map or an object is an empty one, and a list is never an
//!   object.
//! - A list or map that is read has at most so many elements, and what is skipped counts towards
//!   the limit of depth, too.

use std::borrow::Cow;
use std::fmt;
use std::iter;

use serde::Deserialize;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

use super::key_case;

/// A deserializer, or a seed for one, whose lists and maps have at most `most` elements.
pub(super) struct Strict<T> {
    inner: T,
    most: usize,
}

impl<T> Strict<T> {
    pub(super) const fn new(inner: T, most: usize) -> Self {
        Self { inner, most }
    }

    const fn expecting<V>(&self, visitor: V, expected: Expected) -> Watch<V> {
        Watch {
            visitor,
            expected,
            most: self.most,
        }
    }
}

/// The kind of value that a type asks for, as far as it matters.
#[derive(Clone, Copy)]
enum Expected {
    Any,
    Text,
    List,
    Map,
    /// An object with these keys.
    Object(&'static [&'static str]),
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let watch = self.expecting(visitor, Expected::Any);
        self.inner.deserialize_any(watch)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let watch = self.expecting(visitor, Expected::Text);
        self.inner.deserialize_any(watch)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let watch = self.expecting(visitor, Expected::List);
        self.inner.deserialize_any(watch)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let watch = self.expecting(visitor, Expected::Map);
        self.inner.deserialize_any(watch)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let watch = self.expecting(visitor, Expected::Object(keys));
        self.inner.deserialize_any(watch)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let watch = self.expecting(visitor, Expected::Any);
        self.inner.deserialize_option(watch)
    }

    /// Skips a value. Not by the method of this name of `serde_json`, which goes to any depth.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        Strict::new(self.inner, usize::MAX).deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct enum identifier
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Strict<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Strict::new(from, self.most))
    }
}

/// A visitor that passes everything on, and lists and objects watched.
struct Watch<V> {
    visitor: V,
    expected: Expected,
    most: usize,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watch<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<V::Value, E> {
        self.visitor.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<V::Value, E> {
        self.visitor.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<V::Value, E> {
        self.visitor.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        self.visitor.visit_f64(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        self.visitor.visit_str(text)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        self.visitor.visit_borrowed_str(text)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict::new(from, self.most))
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        let no_members = || iter::empty::<((), ())>();
        match self.expected {
            Expected::Any => self.visitor.visit_unit(),
            Expected::Text => self.visitor.visit_borrowed_str(""),
            Expected::List => self
                .visitor
                .visit_seq(SeqDeserializer::new(iter::empty::<()>())),
            Expected::Map | Expected::Object(_) => {
                self.visitor.visit_map(MapDeserializer::new(no_members()))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        // Derived code would take a list for the members of an object in their order.
        if let Expected::Object(_) = self.expected {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        self.visitor.visit_seq(Elements {
            inner: list,
            most: self.most,
            count: 0,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Members {
            elements: Elements {
                inner: map,
                most: self.most,
                count: 0,
            },
            keys: match self.expected {
                Expected::Object(keys) => keys,
                _ => &[],
            },
        })
    }
}

/// The elements of a list or the members of a map, counted.
struct Elements<A> {
    inner: A,
    most: usize,
    count: usize,
}

impl<A> Elements<A> {
    /// Refuses a list or map that grew too long. Each element takes more memory than text.
    fn count<E: Error>(&mut self) -> Result<(), E> {
        self.count += 1;
        if self.count > self.most {
            return Err(E::custom(format_args!("more than {} entries", self.most)));
        }
        Ok(())
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let element = self.inner.next_element_seed(Strict::new(seed, self.most))?;
        if element.is_some() {
            self.count()?;
        }
        Ok(element)
    }
}

/// The members of an object, whose keys are held against those of a type.
struct Members<A> {
    elements: Elements<A>,
    keys: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let Some(Text(key)) = self.elements.inner.next_key()? else {
            return Ok(None);
        };
        self.elements.count()?;
        key_case::check(&key, self.keys)?;
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let Elements { inner, most, .. } = &mut self.elements;
        inner.next_value_seed(Strict::new(seed, *most))
    }
}

/// A text, copied only where it has escapes.
#[derive(Deserialize, Default)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A value of any type that is read only to get past it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Self)
    }
}
