//! Closures: taking platforms, absent layers and replaced manifests out of them.

use std::collections::{HashMap, HashSet};

use regcarve_types::{Digest, Platform};

use super::blob_table::{Blob, BlobState, BlobTable};
use super::decision::NewManifest;
use super::image::{BlobId, ClosureEntry, Kind};
use crate::fs::MAX_BLOB;
use crate::hash;

/// The entries for these positions, with positions made to fit the new list. `keep` is as long as `entries`.
fn select(entries: &[ClosureEntry], keep: &[bool]) -> Vec<ClosureEntry> {
    let mut new_position = vec![u32::MAX; entries.len()];
    let mut next = 0;
    for (position, kept) in keep.iter().enumerate() {
        if *kept {
            new_position[position] = next;
            next += 1;
        }
    }
    entries
        .iter()
        .zip(keep)
        .filter(|(_, kept)| **kept)
        .map(|(entry, _)| {
            let children = entry
                .children
                .iter()
                .map(|child| new_position[*child as usize])
                .filter(|child| *child != u32::MAX);
            ClosureEntry {
                children: children.collect(),
                ..entry.clone()
            }
        })
        .collect()
}

/// The closure without absent blobs. Those that the image needs were reported before.
pub fn without_absent(entries: &[ClosureEntry], blobs: &BlobTable) -> Vec<ClosureEntry> {
    let keep: Vec<_> = entries
        .iter()
        .map(|entry| blobs.get(entry.blob).state != BlobState::Absent)
        .collect();
    select(entries, &keep)
}

/// The part of a closure that is reached from the top without passing a manifest for another platform. An
/// attestation stays if its subject stays.
///
/// `None` if no manifest for any of the platforms is left. An image without an index is left as it is.
pub fn for_platforms(
    entries: &[ClosureEntry],
    platforms: &[Platform],
    blobs: &BlobTable,
) -> Option<Vec<ClosureEntry>> {
    if entries.first().is_none_or(|top| top.kind != Kind::Index) {
        return Some(entries.to_vec());
    }
    let mut keep = vec![false; entries.len()];
    let chosen = |entry: &ClosureEntry| match (&entry.describes, &entry.platform) {
        (Some(_), _) => false,
        (None, Some(platform)) => platforms.iter().any(|wanted| platform.matches(wanted)),
        // An index in an index says nothing of platforms itself; blobs do not either.
        (None, None) => true,
    };
    mark(entries, 0, &mut keep, &chosen);
    // Indexes stay, also those of which nothing is left: they say what there is.
    let runs_somewhere = entries
        .iter()
        .zip(&keep)
        .any(|(entry, kept)| *kept && entry.kind == Kind::Manifest && entry.describes.is_none());
    if !runs_somewhere {
        return None;
    }
    let kept: HashSet<Digest> = digests(entries, &keep, blobs);
    let attests = |entry: &ClosureEntry| match &entry.describes {
        Some(subject) => kept.contains(subject),
        None => true,
    };
    for (position, entry) in entries.iter().enumerate() {
        if entry.describes.is_some() && attests(entry) {
            mark(entries, position, &mut keep, &attests);
        }
    }
    Some(select(entries, &keep))
}

fn digests(entries: &[ClosureEntry], keep: &[bool], blobs: &BlobTable) -> HashSet<Digest> {
    entries
        .iter()
        .zip(keep)
        .filter(|(_, kept)| **kept)
        .map(|(entry, _)| blobs.get(entry.blob).digest)
        .collect()
}

/// Marks an entry and what it names, as far as `follow` allows. Each is visited once, so that no graph, however
/// odd, makes it run on.
fn mark(
    entries: &[ClosureEntry],
    from: usize,
    keep: &mut [bool],
    follow: &impl Fn(&ClosureEntry) -> bool,
) {
    let mut ahead = vec![from];
    while let Some(position) = ahead.pop() {
        if std::mem::replace(&mut keep[position], true) {
            continue;
        }
        let children = entries[position]
            .children
            .iter()
            .map(|child| *child as usize);
        ahead.extend(children.filter(|child| follow(&entries[*child])));
    }
}

/// The closure after a policy has put new manifests into it, and the new top.
///
/// # Errors
///
/// An invalid answer of the policy: a manifest that replaces nothing or that is too long, a digest that the image does not
/// have, a last manifest that is not the top.
pub fn rewritten(
    entries: &[ClosureEntry],
    manifests: Vec<NewManifest>,
    stay: &[Digest],
    blobs: &mut BlobTable,
) -> Result<(Digest, Vec<ClosureEntry>), String> {
    let positions: HashMap<Digest, usize> = entries
        .iter()
        .enumerate()
        .map(|(position, entry)| (blobs.get(entry.blob).digest, position))
        .collect();
    let find = |digest: &Digest| {
        positions
            .get(digest)
            .copied()
            .ok_or_else(|| format!("{digest} does not belong to the image"))
    };
    let mut keep = vec![false; entries.len()];
    for digest in stay {
        keep[find(digest)?] = true;
    }
    let mut entries = entries.to_vec();
    let mut top = None;
    for manifest in manifests {
        let position = find(&manifest.instead_of)?;
        if !entries[position].kind.is_manifest() {
            return Err(format!("{} is not a manifest", manifest.instead_of));
        }
        // No registry would serve it, and it is kept in memory until the end.
        let length = manifest.bytes.len();
        if length as u64 > MAX_BLOB {
            return Err(format!(
                "the manifest instead of {} has {length} bytes; {MAX_BLOB} are allowed",
                manifest.instead_of
            ));
        }
        let (digest, id) = made(manifest.bytes, blobs);
        let entry = &mut entries[position];
        entry.blob = id;
        entry.media_type = manifest.media_type.into();
        entry.size = blobs.get(id).size().unwrap_or(0);
        keep[position] = true;
        top = (position == 0).then_some(digest);
    }
    let top = top.ok_or("the last new manifest does not take the place of the top")?;
    Ok((top, select(&entries, &keep)))
}

/// Adds bytes that a policy made to the table.
fn made(bytes: Vec<u8>, blobs: &mut BlobTable) -> (Digest, BlobId) {
    let digest = hash::digest(regcarve_types::Algorithm::Sha256, &bytes);
    // No file has the empty path: what a policy made is never taken for a file of the source, or the reverse.
    let id = blobs.find_at(&digest, "").unwrap_or_else(|| {
        blobs.add(Blob {
            digest,
            path: "".into(),
            state: BlobState::Made(bytes),
            verified: true,
            file: None,
        })
    });
    (digest, id)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use regcarve_types::{Algorithm, Platform};

    use super::{for_platforms, without_absent};
    use crate::hash;
    use crate::release::blob_table::{Blob, BlobState, BlobTable};
    use crate::release::image::{ClosureEntry, Kind};

    /// Name, kind, platform, what it describes, children.
    type Line<'a> = (&'a str, Kind, Option<&'a str>, Option<&'a str>, &'a [u32]);

    /// An image drawn as `name kind platform describes children`.
    fn image(lines: &[Line<'_>]) -> (BlobTable, Vec<ClosureEntry>) {
        let mut blobs = BlobTable::default();
        let digest = |name: &str| hash::digest(Algorithm::Sha256, name.as_bytes());
        let entries = lines
            .iter()
            .map(|(name, kind, platform, describes, children)| ClosureEntry {
                blob: blobs.add(Blob {
                    digest: digest(name),
                    path: (*name).into(),
                    state: if name.starts_with("absent") {
                        BlobState::Absent
                    } else {
                        BlobState::File(1)
                    },
                    verified: true,
                    file: None,
                }),
                kind: *kind,
                media_type: "".into(),
                platform: platform.map(|text| Arc::new(Platform::parse(text).unwrap())),
                describes: describes.map(|name| Box::new(digest(name))),
                optional: false,
                size: 1,
                children: (*children).into(),
            })
            .collect();
        (blobs, entries)
    }

    fn names(entries: &[ClosureEntry], blobs: &BlobTable) -> String {
        entries
            .iter()
            .map(|entry| blobs.get(entry.blob).path.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn platforms_of_an_index_with_attestations() {
        use Kind::{Config, Index, Layer, Manifest};
        let (blobs, entries) = image(&[
            ("top", Index, None, None, &[1, 2, 3, 4, 9]),
            ("amd64", Manifest, Some("linux/amd64"), None, &[5, 6]),
            ("arm64", Manifest, Some("linux/arm64/v8"), None, &[7, 6]),
            (
                "amd64-attested",
                Manifest,
                Some("unknown/unknown"),
                Some("amd64"),
                &[8],
            ),
            (
                "arm64-attested",
                Manifest,
                Some("unknown/unknown"),
                Some("arm64"),
                &[8],
            ),
            ("amd64-config", Config, None, None, &[]),
            ("shared-layer", Layer, None, None, &[]),
            ("arm64-config", Config, None, None, &[]),
            ("statement", Layer, None, None, &[]),
            ("nested", Index, None, None, &[10]),
            ("windows", Manifest, Some("windows/amd64"), None, &[]),
        ]);
        for (platforms, expected) in [
            (
                &["linux/amd64"][..],
                Some("top amd64 amd64-attested amd64-config shared-layer statement nested"),
            ),
            (
                &["linux/arm64"],
                Some("top arm64 arm64-attested shared-layer arm64-config statement nested"),
            ),
            (&["windows/amd64"], Some("top nested windows")),
            (&["linux/s390x"], None),
        ] {
            let platforms: Vec<_> = platforms
                .iter()
                .map(|text| Platform::parse(text).unwrap())
                .collect();
            let kept = for_platforms(&entries, &platforms, &blobs);
            assert_eq!(
                kept.map(|entries| names(&entries, &blobs)).as_deref(),
                expected,
                "{platforms:?}"
            );
        }
        // Positions fit the new list.
        let kept =
            for_platforms(&entries, &[Platform::parse("linux/arm64").unwrap()], &blobs).unwrap();
        assert_eq!(*kept[0].children, [1, 2, 6]);
        assert_eq!(*kept[1].children, [4, 3]);
    }

    #[test]
    fn an_image_without_index_is_left_as_it_is() {
        let (blobs, entries) = image(&[
            ("top", Kind::Manifest, None, None, &[1]),
            ("absent-layer", Kind::Layer, None, None, &[]),
        ]);
        let kept =
            for_platforms(&entries, &[Platform::parse("linux/s390x").unwrap()], &blobs).unwrap();
        assert_eq!(names(&kept, &blobs), "top absent-layer");
        let kept = without_absent(&entries, &blobs);
        assert_eq!(names(&kept, &blobs), "top");
        assert!(kept[0].children.is_empty());
    }
}
