//! Properties that hold for any bytes at all. A function here is one target; it panics where a property does not hold.
//!
//! | target        | bytes are                                                  | from |
//! |---------------|------------------------------------------------------------|------|
//! | [`list`]      | a list of images                                           | users |
//! | [`reference`] | a reference, a pattern, a digest (a link file), a platform | users, storages, components |
//! | [`manifest`]  | a manifest, an index, a config, an `index.json`            | storages |
//! | [`path`]      | a path in a storage, or one that a component names         | storages, components |
//!
//! [`run.sh`](../run.sh) lets a fuzzer find such bytes; the tests here try the corpus and inputs near it, with the usual
//! compiler, in seconds.
//!
//! The answers of components are fuzzed by `tests/plugins/guest_answers_fuzz`, through real components.

use std::collections::BTreeMap;

use regcarve_formats::{ImageConfig, Index, Manifest, dir, oci, registry, strip_index};
use regcarve_policy_kit::selector::Selector as _;
use regcarve_types::{Digest, Glob, Pattern, Platform, Reference, Repository, Tag};
use selector_images_list::ImagesList;

// The host cannot be part of this: it brings wasmtime along. Its grammar of paths needs nothing else.
#[path = "../../../host/src/fs/path.rs"]
#[allow(
    dead_code,
    missing_docs,
    reason = "a file of another crate, of which a part is used"
)]
mod tree_path;

/// Every line becomes at most one request or problem, which names its line.
pub fn list(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<_> = text.lines().collect();
    let selection = ImagesList::parse("list", &text);
    let mut last = 0;
    for request in &selection.requests {
        assert!(last < request.line, "lines are in order");
        last = request.line;
        let line = lines[request.line as usize - 1];
        assert!(line.contains(&request.reference));
        assert!(!request.reference.contains(char::is_whitespace));
        assert!(!request.reference.starts_with(['#', '/']));
        let _ = Pattern::parse(&request.reference);
    }
    let mut seen: Vec<_> = selection
        .requests
        .iter()
        .map(|request| request.line)
        .collect();
    seen.extend(selection.problems.iter().map(|problem| problem.line));
    seen.sort_unstable();
    assert!(seen.windows(2).all(|two| two[0] < two[1]), "a line twice");
    assert!(
        seen.iter()
            .all(|line| (1..=lines.len()).contains(&(*line as usize)))
    );
}

/// A text that is accepted is written as it was read, and means the same when it is read again.
pub fn reference(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
        let again = Digest::from_hex(digest.algorithm(), &digest.hex());
        assert_eq!(again.ok(), Some(digest));
    }
    if let Ok(repository) = Repository::parse(text) {
        assert_eq!(repository.as_str(), text);
        is_harmless(text);
    }
    if let Ok(tag) = Tag::parse(text) {
        assert_eq!(tag.as_str(), text);
        is_harmless(text);
        assert!(!text.contains('/'));
    }
    if let Ok(platform) = Platform::parse(text) {
        assert_eq!(
            Platform::parse(&platform.to_string()).ok().as_ref(),
            Some(&platform)
        );
        assert!(platform.matches(&platform));
    }
    let reference = Reference::parse(text);
    if let Ok(reference) = &reference {
        assert_eq!(reference.to_string(), text);
        if let Ok(folder) = dir::folder_of(reference)
            && reference.tag().is_some() != reference.digest().is_some()
        {
            assert_eq!(dir::reference_of(&folder).ok().as_ref(), Some(reference));
        }
    }
    if let Ok(pattern) = Pattern::parse(text) {
        assert_eq!(pattern.exact(), reference.as_ref().ok());
        if let (Some(repository), Some(tag)) = (pattern.repository(), pattern.tag()) {
            assert!(pattern.matches_repository(repository.as_str()));
            assert!(pattern.matches_tag(tag.as_str()));
        }
        let _ = pattern.matches_repository(text);
        let _ = pattern.matches_tag(text);
    }
    // A pattern and a name; both as nasty as can be.
    let (glob, name) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(parsed) = Glob::parse(glob)
        && parsed.matches(name)
        && let Some(plain) = glob.split(['*', '?', '[', '{']).next()
    {
        assert!(name.starts_with(plain));
    }
}

/// A manifest that is accepted is JSON, with the parts that Go's decoder would find in it.
pub fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data) {
        let value: serde_json::Value = serde_json::from_slice(data).expect("it is JSON");
        let count = |key: &str| value[key].as_array().map_or(0, Vec::len);
        match &manifest {
            Manifest::Index(index) => {
                assert_eq!(index.manifests.len(), count("manifests"));
                assert!(value.get("layers").is_none_or(serde_json::Value::is_null));
                strip(data, index);
            }
            Manifest::Image(image) => {
                assert_eq!(image.layers.len(), count("layers"));
                assert_eq!(image.blobs().count(), count("layers") + 1);
                assert_eq!(value["config"]["digest"], image.config.digest.to_string());
            }
            Manifest::Schema1(schema1) => assert_eq!(schema1.layers.len(), count("fsLayers")),
        }
        assert_eq!(Manifest::parse(data).ok().as_ref(), Some(&manifest));
    }
    if let Ok(config) = ImageConfig::parse(data) {
        let _ = config.platform();
    }
    if let Ok(listed) = oci::parse_index(data) {
        let entries: Vec<_> = listed
            .into_iter()
            .filter_map(|listed| match listed.name {
                oci::Name::Full(reference) => Some(oci::Entry {
                    reference,
                    media_type: regcarve_formats::ManifestType::OciManifest,
                    digest: listed.descriptor.digest,
                    size: listed.descriptor.size,
                }),
                _ => None,
            })
            .collect();
        let written = oci::write_index(&entries).expect("what was read can be written");
        let again = oci::parse_index(&written).expect("what was written can be read");
        assert!(again.len() <= entries.len());
        for listed in again {
            assert!(matches!(listed.name, oci::Name::Full(_)));
        }
    }
    let _ = oci::check_layout(data);
}

/// A path is the place that it is parsed into, and no path leaves the tree.
pub fn path(data: &[u8]) {
    let text = &*String::from_utf8_lossy(data);
    if let Ok(place) = registry::parse(text) {
        assert_eq!(place.as_place().path(), text);
        is_harmless(text);
    }
    if let Some(file) = dir::File::parse(text) {
        let older = file.older_name();
        assert!(file.to_string() == text || older.as_deref() == Some(text));
    }
    if let Ok(path) = tree_path::TreePath::parse(text) {
        assert_eq!(path.as_str(), text);
        is_harmless(text);
        assert!(text.len() <= 1024);
        assert_eq!(path.components().collect::<Vec<_>>().join("/"), text);
    }
}

/// As a path, by the rules of the standard library, a text stays below the folder in which it is looked up.
fn is_harmless(text: &str) {
    use std::path::Component;
    assert!(
        !text.is_empty() && !text.contains('\0') && !text.ends_with('/'),
        "{text:?}"
    );
    for component in std::path::Path::new(text).components() {
        match component {
            Component::Normal(name) => assert!(name.len() <= 255, "{text:?}"),
            other => panic!("{text:?} has the component {other:?}"),
        }
    }
    assert!(!text.contains("//") && !text.contains("/./"), "{text:?}");
}

/// An index without its first child is an index of the others, and one without any change is the same bytes.
fn strip(data: &[u8], index: &Index) {
    let none = BTreeMap::new();
    let all = strip_index(data, &|_| true, &none).expect("it was read");
    // Attestations follow the manifest that they describe, so that each child can be asked about or not.
    assert!(
        all == data
            || index
                .manifests
                .iter()
                .any(|child| child.attestation_for().is_some())
    );
    let Some(first) = index.manifests.first() else {
        return;
    };
    let stripped = strip_index(data, &|child| child.digest != first.digest, &none);
    match Manifest::parse(&stripped.expect("it was read")) {
        Ok(Manifest::Index(left)) => assert!(left.manifests.len() <= index.manifests.len()),
        other => panic!("no index is left: {other:?}"),
    }
}

#[cfg(test)]
mod sample;
