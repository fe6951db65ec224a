//! Images that speak of others: by tags made of a digest, or by the `subject` in a manifest.

use crate::raw::{Damage, Referrer, Resolution};
use regcarve_formats::{Manifest, attached};
use regcarve_types::{Digest, Repository};

/// What is filed in the same repository under the tags that cosign and the OCI make of these digests.
///
/// `tags` are all tags of the repository, sorted by byte value, if they are known; without them every possible
/// tag is resolved.
pub fn attached_by_tag(
    manifests: &[String],
    tags: Option<&[String]>,
    mut resolve: impl FnMut(String) -> Resolution,
) -> Vec<Referrer> {
    let mut attachments = Vec::new();
    for subject in manifests {
        let Ok(digest) = Digest::parse(subject) else {
            continue;
        };
        for (_, tag) in attached::tags_for(digest) {
            let tag = tag.to_string();
            if tags.is_some_and(|tags| tags.binary_search(&tag).is_err()) {
                continue;
            }
            let resolution = resolve(tag);
            if !matches!(resolution, Resolution::Missing(_)) {
                attachments.push(Referrer {
                    subject: subject.clone(),
                    resolution,
                });
            }
        }
    }
    attachments
}

/// Says what may hold something that speaks of any image of a repository, but cannot be read.
///
/// It is said once for each repository, with the first manifest that is asked about: the host asks again for whatever
/// it is given.
#[derive(Default)]
pub struct Unreadable {
    /// The repository that it was last said for. They are asked about one after the other.
    said: Option<Repository>,
}

impl Unreadable {
    /// All that cannot be read, as one damaged attachment; nothing if there is nothing to say, or no more.
    pub fn attachment(
        &mut self,
        repository: &Repository,
        manifests: &[String],
        damages: impl FnOnce() -> Vec<Damage>,
    ) -> Option<Referrer> {
        let subject = manifests.first()?.clone();
        if self.said.as_ref() == Some(repository) {
            return None;
        }
        let mut damages = damages();
        if damages.is_empty() {
            return None;
        }
        for damage in &mut damages {
            damage.cause.push_str(&format!(
                "; without it nobody can say what speaks of the images of {repository}"
            ));
        }
        self.said = Some(repository.clone());
        Some(Referrer {
            subject,
            resolution: Resolution::Damaged(damages),
        })
    }
}

/// The manifest that this one speaks of, if it does.
///
/// What is no manifest speaks of nothing here; that it is none is reported where it is resolved.
pub fn subject_of(manifest: &[u8]) -> Option<Digest> {
    Some(Manifest::parse(manifest).ok()?.subject()?.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_that_are_there_are_resolved() {
        let digest = Digest::sha256([0xab; 32]);
        let manifests = [digest.to_string(), "no digest".into()];
        let signature = format!("sha256-{}.sig", "ab".repeat(32));
        let damaged = || Resolution::Damaged(Vec::new());

        let tags = ["latest".to_owned(), signature.clone()];
        let mut asked = Vec::new();
        let found = attached_by_tag(&manifests, Some(&tags), |tag| {
            asked.push(tag);
            damaged()
        });
        assert_eq!((found.len(), asked), (1, vec![signature.clone()]));

        let found = attached_by_tag(&manifests, None, |tag| match tag == signature {
            true => damaged(),
            false => Resolution::Missing(String::new()),
        });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject, digest.to_string());
    }

    #[test]
    fn what_cannot_be_read_is_said_once_for_each_repository() {
        let repository = |name| Repository::parse(name).expect("a repository");
        let damage = |path: &str| Damage {
            path: path.into(),
            cause: "it is gone".into(),
        };
        let manifests = ["first".to_owned(), "second".into()];
        let mut unreadable = Unreadable::default();
        let (app, other) = (repository("app"), repository("other"));
        assert!(unreadable.attachment(&app, &manifests, Vec::new).is_none());
        assert!(
            unreadable
                .attachment(&app, &[], || vec![damage("a")])
                .is_none()
        );
        let said = unreadable.attachment(&app, &manifests, || vec![damage("a"), damage("b")]);
        let said = said.expect("two damages");
        assert_eq!(said.subject, "first");
        let Resolution::Damaged(damages) = said.resolution else {
            panic!("it is damaged");
        };
        assert_eq!(damages.len(), 2);
        assert!(damages[1].cause.starts_with("it is gone; "));
        let again = unreadable.attachment(&app, &manifests, || panic!("it was said"));
        assert!(again.is_none());
        assert!(
            unreadable
                .attachment(&other, &manifests, || vec![damage("a")])
                .is_some()
        );
    }

    #[test]
    fn subjects() {
        let descriptor = format!(
            r#"{{"mediaType":"a/b","digest":"{}","size":1}}"#,
            Digest::sha256([1; 32])
        );
        let manifest = format!(
            r#"{{"schemaVersion":2,"config":{descriptor},"layers":[],"subject":{descriptor}}}"#
        );
        assert_eq!(
            subject_of(manifest.as_bytes()),
            Some(Digest::sha256([1; 32]))
        );
        assert_eq!(subject_of(b"{}"), None);
    }
}
