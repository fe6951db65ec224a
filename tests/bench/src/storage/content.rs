//! The bytes of layers, configs and manifests, as a build with Docker would leave them.
//!
//! Layers are really compressed with gzip (stored, so that large ones are made fast): clients look
//! at the first bytes and would compress anything else on the way to a second registry.

use std::io::Write;
use std::ops::RangeInclusive;

use anyhow::Result;
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;
use serde_json::json;

/// A layer as manifests and configs speak of it.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// The compressed bytes.
    pub(super) content: Descriptor,
    /// Digest of the bytes before compression.
    diff_id: Digest,
}

/// A layer of random bytes and its compressed content.
pub(super) fn layer(random: &mut Rng, sizes: RangeInclusive<usize>) -> Result<(Layer, Vec<u8>)> {
    let mut plain = vec![0; random.usize(sizes)];
    random.fill(&mut plain);
    // Short layers would otherwise meet by chance.
    let stamp = random.u64(..).to_le_bytes();
    let mut packed = GzEncoder::new(Vec::with_capacity(plain.len() + 64), Compression::none());
    packed.write_all(&plain)?;
    packed.write_all(&stamp)?;
    let bytes = packed.finish()?;
    plain.extend_from_slice(&stamp);
    let layer = Layer {
        content: Descriptor::of(&bytes).typed(media::DOCKER_LAYER),
        diff_id: Digest::of(&plain),
    };
    Ok((layer, bytes))
}

/// The config of image `name:tag`, with labels that a policy can ask for.
pub(super) fn config(name: &str, tag: &str, layers: &[Layer]) -> Result<Vec<u8>> {
    const CREATED: &str = "2024-05-06T07:08:09.123456789Z";
    let history: Vec<_> = (0..layers.len())
        .map(|number| {
            json!({
                "created": CREATED,
                "created_by": format!("/bin/sh -c #(nop) COPY step-{number} in / "),
            })
        })
        .collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    // Decided by the name and not by chance, so that a list can be checked by eye.
    let tier = ["gold", "silver", "bronze"][(name.len() + tag.len()) % 3];
    Ok(serde_json::to_vec(&json!({
        "architecture": "amd64",
        "os": "linux",
        "created": CREATED,
        "docker_version": "20.10.24",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Entrypoint": ["/entrypoint.sh"],
            "Labels": {
                "org.opencontainers.image.title": name,
                "org.opencontainers.image.version": tag,
                "tier": tier,
            },
        },
        "history": history,
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    }))?)
}

/// A Docker schema 2 manifest, laid out over many lines as Docker writes it.
pub(super) fn manifest(config: Descriptor, layers: &[Layer]) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(&json!({
        "schemaVersion": 2,
        "mediaType": media::DOCKER_MANIFEST,
        "config": config.typed(media::DOCKER_CONFIG).json(),
        "layers": layers.iter().map(|layer| layer.content.json()).collect::<Vec<_>>(),
    }))?)
}
