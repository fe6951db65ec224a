//! Lays an image out on disk as `skopeo copy` reads it: an OCI image layout, or a `dir:` folder.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::digest::Digest;
use crate::package::Package;
use crate::storage::index_json;

/// Writes an OCI image layout with one image, found by skopeo as `oci:<folder>:<name>`.
pub fn write_oci(folder: &Path, name: &str, package: &Package) {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("folder of blobs");
    let put = |bytes: &[u8]| {
        fs::write(blobs.join(Digest::of(bytes).hex()), bytes).expect("write a blob");
    };
    package
        .manifests()
        .iter()
        .for_each(|manifest| put(&manifest.bytes));
    for piece in package.contents() {
        piece.bytes.as_deref().into_iter().for_each(put);
    }
    let entry = package.descriptor.clone().with(json!({
        "annotations": { "org.opencontainers.image.ref.name": name }
    }));
    fs::write(
        folder.join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("write oci-layout");
    fs::write(folder.join("index.json"), index_json(&[entry]).to_string())
        .expect("write index.json");
}

/// Writes a `dir:` folder: the top manifest by a fixed name, children and content by their hash.
pub fn write_dir(folder: &Path, package: &Package) {
    fs::create_dir_all(folder).expect("folder of an image");
    let put = |name: &str, bytes: &[u8]| {
        fs::write(folder.join(name), bytes).expect("write a file of an image");
    };
    put("version", b"Directory Transport Version: 1.1\n");
    put("manifest.json", &package.bytes);
    for child in package.manifests().iter().skip(1) {
        put(
            &format!("{}.manifest.json", child.digest().hex()),
            &child.bytes,
        );
    }
    for piece in package.contents() {
        if let Some(bytes) = &piece.bytes {
            put(piece.descriptor.digest.hex(), bytes);
        }
    }
}
