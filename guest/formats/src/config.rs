//! The config of an image: its time of creation, its platform and its labels.
//!
//! Policies ask for these values; no path is made of them. So this reader is lenient: a value of an
//! unexpected type counts as missing. Artifacts have configs of other kinds, often not even JSON,
//! which is an error that callers expect.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use regcarve_types::Platform;

#[cfg(test)]
mod tests;

/// The largest config that is read. Real ones have some kilobytes; the bound is the one
/// that the host sets for everything it hands to a component in one piece.
pub const MAX_CONFIG_BYTES: usize = crate::manifest::MAX_MANIFEST_BYTES;

/// The largest number of labels of an image. Each takes more memory than its text.
const MOST_MEMBERS: usize = 10_000;

/// The media types of the configs of images; artifacts have others.
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// The config of an image, as far as policies ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// The time of creation, usually as `2024-05-01T12:00:00.123Z`; not checked.
    pub created: Option<String>,
    /// The operating system, such as `linux`; not checked.
    pub os: Option<String>,
    /// The processor, such as `amd64`; not checked.
    pub architecture: Option<String>,
    /// The kind of processor, such as `v7`; not checked.
    pub variant: Option<String>,
    /// The version of the operating system; not checked.
    pub os_version: Option<String>,
    /// The labels of the image.
    pub labels: BTreeMap<String, String>,
}

/// The reason why some bytes are not the config of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// More bytes than are read.
    #[error("config of {found} bytes, {MAX_CONFIG_BYTES} is the limit")]
    TooLarge {
        /// The number of bytes.
        found: usize,
    },
    /// Not a JSON object, as with many artifacts, or one with too many members.
    #[error("the config is not that of an image, as is usual for artifacts")]
    NotAnImage,
}

impl ImageConfig {
    /// Returns true for a media type that configs of images have.
    pub fn is_media_type(text: &str) -> bool {
        MEDIA_TYPES.contains(&text)
    }

    /// Reads a config.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.len() > MAX_CONFIG_BYTES {
            return Err(ConfigError::TooLarge { found: bytes.len() });
        }
        serde_json::from_slice(bytes).map_err(|_| ConfigError::NotAnImage)
    }

    /// The platform, if the config states one that is made of the characters of platforms.
    pub fn platform(&self) -> Option<Platform> {
        Platform::new(
            self.os.as_deref()?,
            self.architecture.as_deref()?,
            self.variant.as_deref(),
            self.os_version.as_deref(),
        )
        .ok()
    }
}

impl<'de> Deserialize<'de> for ImageConfig {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Outermost;
        impl<'de> Visitor<'de> for Outermost {
            type Value = ImageConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the config of an image")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ImageConfig, A::Error> {
                let mut config = ImageConfig::default();
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Created => config.created = map.next_value::<Found>()?.text(),
                        Key::Os => config.os = map.next_value::<Found>()?.text(),
                        Key::Architecture => {
                            config.architecture = map.next_value::<Found>()?.text();
                        }
                        Key::Variant => config.variant = map.next_value::<Found>()?.text(),
                        Key::OsVersion => config.os_version = map.next_value::<Found>()?.text(),
                        Key::Config => config.labels = map.next_value::<Found>()?.labels(),
                        // The history and the list of layers, which are long.
                        Key::Other => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(config)
            }
        }
        from.deserialize_map(Outermost)
    }
}

/// The keys that are looked at.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Created,
    Os,
    Architecture,
    Variant,
    #[serde(rename = "os.version")]
    OsVersion,
    Config,
    #[serde(other)]
    Other,
}

/// A value of whatever type it turned out to have.
enum Found {
    Text(String),
    Object(BTreeMap<String, Self>),
    Other,
}

impl Found {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(_) | Self::Other => None,
        }
    }

    fn object(self) -> BTreeMap<String, Self> {
        match self {
            Self::Object(members) => members,
            Self::Text(_) | Self::Other => BTreeMap::new(),
        }
    }

    /// The members below `Labels` that are texts.
    fn labels(self) -> BTreeMap<String, String> {
        let labels = self.object().remove("Labels").map(Self::object);
        let pairs = labels.unwrap_or_default().into_iter();
        pairs
            .filter_map(|(key, value)| Some((key, value.text()?)))
            .collect()
    }
}

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Found;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Found, E> {
                Ok(Found::Text(text.into()))
            }

            fn visit_string<E>(self, text: String) -> Result<Found, E> {
                Ok(Found::Text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.insert(key, value);
                    if members.len() > MOST_MEMBERS {
                        return Err(A::Error::custom("too many members"));
                    }
                }
                Ok(Found::Object(members))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Found::Other)
            }

            fn visit_unit<E>(self) -> Result<Found, E> {
                Ok(Found::Other)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Found, E> {
                Ok(Found::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Found, E> {
                Ok(Found::Other)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Found, E> {
                Ok(Found::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Found, E> {
                Ok(Found::Other)
            }
        }
        from.deserialize_any(Any)
    }
}
