//! Artifacts that belong to a manifest and are filed beside it, under tags made of its digest.
//!
//! ```text
//!   sha256-0c1f….sig     a signature                    cosign
//!   sha256-0c1f….att     an attestation                 cosign
//!   sha256-0c1f….sbom    a bill of materials            cosign
//!   sha256-0c1f…         an index of everything else    OCI, for registries without referrers
//! ```
//!
//! They are ordinary images with ordinary tags, and may have attached artifacts themselves. In an
//! OCI tag the algorithm is cut to 32 and the digits to 64 characters, so of a long digest it tells
//! only the beginning. cosign cuts nothing, and with `sha512` its tags are longer than a tag can
//! be.

use alloc::format;
use alloc::string::String;
use core::iter;

use regcarve_types::{Algorithm, Digest, Tag};

/// How many digits the OCI keeps.
const KEPT_DIGITS: usize = 64;

/// What is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `.sig`
    Signature,
    /// `.att`
    Attestation,
    /// `.sbom`
    BillOfMaterials,
    /// No suffix: an index of all manifests whose `subject` it is.
    Referrers,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Signature,
        Self::Attestation,
        Self::BillOfMaterials,
        Self::Referrers,
    ];

    /// What stands behind the digits.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Signature => ".sig",
            Self::Attestation => ".att",
            Self::BillOfMaterials => ".sbom",
            Self::Referrers => "",
        }
    }

    /// The tag of this kind for a digest, if there can be one.
    pub fn tag_for(self, digest: Digest) -> Option<Tag> {
        let hex = digest.hex();
        let digits = match self {
            Self::Referrers => &hex[..hex.len().min(KEPT_DIGITS)],
            _ => &hex[..],
        };
        Tag::parse(&format!("{}-{digits}{}", digest.algorithm(), self.suffix())).ok()
    }
}

/// The tags under which something may be attached to a manifest.
pub fn tags_for(digest: Digest) -> impl Iterator<Item = (Kind, Tag)> {
    Kind::ALL
        .into_iter()
        .filter_map(move |kind| Some((kind, kind.tag_for(digest)?)))
}

/// What the tag of an attached artifact says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    kind: Kind,
    algorithm: Algorithm,
    /// All digits of the subject, or as many as the OCI keeps.
    digits: String,
}

impl Attached {
    /// What is attached.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is attached to the manifest with this digest.
    pub fn is_for(&self, digest: Digest) -> bool {
        digest.algorithm() == self.algorithm && digest.hex().starts_with(&self.digits)
    }

    /// What it is attached to, if the tag tells all of the digest.
    pub fn subject(&self) -> Option<Digest> {
        Digest::from_hex(self.algorithm, &self.digits).ok()
    }
}

/// Reads the tag of an attached artifact; other tags give `None`.
///
/// A tag that somebody made by hand can look the same. Only what such a tag points to tells.
pub fn subject_of(tag: &str) -> Option<Attached> {
    let (algorithm, rest) = tag.split_once('-')?;
    let algorithm = Algorithm::from_name(algorithm)?;
    let (digits, suffix) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    let kind = Kind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
    let length = match kind {
        Kind::Referrers => algorithm.hex_length().min(KEPT_DIGITS),
        _ => algorithm.hex_length(),
    };
    // Zeros make the digits a digest, so that its parser can judge them.
    let whole: String = digits
        .chars()
        .chain(iter::repeat('0'))
        .take(algorithm.hex_length())
        .collect();
    if digits.len() != length || Digest::from_hex(algorithm, &whole).is_err() {
        return None;
    }
    Some(Attached {
        kind,
        algorithm,
        digits: digits.into(),
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn digest(algorithm: Algorithm, bytes: [u8; 32]) -> Digest {
        let hex = Digest::sha256(bytes).hex().repeat(2);
        Digest::from_hex(algorithm, &hex[..algorithm.hex_length()]).expect("right length")
    }

    #[test]
    fn tags_of_a_usual_digest() {
        let digest = digest(Algorithm::Sha256, [0xab; 32]);
        let hex = "ab".repeat(32);
        let tags: Vec<_> = tags_for(digest)
            .map(|(_, tag)| String::from(tag.as_str()))
            .collect();
        let expected: [String; 4] = [
            format!("sha256-{hex}.sig"),
            format!("sha256-{hex}.att"),
            format!("sha256-{hex}.sbom"),
            format!("sha256-{hex}"),
        ];
        assert_eq!(tags, expected);
    }

    #[test]
    fn tags_of_a_long_digest() {
        let digest = digest(Algorithm::Sha512, [0xab; 32]);
        let tags: Vec<_> = tags_for(digest).collect();
        let [(Kind::Referrers, tag)] = tags.as_slice() else {
            panic!("cosign has no room: {tags:?}");
        };
        assert_eq!(tag.as_str(), format!("sha512-{}", "ab".repeat(32)));
        let attached = subject_of(tag.as_str()).expect("the tag was made for it");
        assert!(attached.is_for(digest));
        assert_eq!(attached.subject(), None);
    }

    #[test]
    fn other_tags() {
        let hex = "ab".repeat(32);
        for tag in [
            "latest",
            "sha256",
            "sha256-",
            "sha256-abc",
            &format!("sha256:{hex}"),
            &format!("sha256-{hex}."),
            &format!("sha256-{hex}.sig.att"),
            &format!("sha256-{hex}.SIG"),
            &format!("sha256-{}.sig", hex.to_uppercase()),
            &format!("sha256-{hex}ab"),
            &format!("sha384-{hex}.sig"),
            &format!("sha256-{}ä", &hex[..62]),
            &format!("md5-{hex}"),
        ] {
            assert_eq!(subject_of(tag), None, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn every_tag_leads_back(which in 0usize..3, bytes in any::<[u8; 32]>()) {
            let digest = digest(Algorithm::ALL[which], bytes);
            for (kind, tag) in tags_for(digest) {
                let attached = subject_of(tag.as_str()).expect("the tag was made for it");
                prop_assert_eq!(attached.kind(), kind);
                prop_assert!(attached.is_for(digest));
                if let Some(subject) = attached.subject() {
                    prop_assert_eq!(subject, digest);
                }
            }
        }

        #[test]
        fn no_tag_panics(tag in "\\PC*|sha(256|384|512)-[0-9a-fä]{0,70}[.]?[a-z]{0,4}") {
            let _ = subject_of(&tag);
        }
    }
}
