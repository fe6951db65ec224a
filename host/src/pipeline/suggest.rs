//! For a name that is not there, the names that it may have meant.

use regcarve_types::{Repository, Tag};

use super::select::Catalog;
use crate::error::Error;
use crate::release::answers::ImageRequest;

/// How many names a message holds.
const NAMES: usize = 3;

/// What to say of an image that is missing.
pub fn hint(
    catalog: &mut Catalog<'_>,
    repository: &Repository,
    wanted: &ImageRequest,
) -> Result<Option<String>, Error> {
    if let Some(tags) = catalog.tags(repository)? {
        let Some(tag) = &wanted.tag else {
            return Ok(None);
        };
        let near = nearest(tag.as_str(), tags.iter().map(Tag::as_str));
        return Ok(match near.is_empty() {
            true => Some(format!("{repository} has no tags")),
            false => Some(format!("nearest tags: {}", near.join(", "))),
        });
    }
    let near = nearest(
        repository.as_str(),
        catalog.repositories()?.iter().map(Repository::as_str),
    );
    Ok(match near.is_empty() {
        true => Some("the source has no repositories".into()),
        false => Some(format!(
            "there is no repository {repository}; nearest: {}",
            near.join(", ")
        )),
    })
}

/// The names most like `name`, best first.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: Vec<_> = names
        .map(|other| (strsim::normalized_damerau_levenshtein(name, other), other))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked
        .into_iter()
        .take(NAMES)
        .map(|(_, other)| other)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn nearest_names_come_first() {
        let tags = ["1.12.2", "1.13.8-alpine", "latest", "1.11.12-alpine"];
        assert_eq!(nearest("1.12.1", tags.into_iter())[0], "1.12.2");
        assert_eq!(nearest("lastest", tags.into_iter())[0], "latest");
        assert!(nearest("x", std::iter::empty()).is_empty());
    }
}
