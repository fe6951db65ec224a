//! Tags of referrers, made of the digest of their subject.
//!
//! ```text
//!   sha256-0c1f….sig     a signature                    cosign
//!   sha256-0c1f….att     an attestation                 cosign
//!   sha256-0c1f….sbom    a bill of materials            cosign
//!   sha256-0c1f…         an index of all referrers      OCI, for registries without the referrers API
//! ```
//!
//! They are ordinary images with ordinary tags, and may have referrers themselves. In an OCI tag the
//! algorithm is cut to 32 and the digits to 64 characters, so of a long digest it has only the
//! beginning. cosign cuts nothing, and with `sha512` its tags are longer than a tag can be.

use regcarve_types::{Digest, Tag};

/// The digits that the OCI keeps.
const KEPT_DIGITS: usize = 64;

/// The text after the digits in tags by cosign.
const COSIGN_SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// The tags under which a manifest may have referrers.
pub fn tags_for(subject: Digest) -> impl Iterator<Item = Tag> {
    let (algorithm, hex) = (subject.algorithm(), subject.hex());
    let kept = hex.len().min(KEPT_DIGITS);
    let index = Tag::parse(&format!("{algorithm}-{}", &hex[..kept]));
    let cosign = COSIGN_SUFFIXES
        .into_iter()
        .map(move |suffix| Tag::parse(&format!("{algorithm}-{}{suffix}", &hex[..])));
    cosign.chain([index]).filter_map(Result::ok)
}

#[cfg(test)]
mod tests {

    use super::*;

    fn tags(digest: Digest) -> Vec<String> {
        tags_for(digest).map(|tag| tag.to_string()).collect()
    }

    #[test]
    fn tags_of_a_usual_digest() {
        let hex = "ab".repeat(32);
        let expected: [String; 4] = [
            format!("sha256-{hex}.sig"),
            format!("sha256-{hex}.att"),
            format!("sha256-{hex}.sbom"),
            format!("sha256-{hex}"),
        ];
        assert_eq!(tags(Digest::sha256([0xab; 32])), expected);
    }

    #[test]
    fn tags_of_a_long_digest() {
        // cosign has no room.
        let expected = [format!("sha512-{}", "ab".repeat(32))];
        assert_eq!(tags(Digest::sha512([0xab; 64])), expected);
    }
}
