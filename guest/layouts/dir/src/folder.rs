//! Folders, classified by their names and their entries.

use regcarve_formats::dir::{File, reference_of};
use regcarve_layout_kit::source::DirectoryEntry;
use regcarve_types::{Digest, Reference, ReferenceError, Repository, RepositoryError, Tag};

/// A folder below the root, classified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// An image.
    Image(Reference),
    /// Named like an image, but there is no manifest in it.
    Incomplete(Reference),
    /// An image that no reference can name. The text says why.
    Unaddressable(String),
    /// No image; there may be some below it.
    Parent,
}

/// Classifies the folder at `path`, relative to the root.
pub(crate) fn classify(path: &str, entries: &[DirectoryEntry]) -> Folder {
    let name = reference_of(path);
    if !entries.iter().any(is_manifest) {
        // A registry's host and port look like an image and its tag, but have nothing but folders in them.
        let only_folders = !entries.is_empty() && entries.iter().all(|entry| entry.is_directory);
        return match name {
            Ok(reference) if !only_folders => Folder::Incomplete(reference),
            _ => Folder::Parent,
        };
    }
    match name {
        Ok(reference) if reference.tag().is_some() && reference.digest().is_some() => {
            Folder::Unaddressable(format!(
                "`{path}` holds an image, but is named by tag and digest: leave one of them out of the name",
            ))
        }
        Ok(reference) => Folder::Image(reference),
        Err(ReferenceError::BareName(name)) => Folder::Unaddressable(format!(
            "`{path}` holds an image, but its name has no tag: rename it to `{name}:TAG`",
        )),
        Err(ReferenceError::Repository(RepositoryError::Host(host))) => {
            Folder::Unaddressable(format!(
                "`{path}` holds an image, but `{host}` is a registry and no part of a name: take the folder `{host}` as the \
             source, or rename it",
            ))
        }
        Err(error) => Folder::Unaddressable(format!(
            "`{path}` holds an image, but its name is none of an image: {error}; rename it to NAME:TAG"
        )),
    }
}

fn is_manifest(entry: &DirectoryEntry) -> bool {
    !entry.is_directory && File::parse(&entry.name) == Some(File::Manifest)
}

/// The folder above the folders of the images of a repository, and the text that their names begin with.
pub(crate) fn parent_of(repository: &Repository) -> (&str, &str) {
    repository
        .as_str()
        .rsplit_once('/')
        .unwrap_or(("", repository.as_str()))
}

/// A folder with the name of an image of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Relative to the root.
    pub(crate) path: String,
    /// The part of its name that tells images of the repository apart.
    pub(crate) name: Name,
}

/// The part after the repository in the name of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `:tag`
    Tag(Tag),
    /// `@digest`
    Digest(Digest),
}

/// Those of `siblings`, sorted by byte value, that are named like images of `repository`. They stay sorted.
pub(crate) fn of_repository(repository: &Repository, siblings: &[String]) -> Vec<Named> {
    let (parent, base) = parent_of(repository);
    let start = siblings.partition_point(|name| name.as_str() < base);
    let near = siblings[start..]
        .iter()
        .take_while(|name| name.starts_with(base));
    near.filter_map(|sibling| {
        let name = match sibling[base.len()..].split_at_checked(1)? {
            (":", tag) => Name::Tag(Tag::parse(tag).ok()?),
            ("@", digest) => Name::Digest(Digest::parse(digest).ok()?),
            _ => return None,
        };
        Some(Named {
            path: join(parent, sibling),
            name,
        })
    })
    .collect()
}

/// A path below another one; the empty path is the root.
pub(crate) fn join(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.into()
    } else {
        format!("{above}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<DirectoryEntry> {
        let entry = |name: &&str| DirectoryEntry {
            name: name.trim_end_matches('/').into(),
            is_directory: name.ends_with('/'),
        };
        names.iter().map(entry).collect()
    }

    #[test]
    fn folders_are_classified() {
        let reference = |text| Reference::parse(text).expect("a reference");
        let digest = Digest::sha256([1; 32]);
        let both = format!("a:1@{digest}");
        for (path, names, expected) in [
            (
                "team/app:v1",
                &["manifest.json", "version"][..],
                Folder::Image(reference("team/app:v1")),
            ),
            (
                "docker.io/library/nginx:1",
                &["manifest.json"],
                Folder::Image(reference("docker.io/library/nginx:1")),
            ),
            (
                "team/app:v1",
                &["version"],
                Folder::Incomplete(reference("team/app:v1")),
            ),
            (
                "team/app:v1",
                &[],
                Folder::Incomplete(reference("team/app:v1")),
            ),
            ("team/app:v1", &["manifest.json/"], Folder::Parent),
            ("localhost:5000", &["team/"], Folder::Parent),
            ("team", &["app:v1/"], Folder::Parent),
            ("team", &["README"], Folder::Parent),
        ] {
            assert_eq!(
                classify(path, &entries(names)),
                expected,
                "{path} {names:?}"
            );
        }
        for (path, hint) in [
            ("team/app", "rename it to `team/app:TAG`"),
            (
                "localhost:5000/app:1",
                "take the folder `localhost:5000` as the source",
            ),
            ("Team/app:1", "upper case letter `T` at position 1"),
            (&both, "leave one of them out"),
        ] {
            let Folder::Unaddressable(why) = classify(path, &entries(&["manifest.json"])) else {
                panic!("{path}")
            };
            assert!(why.contains(hint), "{why}");
        }
    }

    #[test]
    fn images_of_a_repository() {
        let digest = Digest::sha256([1; 32]);
        let pinned = format!("app@{digest}");
        let mut siblings: Vec<String> = [
            "ap",
            "app",
            "app-x:1",
            "app.y:1",
            "app:",
            "app:v1",
            "app:v2",
            "app@sha256:1",
            &pinned,
            "app\u{e4}:1",
            "b:v1",
        ]
        .map(Into::into)
        .into();
        siblings.sort_unstable();
        let paths = |repository: &str| {
            let repository = Repository::parse(repository).expect("a repository");
            of_repository(&repository, &siblings)
                .into_iter()
                .map(|named| named.path)
                .collect::<Vec<_>>()
        };
        assert_eq!(paths("app"), ["app:v1", "app:v2", &pinned]);
        assert_eq!(
            paths("team/app"),
            ["team/app:v1", "team/app:v2", &format!("team/{pinned}")]
        );
        assert_eq!(paths("b"), ["b:v1"]);
        assert!(paths("none").is_empty());
    }
}
