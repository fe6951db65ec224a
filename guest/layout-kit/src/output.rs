//! Steps on the output, with typed digests.

use regcarve_types::Digest;

pub use crate::raw::output::{make_directory, write_file};
use crate::raw::{Failure, output};

/// Makes a blob appear at `to`.
///
/// # Errors
///
/// The failures of `output` in the contract.
pub fn hard_link(digest: Digest, to: &str) -> Result<(), Failure> {
    output::hard_link(&digest.to_string(), to)
}

/// Writes a new file that holds `target` as text.
///
/// # Errors
///
/// The failures of `output` in the contract.
pub fn write_link(to: &str, target: Digest) -> Result<(), Failure> {
    output::write_link(to, &target.to_string())
}
