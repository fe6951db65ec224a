//! The contract's interface `content`: the closure of an image, and its blobs.
//!
//! In the sandbox these functions ask the host; in native tests they answer from the images of
//! [`testing`](crate::testing).

use crate::{Content, Failure};

/// The closure of an image, the top first.
pub fn closure(image: &str) -> Result<Vec<Content>, Failure> {
    #[cfg(target_family = "wasm")]
    return crate::generated::policy::regcarve::plugin::content::closure(image);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::closure(image)
}

/// The bytes of a manifest or a config, at most 4 MiB.
pub fn read_blob(digest: &str) -> Result<Vec<u8>, Failure> {
    #[cfg(target_family = "wasm")]
    return crate::generated::policy::regcarve::plugin::content::read_blob(digest);
    #[cfg(not(target_family = "wasm"))]
    crate::testing::read_blob(digest)
}

/// A failure as one line, for the error that ends a run.
pub fn explain(failure: &Failure) -> String {
    match failure {
        Failure::NotFound => "not found".into(),
        Failure::Occupied => "the name is taken".into(),
        Failure::Refused(text) | Failure::Damaged(text) | Failure::Other(text) => text.clone(),
    }
}
