//! The formats of images and of the storages that keep them.
//!
//! The host knows no format: it lends components a way to read and to link, and they turn bytes
//! into images and images into paths. Everything here is a function from text to values or
//! back, without files, so it is tested natively and runs the same in the sandbox.
//!
//! ```text
//!   manifest    index ──▶ image ──▶ config, layers      bytes to values; refuses what is ambiguous
//!   config      labels, platform, time of creation      bytes to values; takes what there is
//!   strip       an index with fewer children            bytes to bytes
//!   referrers   signatures, attestations, SBOMs         digest to tags
//!   sample      images that are made up, for tests      a tree of nodes to a closure with bytes
//!
//!   registry    docker/registry/v2/…                    places to paths and back
//!   dir         <image>/manifest.json, <image>/<hex>    names to file names and back
//!   oci         index.json, blobs/sha256/<hex>          the same, and the index of the layout
//! ```
//!
//! Input comes from strangers. Nothing here panics on it, keeps more memory than it has a right
//! to, or repeats it unescaped in a message.

pub mod config;
pub mod dir;
pub mod manifest;
pub mod oci;
pub mod referrers;
pub mod registry;
#[cfg(not(target_family = "wasm"))]
pub mod sample;
pub mod strip;

pub use config::{ConfigError, ImageConfig};
pub use manifest::{
    Descriptor, Image, Index, MAX_INDEX_CHILDREN, MAX_MANIFEST_BYTES, Manifest, ManifestError,
    ManifestType, Schema1,
};
pub use strip::{Replacement, strip_index};
