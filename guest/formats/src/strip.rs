//! An index with some of its children taken out.
//!
//! ```text
//!   index  sha256:0c1f…                  index  sha256:77ab…
//!   ├── linux/amd64                      ├── linux/amd64
//!   │     ▲ attestation            ──▶   │     ▲ attestation
//!   ├── linux/arm64                      └── nested index, itself stripped
//!   │     ▲ attestation
//!   └── nested index
//! ```
//!
//! The result is another manifest with another digest, and signatures of the old one do not cover
//! it. Everything that is not about the children stays as it is: order of keys, numbers, escapes,
//! and unknown keys.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use regcarve_types::Digest;

use crate::manifest::{Descriptor, Index, Manifest, ManifestError};

#[cfg(test)]
mod tests;

/// The longest chain of attestations that describe each other. Build tools make no more than one;
/// the bound is for those that go round in a circle.
const LONGEST_CHAIN: usize = 4;

/// The manifest that takes the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Rewrites an index so that only the children remain for which `keep` says so.
///
/// An attestation stays if what it describes stays; `keep` is not asked, except for one that
/// describes nothing in this index. A child that is a key of `replaced` gets the new digest and
/// size. If there is nothing to change, the bytes come back as they are, and with them the digest
/// and its signatures; otherwise the result has no white space between its parts.
pub fn strip_index(
    bytes: &[u8],
    keep: &dyn Fn(&Descriptor) -> bool,
    replaced: &BTreeMap<Digest, Replacement>,
) -> Result<Vec<u8>, ManifestError> {
    let index = match Manifest::parse(bytes)? {
        Manifest::Index(index) => index,
        other => return Err(ManifestError::NotAnIndex(other.media_type())),
    };
    let kept = kept_children(&index, keep);
    let is_replaced = |child: &Descriptor| replaced.contains_key(&child.digest);
    if kept.iter().all(|kept| *kept) && !index.manifests.iter().any(is_replaced) {
        return Ok(bytes.to_vec());
    }

    let mut out = String::with_capacity(bytes.len());
    write_object(&read(bytes)?, &mut out, |key, value, out| {
        if key == "manifests" {
            let children: Vec<&RawValue> = read(value.as_bytes())?;
            let known = children.into_iter().zip(&index.manifests).zip(&kept);
            let remaining = known.filter(|(_, kept)| **kept).map(|(child, _)| child);
            return write_children(remaining, replaced, out);
        }
        write_compact(value, out);
        Ok(())
    })?;
    Ok(out.into_bytes())
}

/// Decides for each child of `index` if it stays.
fn kept_children(index: &Index, keep: &dyn Fn(&Descriptor) -> bool) -> Vec<bool> {
    let children = index.manifests.as_slice();
    let present: BTreeSet<Digest> = children.iter().map(|child| child.digest).collect();
    let described: BTreeMap<Digest, Digest> = children
        .iter()
        .filter_map(|child| Some((child.digest, child.attestation_for()?)))
        .filter(|(_, described)| present.contains(described))
        .collect();
    // What is described may itself be an attestation.
    let subject_of = |child: &Descriptor| {
        (0..LONGEST_CHAIN).fold(child.digest, |digest, _| {
            described.get(&digest).copied().unwrap_or(digest)
        })
    };
    let answers: Vec<Option<bool>> = children
        .iter()
        .map(|child| (subject_of(child) == child.digest).then(|| keep(child)))
        .collect();
    let staying: BTreeSet<Digest> = children
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| **answer == Some(true))
        .map(|(child, _)| child.digest)
        .collect();
    children
        .iter()
        .zip(answers)
        .map(|(child, answer)| answer.unwrap_or_else(|| staying.contains(&subject_of(child))))
        .collect()
}

fn write_children<'a>(
    children: impl Iterator<Item = (&'a RawValue, &'a Descriptor)>,
    replaced: &BTreeMap<Digest, Replacement>,
    out: &mut String,
) -> Result<(), ManifestError> {
    out.push('[');
    for (count, (child, descriptor)) in children.enumerate() {
        if count > 0 {
            out.push(',');
        }
        match replaced.get(&descriptor.digest) {
            Some(new) => write_child(child, new, out)?,
            None => write_compact(child.get(), out),
        }
    }
    out.push(']');
    Ok(())
}

/// Writes a child with another digest and size. What it embeds of the old content goes.
fn write_child(child: &RawValue, new: &Replacement, out: &mut String) -> Result<(), ManifestError> {
    let mut members: Members<'_> = read(child.get().as_bytes())?;
    members.0.retain(|(key, _)| key != "data");
    write_object(&members, out, |key, value, out| {
        match key {
            "digest" => out.push_str(&format!("\"{}\"", new.digest)),
            "size" => out.push_str(&new.size.to_string()),
            _ => write_compact(value, out),
        }
        Ok(())
    })
}

/// Writes an object whose values `write_value` writes.
fn write_object(
    members: &Members<'_>,
    out: &mut String,
    mut write_value: impl FnMut(&str, &str, &mut String) -> Result<(), ManifestError>,
) -> Result<(), ManifestError> {
    out.push('{');
    for (count, (key, value)) in members.0.iter().enumerate() {
        if count > 0 {
            out.push(',');
        }
        let written = serde_json::to_string(key).map_err(|error| ManifestError::json(&error))?;
        out.push_str(&written);
        out.push(':');
        write_value(key, value.get(), out)?;
    }
    out.push('}');
    Ok(())
}

/// Writes JSON that is known to be well formed, without the white space between its parts.
fn write_compact(json: &str, out: &mut String) {
    let (mut in_text, mut escaped) = (false, false);
    out.extend(json.chars().filter(|&letter| {
        if in_text {
            in_text = escaped || letter != '"';
            escaped = !escaped && letter == '\\';
            return true;
        }
        in_text = letter == '"';
        !letter.is_ascii_whitespace()
    }));
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ManifestError> {
    serde_json::from_slice(bytes).map_err(|error| ManifestError::json(&error))
}

/// An object in the order in which it is written, with its values as they are written.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Object)
    }
}
