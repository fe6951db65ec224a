//! Image manifests of schema 1, as the first Docker clients pushed them.
//!
//! A client signs the manifest: the signatures stand inside the JSON, and each says how many bytes
//! of the text it covers and what came after them. Without the signatures this is the *canonical
//! payload*: its hash is the digest and its bytes are what a registry stores. When asked, a
//! registry signs it anew with its own key, so the answer's bytes are never those that were sent.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::media;
use crate::package::{Package, Piece};

/// Ends every payload; a signature has to say so.
const TAIL: &str = "\n}";

/// The fixed head of the public part of a P-256 key in DER, in front of the point.
const KEY_HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// An image of these layers, bottom first, for this name and tag.
pub fn image(name: &str, tag: &str, layers: &[Piece]) -> Package {
    let payload = payload(name, tag, layers);
    let signed = sign(&payload);
    let mut descriptor = crate::digest::Descriptor::of(payload.as_bytes());
    descriptor = descriptor.typed(media::DOCKER_SCHEMA1);
    Package {
        descriptor,
        bytes: payload.into_bytes(),
        sent: Some(signed.into_bytes()),
        children: Vec::new(),
        pieces: layers.to_vec(),
    }
}

fn payload(name: &str, tag: &str, layers: &[Piece]) -> String {
    // Newest layer first, each with a history entry: that is how schema 1 counts.
    let sums: Vec<String> = layers
        .iter()
        .rev()
        .map(|layer| {
            format!(
                "      {{\n         \"blobSum\": \"{}\"\n      }}",
                layer.descriptor.digest
            )
        })
        .collect();
    let history: Vec<String> = (0..layers.len())
        .rev()
        .map(|number| {
            let id = Digest::of(format!("{name}:{tag}/{number}").as_bytes());
            let text = format!(r#"{{\"id\":\"{}\",\"os\":\"linux\"}}"#, id.hex());
            format!("      {{\n         \"v1Compatibility\": \"{text}\"\n      }}")
        })
        .collect();
    format!(
        "{{\n   \"schemaVersion\": 1,\n   \"name\": \"{name}\",\n   \"tag\": \"{tag}\",\n   \
         \"architecture\": \"amd64\",\n   \"fsLayers\": [\n{}\n   ],\n   \"history\": [\n{}\n   ]{TAIL}",
        sums.join(",\n"),
        history.join(",\n"),
    )
}

/// Adds one signature by a key that is the same in every run.
fn sign(payload: &str) -> String {
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    let covered = payload
        .strip_suffix(TAIL)
        .expect("a payload ends like this");
    let key = SigningKey::from_slice(&[0x5a; 32]).expect("any number below the order is a key");
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);

    let protected = encode(
        format!(
            r#"{{"formatLength":{},"formatTail":"{}","time":"2015-01-01T00:00:00Z"}}"#,
            covered.len(),
            encode(TAIL.as_bytes())
        )
        .as_bytes(),
    );
    let input = format!("{protected}.{}", encode(payload.as_bytes()));
    let signature: Signature = key.sign(input.as_bytes());
    format!(
        r#"{covered},
   "signatures": [
      {{
         "header": {{
            "jwk": {{"crv": "P-256", "kid": "{}", "kty": "EC", "x": "{}", "y": "{}"}},
            "alg": "ES256"
         }},
         "signature": "{}",
         "protected": "{protected}"
      }}
   ]{TAIL}"#,
        key_id(point.as_bytes()),
        encode(x),
        encode(y),
        encode(&signature.to_bytes()),
    )
}

/// How the format names a key: 240 bits of a hash in groups of four letters.
fn key_id(point: &[u8]) -> String {
    let hash = Sha256::digest([&KEY_HEAD, point].concat());
    let letters = BASE32_NOPAD.encode(&hash[..30]);
    let groups: Vec<&str> = (0..letters.len())
        .step_by(4)
        .map(|at| &letters[at..at + 4])
        .collect();
    groups.join(":")
}
