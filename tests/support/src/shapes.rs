//! Images of every shape, each a function of a name, with the same bytes in every run.

use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::digest::Digest;
use crate::media;
use crate::package::{Package, Piece};

/// Which family of media types an image is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Docker schema 2 and manifest lists.
    Docker,
    /// OCI manifests and indexes.
    Oci,
}

impl Flavour {
    fn manifest(self) -> &'static str {
        match self {
            Self::Docker => media::DOCKER_MANIFEST,
            Self::Oci => media::OCI_MANIFEST,
        }
    }

    fn index(self) -> &'static str {
        match self {
            Self::Docker => media::DOCKER_LIST,
            Self::Oci => media::OCI_INDEX,
        }
    }

    fn config(self) -> &'static str {
        match self {
            Self::Docker => media::DOCKER_CONFIG,
            Self::Oci => media::OCI_CONFIG,
        }
    }

    fn layer(self) -> &'static str {
        match self {
            Self::Docker => media::DOCKER_LAYER,
            Self::Oci => media::OCI_LAYER,
        }
    }
}

/// A real layer: a compressed archive of one file of `length` bytes.
pub fn layer_of(name: &str, length: usize) -> Piece {
    let mut archive = tar::Builder::new(Vec::new());
    let content = filler(name, length);
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    let path = format!("srv/{}", name.replace(['/', ':'], "-"));
    archive
        .append_data(&mut header, path, content.as_slice())
        .expect("archive in memory");
    let archive = archive.into_inner().expect("archive in memory");

    // Stored and not squeezed: the digests must not hang on the version of a compressor.
    let mut zip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::none());
    zip.write_all(&archive).expect("compress in memory");
    let mut piece = Piece::new(media::OCI_LAYER, zip.finish().expect("compress in memory"));
    piece.diff_id = Digest::of(&archive);
    piece
}

/// A real layer of a usual size for these tests.
pub fn layer(name: &str) -> Piece {
    layer_of(name, 700)
}

/// Text that looks random and is the same in every run.
fn filler(name: &str, length: usize) -> Vec<u8> {
    let mut state = name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut next = || {
        // Xorshift: needs no more than to look unlike the next name's.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b'a' + u8::try_from(state % 26).expect("below 26")
    };
    (0..length).map(|_| next()).collect()
}

/// An image for `os/architecture` of these layers.
pub fn image_of(flavour: Flavour, name: &str, platform: &str, layers: &[Piece]) -> Package {
    annotated(flavour, name, platform, layers, &Value::Null)
}

/// An image for linux/amd64 of one layer of its own.
pub fn image(flavour: Flavour, name: &str) -> Package {
    image_of(flavour, name, "linux/amd64", &[layer(name)])
}

/// An image with annotations.
pub fn annotated(
    flavour: Flavour,
    name: &str,
    platform: &str,
    layers: &[Piece],
    annotations: &Value,
) -> Package {
    let (os, architecture) = platform.split_once('/').expect("os/architecture");
    let config = json!({
        "architecture": architecture,
        "os": os,
        "config": {"Labels": {"name": name}},
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(|layer| layer.diff_id.as_str()).collect::<Vec<_>>(),
        },
    });
    let config = Piece::new(flavour.config(), config.to_string());
    let usual = |piece: &Piece| piece.descriptor.media_type == media::OCI_LAYER;
    let layers: Vec<Piece> = layers
        .iter()
        .map(|layer| match usual(layer) {
            true => layer.clone().typed(flavour.layer()),
            false => layer.clone(),
        })
        .collect();
    let mut more = json!({ "mediaType": flavour.manifest() });
    if !annotations.is_null() {
        more["annotations"] = annotations.clone();
    }
    manifest(flavour.manifest(), &config, &layers, &more)
}

/// Any manifest: what is pushed as, its content, and what else stands in the JSON.
pub fn manifest(media_type: &str, config: &Piece, layers: &[Piece], more: &Value) -> Package {
    let mut value = json!({
        "schemaVersion": 2,
        "config": config.descriptor.json(),
        "layers": layers.iter().map(|layer| layer.descriptor.json()).collect::<Vec<_>>(),
    });
    merge(&mut value, more);
    let pieces = [config].into_iter().chain(layers).cloned().collect();
    Package::manifest(media_type, &value, pieces)
}

/// An index of these children.
pub fn index(flavour: Flavour, children: &[Package]) -> Package {
    index_with(flavour, children, &json!({ "mediaType": flavour.index() }))
}

/// An index of these children, with `more` in its JSON; nothing more is an index without media type.
pub fn index_with(flavour: Flavour, children: &[Package], more: &Value) -> Package {
    let mut value = json!({
        "schemaVersion": 2,
        "manifests": children.iter().map(|child| child.descriptor.json()).collect::<Vec<_>>(),
    });
    merge(&mut value, more);
    Package::index(flavour.index(), &value, children.to_vec())
}

fn merge(value: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (value.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}

/// An image for several platforms, all on one shared layer.
pub fn multi(flavour: Flavour, name: &str, platforms: &[&str]) -> Package {
    index(flavour, &children(flavour, name, platforms))
}

fn children(flavour: Flavour, name: &str, platforms: &[&str]) -> Vec<Package> {
    let shared = layer(&format!("{name} shared"));
    platforms
        .iter()
        .map(|platform| {
            let own = layer(&format!("{name} {platform}"));
            image_of(flavour, name, platform, &[shared.clone(), own]).on(platform)
        })
        .collect()
}

/// An index as BuildKit pushes it: children and, behind them, an attestation of each.
pub fn buildkit(name: &str, platforms: &[&str]) -> Package {
    let images = children(Flavour::Oci, name, platforms);
    let attestations: Vec<Package> = images.iter().map(attestation).collect();
    index(Flavour::Oci, &[images, attestations].concat())
}

fn attestation(of: &Package) -> Package {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"digest": {"sha256": of.digest().hex()}}],
    });
    let layer = Piece::new("application/vnd.in-toto+json", statement.to_string()).with(
        json!({"annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}}),
    );
    image_of(Flavour::Oci, "attestation", "unknown/unknown", &[layer]).with(json!({
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": of.digest().as_str(),
        },
    }))
}

/// An index in an index in an index, and an image beside each.
pub fn nested(name: &str, levels: usize) -> Package {
    let platforms = ["linux/amd64", "linux/arm64"];
    let inner = match levels {
        0 | 1 => return multi(Flavour::Oci, name, &platforms),
        _ => nested(&format!("{name} inner"), levels - 1),
    };
    let beside = image(Flavour::Oci, &format!("{name} beside")).on("linux/s390x");
    index(Flavour::Oci, &[inner, beside])
}

/// An artifact of today: the empty descriptor as configuration, a type, content of any kind.
pub fn artifact(artifact_type: &str, layers: &[Piece], subject: Option<&Package>) -> Package {
    let empty = Piece::new(media::OCI_EMPTY, "{}");
    let mut more = json!({ "mediaType": media::OCI_MANIFEST, "artifactType": artifact_type });
    if let Some(subject) = subject {
        let mut descriptor = subject.descriptor.clone();
        descriptor.more = Value::Null;
        more["subject"] = descriptor.json();
    }
    // An artifact without content carries the empty blob a second time, as its layer.
    let layers = if layers.is_empty() {
        std::slice::from_ref(&empty)
    } else {
        layers
    };
    manifest(media::OCI_MANIFEST, &empty, layers, &more)
}

/// A Helm chart: a configuration and a layer that no image has.
pub fn chart(name: &str) -> Package {
    let config = json!({"apiVersion": "v2", "name": name, "version": "0.1.0"});
    let config = Piece::new(
        "application/vnd.cncf.helm.config.v1+json",
        config.to_string(),
    );
    let content = layer(name).typed("application/vnd.cncf.helm.chart.content.v1.tar+gzip");
    let more = json!({ "mediaType": media::OCI_MANIFEST });
    manifest(media::OCI_MANIFEST, &config, &[content], &more)
}

/// An artifact that cosign attaches under a tag made of the digest: `sig`, `att` or `sbom`.
pub fn cosign(kind: &str, of: &Package) -> Package {
    let media_type = match kind {
        "sig" => "application/vnd.dev.cosign.simplesigning.v1+json",
        "att" => "application/vnd.dsse.envelope.v1+json",
        _ => "text/spdx+json",
    };
    let text = json!({ "kind": kind, "critical": {"image": of.digest().as_str()} });
    let layer = Piece::new(media_type, text.to_string())
        .with(json!({"annotations": {"dev.cosignproject.cosign/signature": "c2lnbmVk"}}));
    image_of(Flavour::Oci, kind, "linux/unknown", &[layer])
}

/// The tag of an attached artifact: `sha256-<hex>.sig`; of the referrers of a digest: `sha256-<hex>`.
pub fn attached_tag(of: &Package, kind: Option<&str>) -> String {
    let digest = of.digest();
    let suffix = kind.map(|kind| format!(".{kind}")).unwrap_or_default();
    format!("{}-{}{suffix}", digest.algorithm(), digest.hex())
}

/// The index under a referrers fallback tag.
pub fn referrers(all: &[Package]) -> Package {
    let described: Vec<Package> = all
        .iter()
        .map(|artifact| {
            let value: Value = serde_json::from_slice(&artifact.bytes).expect("our own JSON");
            artifact
                .clone()
                .with(json!({ "artifactType": value["artifactType"] }))
        })
        .collect();
    index(Flavour::Oci, &described)
}
