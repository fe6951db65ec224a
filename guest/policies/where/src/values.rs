//! The fields of an image, as values of the language.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use cel::ExecutionError;
use cel::common::traits::{Comparer, Container, Indexer, Iterable, Iterator as Values, Sizer};
use cel::common::types::{CelInt, CelList, CelString, MAP_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use jiff::Timestamp;
use regcarve_policy_kit::policy::version::Version;

use crate::facts::{FIELDS, Facts};

/// The one variable.
pub(crate) const IMAGE: &str = "image";

static IMAGE_TYPE: Type = Type::new_unspecified_type(IMAGE);
static TIME_TYPE: Type = Type::new_unspecified_type("timestamp");
static VERSION_TYPE: Type = Type::new_unspecified_type("version");

fn text(value: &dyn Val) -> Result<&str, ExecutionError> {
    let text: Option<&CelString<'_>> = value.downcast_ref();
    text.map(CelString::inner)
        .ok_or_else(|| unexpected(value, "string"))
}

/// The language turns it into an error that names the operator.
fn unexpected(value: &dyn Val, want: &str) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: value.get_type().name().into(),
        want: want.into(),
    }
}

/// The image at hand. Asking for a member may read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a>(pub(crate) &'a Facts<'a>);

fn member<'b, 'v>(facts: &'v Facts<'v>, name: &str) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let fail = |text| facts.fail(text);
    let string = |text: &'v str| CowVal::owned(CelString::from(text));
    let image = facts.image;
    Ok(match name {
        "repository" => string(facts.repository),
        "tag" => string(image.tag()),
        "digest" => string(&image.digest),
        "media_type" => string(&image.media_type),
        "size" => CowVal::owned(CelInt::from(i64::try_from(image.size).unwrap_or(i64::MAX))),
        "labels" => CowVal::owned(Map(facts.labels().map_err(fail)?)),
        "annotations" => CowVal::owned(Map(facts.annotations().map_err(fail)?)),
        "platforms" => {
            let names = facts.platforms().map_err(fail)?.iter();
            let names =
                names.map(|name| -> Box<dyn Val + 'v> { Box::new(CelString::from(name.as_str())) });
            CowVal::owned(CelList::from(names.collect::<Vec<_>>()))
        }
        "created" => {
            let created = facts.created().map_err(fail)?;
            CowVal::owned(Time(created.unwrap_or(Timestamp::UNIX_EPOCH)))
        }
        other => return Err(ExecutionError::no_such_key(other)),
    })
}

impl Val for Shown<'_> {
    fn get_type(&self) -> &Type {
        &IMAGE_TYPE
    }

    fn cel_type() -> &'static Type {
        &IMAGE_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Container for Shown<'_> {
    /// Returns true if the image has a value for a field: `has(image.created)`.
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        let fail = |text| self.0.fail(text);
        Ok(match text(value)? {
            "tag" => self.0.image.tag.is_some(),
            "created" => self.0.created().map_err(fail)?.is_some(),
            "platforms" => !self.0.platforms().map_err(fail)?.is_empty(),
            other => FIELDS.contains(&other),
        })
    }
}

impl Indexer for Shown<'_> {
    fn get<'b, 'v>(&'b self, field: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        member(self.0, text(field)?)
    }

    fn steal<'v>(self: Box<Self>, field: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        member(self.0, text(field)?).map(CowVal::into_owned)
    }
}

/// Labels or annotations, sorted.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    values: BTreeMap<String, String>,
    keys: Vec<CelString<'static>>,
}

impl Texts {
    pub(crate) fn of(values: BTreeMap<String, String>) -> Self {
        let keys = values.keys().cloned().map(CelString::from).collect();
        Self { values, keys }
    }
}

/// A map of texts, in which a key that is not there has an empty one.
#[derive(Clone, Copy, Debug)]
struct Map<'a>(&'a Texts);

impl<'a> Map<'a> {
    fn value(&self, key: &dyn Val) -> Result<CelString<'a>, ExecutionError> {
        let value = self.0.values.get(text(key)?);
        Ok(CelString::from(value.map_or("", String::as_str)))
    }
}

impl Val for Map<'_> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }
}

impl Container for Map<'_> {
    fn contains(&self, key: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.0.values.contains_key(text(key)?))
    }
}

impl Indexer for Map<'_> {
    fn get<'b, 'v>(&'b self, key: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Ok(CowVal::owned(self.value(key)?))
    }

    fn steal<'v>(self: Box<Self>, key: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Ok(Box::new(self.value(key)?))
    }
}

impl Sizer for Map<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(i64::try_from(self.0.keys.len()).unwrap_or(i64::MAX))
    }
}

impl Iterable for Map<'_> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Values<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Keys(self.0.keys.iter()))
    }
}

struct Keys<'b>(std::slice::Iter<'b, CelString<'static>>);

impl<'b, 'v> Values<'b, 'v> for Keys<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|key| -> &'b (dyn Val + 'v) { key })
    }
}

/// Values that can be compared with their own kind, and nothing else.
macro_rules! ordered {
    ($name:ident, $of:ty, $type:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) $of);

        impl Val for $name {
            fn get_type(&self) -> &Type {
                &$type
            }

            fn cel_type() -> &'static Type {
                &$type
            }

            fn as_comparer(&self) -> Option<&dyn Comparer> {
                Some(self)
            }

            fn equals(&self, other: &dyn Val) -> bool {
                other
                    .downcast_ref::<Self>()
                    .is_some_and(|other| self == other)
            }

            fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
                Box::new(self.clone())
            }

            fn as_any(&self) -> Option<&dyn Any> {
                Some(self)
            }
        }

        impl StaticVal for $name {}

        impl Comparer for $name {
            fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
                let same: Option<&Self> = other.downcast_ref();
                same.map(|other| self.cmp(other))
                    .ok_or_else(|| unexpected(other, $type.name()))
            }
        }
    };
}

ordered!(Time, Timestamp, TIME_TYPE);
ordered!(Semantic, Version, VERSION_TYPE);
