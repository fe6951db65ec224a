//! What a policy may know beyond the row that it is asked about.
//!
//! The same two functions as in the contract's interface `content`. In the sandbox they ask the host; in native
//! tests they answer from what [`testing`](crate::testing) has been given.

use crate::{Content, Failure};

/// Everything that belongs to an image, the top first.
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
        Failure::NotFound => "it is not there".into(),
        Failure::Occupied => "the name is taken".into(),
        Failure::Refused(text) | Failure::Damaged(text) | Failure::Other(text) => text.clone(),
    }
}
