//! The source in typed answers: `None` for a file or directory that does not exist, a [`Damage`] for one that is not
//! what it should be.

use regcarve_types::Digest;

pub use crate::raw::source::DirectoryEntry;
use crate::raw::source::{self, Page};
use crate::raw::{Damage, Failure};

/// Reads a file that holds a digest and nothing else.
///
/// # Errors
///
/// The damage of the file, like in all functions of this module.
pub fn read_link(path: &str) -> Result<Option<Digest>, Damage> {
    let text = found(path, source::read_link(path))?;
    text.map(|text| digest(path, &text)).transpose()
}

/// Reads a manifest-sized file that must have this digest.
pub fn read_blob(path: &str, expected: Digest) -> Result<Option<Vec<u8>>, Damage> {
    let blob = found(path, source::read_blob(path, Some(&expected.to_string())))?;
    Ok(blob.map(|blob| blob.bytes))
}

/// Reads a manifest-sized file and computes its sha256.
pub fn find_blob(path: &str) -> Result<Option<(Digest, Vec<u8>)>, Damage> {
    let blob = found(path, source::read_blob(path, None))?;
    blob.map(|blob| Ok((digest(path, &blob.digest)?, blob.bytes)))
        .transpose()
}

/// Reads a file that has no digest.
pub fn read_file(path: &str) -> Result<Option<Vec<u8>>, Damage> {
    found(path, source::read_file(path))
}

/// Returns the size of a file in bytes.
pub fn file_size(path: &str) -> Result<Option<u64>, Damage> {
    found(path, source::file_size(path))
}

/// Lists a directory, sorted by byte value. The empty path is the root.
pub fn entries(path: &str) -> Result<Option<Vec<DirectoryEntry>>, Damage> {
    found(path, all_pages(|after| source::list_directory(path, after)))
}

/// Lists the directories in a directory, sorted by byte value.
pub fn directories(path: &str) -> Result<Option<Vec<String>>, Damage> {
    let directories = |entries: Vec<DirectoryEntry>| {
        let entries = entries.into_iter().filter(|entry| entry.is_directory);
        entries.map(|entry| entry.name).collect()
    };
    Ok(entries(path)?.map(directories))
}

/// Answers whether a path is a directory.
pub fn is_directory(path: &str) -> Result<bool, Damage> {
    Ok(found(path, source::list_directory(path, None))?.is_some())
}

fn found<T>(path: &str, answer: Result<T, Failure>) -> Result<Option<T>, Damage> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::NotFound) => Ok(None),
        Err(failure) => Err(damage(path, failure)),
    }
}

fn damage(path: &str, failure: Failure) -> Damage {
    let cause = match failure {
        Failure::NotFound => "there is no such file".into(),
        Failure::Occupied => "occupied".into(),
        Failure::Refused(text) | Failure::Damaged(text) | Failure::Other(text) => text,
    };
    // The root has no name of its own.
    let path = if path.is_empty() { "." } else { path };
    Damage {
        path: path.into(),
        cause,
    }
}

fn digest(path: &str, text: &str) -> Result<Digest, Damage> {
    Digest::parse(text).map_err(|error| damage(path, Failure::Damaged(error.to_string())))
}

fn all_pages(
    mut page: impl FnMut(Option<&str>) -> Result<Page, Failure>,
) -> Result<Vec<DirectoryEntry>, Failure> {
    let mut all: Vec<DirectoryEntry> = Vec::new();
    loop {
        let next = page(all.last().map(|entry| entry.name.as_str()))?;
        // A page that says "more" and brings nothing would be asked for without end.
        let more = next.more && !next.entries.is_empty();
        all.extend(next.entries);
        if !more {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_host() {
        assert_eq!(found("a", Ok(1)).ok(), Some(Some(1)));
        assert_eq!(found::<u8>("a", Err(Failure::NotFound)).ok(), Some(None));
        for (path, failure, expected) in [
            (
                "team",
                Failure::Damaged("a link".into()),
                ("team", "a link"),
            ),
            ("", Failure::Damaged("a link".into()), (".", "a link")),
            ("a", Failure::Other("no".into()), ("a", "no")),
        ] {
            let damage = found::<u8>(path, Err(failure)).expect_err("a failure");
            assert_eq!((damage.path.as_str(), damage.cause.as_str()), expected);
        }
    }

    #[test]
    fn pages_are_joined() {
        let names = ["a", "b", "c"];
        let listed = all_pages(|after| {
            let at = after.map_or(0, |after| {
                names
                    .iter()
                    .position(|name| *name == after)
                    .map_or(0, |at| at + 1)
            });
            let entries = vec![DirectoryEntry {
                name: names[at].into(),
                is_directory: true,
            }];
            Ok(Page {
                entries,
                more: at + 1 < names.len(),
            })
        });
        let listed: Vec<_> = listed
            .expect("no failure")
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(listed, names);
        assert!(
            all_pages(|_| Ok(Page {
                entries: Vec::new(),
                more: true
            }))
            .expect("no failure")
            .is_empty()
        );
        assert!(all_pages(|_| Err(Failure::NotFound)).is_err());
    }
}
