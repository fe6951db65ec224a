use crate::raw::{Audit as _, Reader as _};

use super::*;

/// A catalog of one repository, `app`, in which the tag `v1` and the signature of its image exist.
#[derive(Default)]
struct Fake {
    /// Tags that were resolved.
    asked: Vec<String>,
    /// Without a list of tags, each possible tag is resolved.
    lists_tags: bool,
    unreadable: Vec<Damage>,
}

fn one() -> Digest {
    Digest::sha256([0xab; 32])
}

fn signature() -> String {
    format!("sha256-{}.sig", "ab".repeat(32))
}

fn damage(path: &str) -> Damage {
    Damage {
        path: path.into(),
        cause: "it is gone".into(),
    }
}

impl Catalog for Fake {
    type Top = Digest;

    fn repositories(&mut self) -> Result<Option<Vec<Repository>>, Damage> {
        Err(damage("repositories"))
    }

    fn tags(&mut self, repository: &Repository) -> Result<Option<Vec<Tag>>, Damage> {
        let tags = [signature(), "v1".into()];
        let tags = tags.iter().map(|tag| Tag::parse(tag).expect("a tag"));
        Ok((repository.as_str() == "app").then(|| tags.collect()))
    }

    fn retain_existing(&mut self, repository: &Repository, tags: &mut Vec<(Digest, Tag)>) {
        if self.lists_tags {
            let existing = self.tags(repository).expect("tags").unwrap_or_default();
            tags.retain(|(_, tag)| existing.contains(tag));
        }
    }

    fn by_tag(
        &mut self,
        repository: &Repository,
        tag: &Tag,
        _: Option<Digest>,
    ) -> Result<Option<Digest>, Unresolved> {
        self.asked.push(tag.to_string());
        let tags = self.tags(repository)?.unwrap_or_default();
        Ok(tags.contains(tag).then(one))
    }

    fn by_digest(
        &mut self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Option<Digest>, Unresolved> {
        Ok((repository.as_str() == "app" && digest == one()).then(one))
    }

    fn digest_of(top: &Digest) -> Digest {
        *top
    }

    fn closure(&mut self, _: &Repository, _: Digest) -> Result<Vec<Located>, Vec<Damage>> {
        Ok(Vec::new())
    }

    fn untagged_referrers(&mut self, _: &Repository, _: &[Digest]) -> UntaggedReferrers<Digest> {
        UntaggedReferrers {
            found: Vec::new(),
            unreadable: self.unreadable.clone(),
        }
    }
}

impl Audited for Fake {
    fn untagged(&mut self, _: &Repository) -> Untagged {
        Untagged {
            manifests: [one(), Digest::sha256([1; 32])].into(),
            damages: Vec::new(),
        }
    }
}

fn answer(repository: &str, tag: Option<&str>, digest: Option<Digest>) -> Resolution {
    let mut reader = CatalogReader::<Fake>::default();
    let request = ImageRequest {
        tag: tag.map(Into::into),
        digest: digest.map(|digest| digest.to_string()),
    };
    reader.resolve(repository, vec![request]).remove(0)
}

#[test]
fn every_request_is_answered() {
    let other = Digest::sha256([2; 32]);
    for (tag, digest) in [
        (Some("v1"), None),
        (Some("v1"), Some(one())),
        (None, Some(one())),
    ] {
        let Resolution::Found(image) = answer("app", tag, digest) else {
            panic!("{tag:?} {digest:?}");
        };
        assert_eq!(image.tag.as_deref(), tag);
        assert_eq!(image.digest, one().to_string());
    }
    for (tag, digest, expected) in [
        (Some("v1"), Some(other), "the tag now names"),
        (Some("v2"), None, "there is no such tag"),
        (Some("v2"), Some(one()), "there is no such tag"),
        (None, Some(other), "this repository has no such manifest"),
        (Some("."), None, "this cannot be a tag"),
        (None, None, "neither a tag nor a digest"),
    ] {
        let Resolution::Missing(cause) = answer("app", tag, digest) else {
            panic!("{tag:?} {digest:?}");
        };
        assert!(cause.contains(expected), "{cause}");
    }
    let none = answer("other", Some("v1"), None);
    assert!(matches!(none, Resolution::NoRepository));
    let none = answer("other", None, Some(one()));
    assert!(matches!(none, Resolution::NoRepository));
    let odd = answer("Not a name", Some("v1"), None);
    assert!(matches!(odd, Resolution::Missing(_)));
}

#[test]
fn only_tags_that_exist_are_resolved_where_tags_are_listed() {
    for lists_tags in [true, false] {
        let mut reader = CatalogReader::<Fake>::default();
        reader.catalog.lists_tags = lists_tags;
        let subjects = vec![one().to_string(), "no digest".into()];
        let found = reader.referrers("app", subjects);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject, one().to_string());
        let Resolution::Found(image) = &found[0].resolution else {
            panic!("it is there");
        };
        assert_eq!(image.tag, Some(signature()));
        let asked = if lists_tags { 1 } else { 4 };
        assert_eq!(reader.catalog.asked.len(), asked);
    }
}

#[test]
fn unreadable_manifests_are_reported_once_for_each_repository() {
    let subjects = || vec![Digest::sha256([3; 32]).to_string()];
    let mut reader = CatalogReader::<Fake>::default();
    assert!(reader.referrers("app", subjects()).is_empty());
    reader.catalog.unreadable = vec![damage("a"), damage("b")];
    assert!(reader.referrers("app", Vec::new()).is_empty());
    let mut said = reader.referrers("app", subjects());
    let said = said.remove(0);
    assert_eq!(said.subject, subjects()[0]);
    let Resolution::Damaged(damages) = said.resolution else {
        panic!("it is damaged");
    };
    assert_eq!(damages.len(), 2);
    assert!(damages[1].cause.starts_with("it is gone; "));
    assert!(reader.referrers("app", subjects()).is_empty());
    assert_eq!(reader.referrers("other", subjects()).len(), 1);
}

#[test]
fn names_and_digests_are_text_for_the_host() {
    let mut reader = CatalogReader::<Fake>::default();
    assert_eq!(
        reader.tags("app").expect("tags"),
        [signature(), "v1".into()]
    );
    assert!(matches!(reader.tags("other"), Err(Failure::NotFound)));
    assert!(matches!(
        reader.tags("Not a name"),
        Err(Failure::Refused(_))
    ));
    let Err(Failure::Damaged(text)) = reader.repositories() else {
        panic!("damaged");
    };
    assert_eq!(text, "repositories: it is gone");
    let untagged = reader.untagged("app").expect("untagged content");
    let sorted = [Digest::sha256([1; 32]).to_string(), one().to_string()];
    assert_eq!(untagged.manifests, sorted);
}
