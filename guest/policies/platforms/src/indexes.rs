//! The children that indexes name, each as often as it is named.
//!
//! The contract knows every manifest once, with one platform: the first that an index gives it. An index may offer one
//! manifest for several, though, such as a build for `linux/arm/v6` that is also the one for `linux/arm/v7`.

use regcarve_formats::{Descriptor, Manifest};
use regcarve_policy_kit::policy::content;
use regcarve_policy_kit::policy::image_contents::ImageContents;
use regcarve_policy_kit::{Content, Kind};

/// Reads all indexes of an image for their children, apart from attestations. An index that the source does not have
/// has none: the host decides if it counts as missing.
pub(crate) fn named(contents: &ImageContents) -> Result<Vec<Descriptor>, String> {
    let mut all = Vec::new();
    for index in contents.entries() {
        if index.kind != Kind::Index || index.children.is_empty() {
            continue;
        }
        let named = read(index).and_then(|bytes| children(&bytes));
        all.extend(named.map_err(|error| format!("index {}: {error}", index.digest))?);
    }
    all.retain(|child| child.attestation_for().is_none());
    Ok(all)
}

/// Reads the bytes of an index.
pub(crate) fn read(index: &Content) -> Result<Vec<u8>, String> {
    content::read_blob(&index.digest).map_err(|failure| content::explain(&failure))
}

/// Parses the children of an index.
pub(crate) fn children(bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    match Manifest::parse(bytes).map_err(|error| error.to_string())? {
        Manifest::Index(index) => Ok(index.manifests),
        Manifest::Image(_) | Manifest::Schema1(_) => Err("not an index".into()),
    }
}
