//! Directories of the source, read page by page.

use regcarve_kit::Failure;
use regcarve_kit::layout::source::{Entry, Page, list_directory};

/// What is in a directory, sorted by byte value. The empty path is the root.
///
/// # Errors
///
/// Those of the source; what is damaged says where.
pub fn entries(path: &str) -> Result<Vec<Entry>, Failure> {
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
        .filter(|entry| entry.directory)
        .map(|entry| entry.name)
        .collect())
}

fn all_pages(
    mut page: impl FnMut(Option<&str>) -> Result<Page, Failure>,
) -> Result<Vec<Entry>, Failure> {
    let mut all: Vec<Entry> = Vec::new();
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
    fn pages_are_joined() {
        let names = ["a", "b", "c"];
        let listed = all_pages(|after| {
            let at = after.map_or(0, |after| {
                names
                    .iter()
                    .position(|name| *name == after)
                    .map_or(0, |at| at + 1)
            });
            let entries = vec![Entry {
                name: names[at].into(),
                directory: true,
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
