//! Hints for missing images: the nearest names that exist.

use regcarve_types::{Repository, Tag};

use super::resolve::Resolved;
use super::select::Catalog;
use super::session::Session;
use crate::error::Error;
use crate::release::answers::ImageRequest;
use crate::signals;

/// The number of names in a hint.
const NAMES: usize = 3;

/// The number of missing images that get a hint. It is looked for among all names of a repository; where more are missing,
/// the list or the source is wrong and not a letter.
const HINTS: usize = 100;

/// Adds hints to the problems of missing images.
pub fn hints(session: &Session, resolved: &mut Resolved) -> Result<(), Error> {
    if resolved.missing.is_empty() {
        return Ok(());
    }
    // Every run gives hints for the same images, in whatever order readers found them missing.
    resolved.missing.sort_unstable();
    let mut reader = session.start_reader()?;
    let mut catalog = Catalog::new(&mut reader);
    for (repository, request, problem) in resolved.missing.iter().take(HINTS) {
        signals::check()?;
        resolved.problems[*problem].hint = match hint(&mut catalog, repository, request) {
            Ok(hint) => hint,
            // Where names cannot be listed, that is most likely why the image is missing.
            Err(Error::Problems(problems)) => problems.into_iter().next().map(|first| first.cause),
            // A hint is no reason to fail.
            Err(_) => None,
        };
    }
    Ok(())
}

/// The hint for one missing image.
fn hint(
    catalog: &mut Catalog<'_>,
    repository: &Repository,
    request: &ImageRequest,
) -> Result<Option<String>, Error> {
    if let Some(tags) = catalog.tags(repository)? {
        let Some(tag) = &request.tag else {
            return Ok(None);
        };
        let near = nearest(tag.as_str(), tags.iter().map(Tag::as_str));
        return Ok(Some(match near.as_slice() {
            [] => format!("{repository} has no tags"),
            near => format!("nearest tags: {}", near.join(", ")),
        }));
    }
    let near = nearest(
        repository.as_str(),
        catalog.repositories()?.iter().map(Repository::as_str),
    );
    Ok(Some(match near.as_slice() {
        [] => "the source has no repositories".into(),
        near => format!("nearest repositories: {}", near.join(", ")),
    }))
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
