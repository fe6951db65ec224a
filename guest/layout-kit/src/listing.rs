//! Directories of the source, read page by page.

use crate::raw::source::{DirectoryEntry, Page, list_directory};
use crate::raw::{Damage, Failure};

use crate::failure::cause;

/// What is in a directory, sorted by byte value. The empty path is the root.
///
/// # Errors
///
/// Those of the source; what is damaged says where.
pub fn entries(path: &str) -> Result<Vec<DirectoryEntry>, Failure> {
    all_pages(|after| list_directory(path, after)).map_err(|failure| match failure {
        Failure::Damaged(text) if !path.is_empty() => Failure::Damaged(format!("{path}: {text}")),
        other => other,
    })
}

/// The names of the directories in a directory, sorted by byte value.
///
/// # Errors
///
/// As [`entries`].
pub fn directories(path: &str) -> Result<Vec<String>, Failure> {
    let entries = entries(path)?.into_iter();
    Ok(entries
        .filter(|entry| entry.is_directory)
        .map(|entry| entry.name)
        .collect())
}

/// What [`entries`] failed with, as a damage of that directory.
pub fn unlisted(path: &str, failure: Failure) -> Damage {
    let text = cause(failure);
    let said_once = text
        .strip_prefix(path)
        .and_then(|text| text.strip_prefix(": "));
    Damage {
        cause: said_once.unwrap_or(&text).into(),
        // The root has no name of its own.
        path: if path.is_empty() { "." } else { path }.into(),
    }
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
    fn a_damage_names_its_directory_once() {
        let damaged = |text: &str| Failure::Damaged(text.into());
        for (path, failure, expected) in [
            ("team", damaged("team: a link"), ("team", "a link")),
            ("team", damaged("a link"), ("team", "a link")),
            ("", damaged("a link"), (".", "a link")),
            ("a", Failure::Other("no".into()), ("a", "no")),
        ] {
            let damage = unlisted(path, failure);
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
