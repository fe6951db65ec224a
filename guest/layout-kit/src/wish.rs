//! Wishes: what is asked for by tag, by digest, or by both.

use crate::raw::Failure;
use crate::raw::{ImageRequest, Resolution};
use regcarve_types::{Digest, Repository};

/// The name of a repository, as the host hands it over.
///
/// # Errors
///
/// `refused`, should it be none.
pub fn repository_name(text: &str) -> Result<Repository, Failure> {
    Repository::parse(text).map_err(|error| Failure::Refused(error.to_string()))
}

/// Answers wishes one after the other.
pub fn resolve_each(
    repository: &str,
    wanted: Vec<ImageRequest>,
    mut resolve: impl FnMut(&Repository, ImageRequest) -> Resolution,
) -> Vec<Resolution> {
    match Repository::parse(repository) {
        Ok(repository) => wanted
            .into_iter()
            .map(|wanted| resolve(&repository, wanted))
            .collect(),
        Err(error) => wanted
            .iter()
            .map(|_| Resolution::Missing(error.to_string()))
            .collect(),
    }
}

/// The digest that is asked for, given the one that the tag names (if a tag is asked for).
///
/// # Errors
///
/// The answer to the wish, where there is no such digest.
pub fn asked_digest(wanted: &ImageRequest, tagged: Option<Digest>) -> Result<Digest, Resolution> {
    let missing = |cause: String| Err(Resolution::Missing(cause));
    match (tagged, pinned_digest(wanted)?) {
        (Some(tagged), Some(pinned)) if tagged != pinned => {
            missing(format!("the tag now names {tagged}"))
        }
        (Some(digest), _) | (None, Some(digest)) => Ok(digest),
        (None, None) => missing("neither a tag nor a digest is asked for".into()),
    }
}

/// The digest that a wish itself names.
///
/// # Errors
///
/// The answer to the wish, if what it names is none.
pub fn pinned_digest(wanted: &ImageRequest) -> Result<Option<Digest>, Resolution> {
    let digest = wanted.digest.as_deref().map(Digest::parse).transpose();
    digest.map_err(|error| Resolution::Missing(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_and_digest_have_to_agree() {
        let (one, two) = (Digest::sha256([1; 32]), Digest::sha256([2; 32]));
        let wanted = |digest: Option<Digest>| ImageRequest {
            tag: None,
            digest: digest.map(|digest| digest.to_string()),
        };
        for (tagged, pinned, expected) in [
            (Some(one), None, Some(one)),
            (Some(one), Some(one), Some(one)),
            (None, Some(two), Some(two)),
            (Some(one), Some(two), None),
            (None, None, None),
        ] {
            assert_eq!(asked_digest(&wanted(pinned), tagged).ok(), expected);
        }
        let odd = ImageRequest {
            tag: None,
            digest: Some("sha256:12".into()),
        };
        assert!(matches!(
            asked_digest(&odd, Some(one)),
            Err(Resolution::Missing(_))
        ));
    }
}
