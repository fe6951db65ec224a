//! Compares what a registry serves, and what a storage holds, with what the corpus says.
//!
//! Each function answers every mismatch that it finds: a test shows all of them at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::corpus::Image;
use crate::digest::Digest;
use crate::garbage::garbage_collect_dry_run;
use crate::package::Package;
use crate::registry::Registry;
use crate::{media, skopeo, tree};

/// The catalog and all tag lists hold exactly these names.
pub fn names(registry: &Registry, expected: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let found = match registry.catalog() {
        Ok(found) => found,
        Err(error) => return vec![error],
    };
    let wanted: Vec<&String> = expected.keys().collect();
    let mut problems = Vec::new();
    compare("repository", wanted, found.iter().collect(), &mut problems);
    for (repository, tags) in expected {
        match registry.tags(repository) {
            Ok(found) => {
                let what = format!("tag of {repository}");
                compare(
                    &what,
                    tags.iter().collect(),
                    found.iter().collect(),
                    &mut problems,
                );
            }
            Err(error) => problems.push(error),
        }
    }
    problems
}

/// The storage below `root` holds exactly these files.
pub fn files(root: &Path, expected: &BTreeSet<PathBuf>) -> Vec<String> {
    let shown = |path: &Path| path.display().to_string();
    let wanted: Vec<String> = expected.iter().map(|path| shown(path)).collect();
    let found: Vec<String> = tree::walk(root)
        .iter()
        .filter(|(_, meta)| !meta.is_dir())
        .map(|(name, _)| shown(name))
        .collect();
    let mut problems = Vec::new();
    compare(
        "file",
        wanted.iter().collect(),
        found.iter().collect(),
        &mut problems,
    );
    problems
}

fn compare(what: &str, wanted: Vec<&String>, found: Vec<&String>, problems: &mut Vec<String>) {
    let wanted: BTreeSet<_> = wanted.into_iter().collect();
    let found: BTreeSet<_> = found.into_iter().collect();
    problems.extend(
        wanted
            .difference(&found)
            .map(|name| format!("{what} missing: {name}")),
    );
    problems.extend(
        found
            .difference(&wanted)
            .map(|name| format!("{what} not asked for: {name}")),
    );
}

/// A registry serves all these images, over the API and, where it can pull them, to skopeo.
pub fn images(registry: &Registry, images: &[&Image]) -> Vec<String> {
    let mut problems = Vec::new();
    for one in images {
        problems.extend(image(registry, one));
        if one.skopeo {
            problems.extend(image_by_skopeo(registry, one));
        }
    }
    problems
}

/// Garbage collection of a carved storage deletes nothing.
pub fn garbage(root: &Path) -> Vec<String> {
    let garbage = match garbage_collect_dry_run(root, false) {
        Ok(garbage) => garbage,
        Err(error) => return vec![error],
    };
    let all = garbage.blobs.iter().chain(&garbage.manifests);
    all.map(|what| format!("garbage collection would delete {what}"))
        .collect()
}

/// A registry serves an image over the API: by tag, by digest, every child, every blob.
pub fn image(registry: &Registry, image: &Image) -> Vec<String> {
    let mut problems = Vec::new();
    let name = &image.repository;
    if let Some(tag) = &image.tag {
        let problem = manifest(registry, image, tag, &image.package);
        problems.extend(problem);
    }
    for one in image.package.manifests() {
        problems.extend(manifest(registry, image, one.digest().as_str(), one));
    }
    for digest in image.blobs() {
        match registry.get_blob(name, &digest) {
            Ok(bytes) if Digest::of(&bytes) == digest || Digest::sha512_of(&bytes) == digest => {}
            Ok(_) => problems.push(format!("blob {name} {digest}: other bytes")),
            Err(error) => problems.push(error),
        }
    }
    for digest in image.absent() {
        if registry.get_blob(name, &digest).is_ok() {
            problems.push(format!(
                "blob {name} {digest}: there, but the source lacks it"
            ));
        }
    }
    problems
        .iter()
        .map(|problem| format!("{} ({}): {problem}", image.reference(), image.shape))
        .collect()
}

fn manifest(
    registry: &Registry,
    image: &Image,
    reference: &str,
    wanted: &Package,
) -> Option<String> {
    let served = match registry.get_manifest(&image.repository, reference) {
        Ok(served) => served,
        Err(error) => return Some(error),
    };
    if served.digest != wanted.digest().as_str() {
        return Some(format!(
            "{reference}: digest {}, not {}",
            served.digest,
            wanted.digest()
        ));
    }
    if image.resigned {
        // The text up to the signatures is the part that is stored.
        let covered = wanted.bytes.strip_suffix(b"\n}").expect("end of a payload");
        let same = served.bytes.starts_with(covered) && served.media_type == media::DOCKER_SCHEMA1;
        return (!same).then(|| format!("{reference}: other payload, {}", served.media_type));
    }
    if served.bytes != wanted.bytes {
        return Some(format!("{reference}: other bytes"));
    }
    let media_type = &wanted.descriptor.media_type;
    (served.media_type != *media_type).then(|| {
        format!(
            "{reference}: served as {}, not {media_type}",
            served.media_type
        )
    })
}

/// skopeo pulls an image, and what it wrote is what was pushed.
pub fn image_by_skopeo(registry: &Registry, image: &Image) -> Vec<String> {
    let folder = tempfile::tempdir().expect("folder for an image");
    let problems = match skopeo::pull(registry, &image.reference(), folder.path()) {
        Ok(()) => pulled(folder.path(), image),
        Err(error) => vec![error],
    };
    problems
        .iter()
        .map(|problem| format!("{} ({}): {problem}", image.reference(), image.shape))
        .collect()
}

/// A `dir:` folder that skopeo wrote holds what was pushed.
pub fn pulled(folder: &Path, image: &Image) -> Vec<String> {
    let mut wanted = BTreeMap::from([("manifest.json".to_owned(), image.package.bytes.as_slice())]);
    for child in image.package.manifests().into_iter().skip(1) {
        wanted.insert(
            format!("{}.manifest.json", child.digest().hex()),
            child.bytes.as_slice(),
        );
    }
    for piece in image.package.contents() {
        if let Some(bytes) = &piece.bytes {
            wanted.insert(piece.descriptor.digest.hex().to_owned(), bytes);
        }
    }
    let differs = |(name, bytes): (String, &[u8])| match fs::read(folder.join(&name)) {
        Ok(found) if found == bytes => None,
        Ok(_) => Some(format!("pulled {name}: other bytes")),
        Err(error) => Some(format!("pulled {name}: {error}")),
    };
    wanted.into_iter().filter_map(differs).collect()
}
