//! Names of outputs and of the staging directories beside them.

use std::path::{Path, PathBuf};

use crate::error::Error;

/// Digits of the random part of a staging name.
const WORD: usize = 8;

/// The directory that an output is put into, and its name there.
pub(crate) fn parent_and_name(output: &Path) -> Result<(PathBuf, String), Error> {
    let usage = |what: &str| Error::Usage(format!("the output {} {what}", output.display()));
    let name = match output.file_name().map(|name| name.to_str()) {
        Some(Some(name)) => name.to_owned(),
        Some(None) => return Err(usage("has a name that is not UTF-8")),
        None => {
            return Err(usage(
                "has no name of its own; name a directory that does not exist yet",
            ));
        }
    };
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    Ok((parent, name))
}

/// A new name for a staging directory of the output `name`.
pub(super) fn staging_name(name: &str) -> String {
    let process = std::process::id();
    format!("{}{process}-{}", staging_prefix(name), random_word())
}

/// The beginning of all staging names of an output.
pub(super) fn staging_prefix(name: &str) -> String {
    format!(".{name}.partial-")
}

/// Tells whether this is the name of a staging directory of the output `name`, and of nothing else.
pub(super) fn is_staging_name(file_name: &str, name: &str) -> bool {
    let parts = file_name
        .strip_prefix(&staging_prefix(name))
        .and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(process, word)| {
        !process.is_empty()
            && process.bytes().all(|byte| byte.is_ascii_digit())
            && word.len() == WORD
            && word
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Keeps two runs with the same process id, in two containers, apart.
fn random_word() -> String {
    use std::hash::BuildHasher;
    format!(
        "{:0WORD$x}",
        std::hash::RandomState::new().hash_one(0) & 0xffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{is_staging_name, parent_and_name, staging_name};
    use crate::error::Error;

    #[test]
    fn only_names_of_our_own_pattern_are_staging() {
        let made = staging_name("out");
        assert!(is_staging_name(&made, "out"), "{made}");
        for other in [
            ".out.partial-",
            ".out.partial-backup",
            ".out.partial-4711",
            ".out.partial-4711-mine",
            ".out.partial-4711-0123456789",
            ".out.partial--01234567",
            ".out.partial-47x1-01234567",
            ".out.partial-4711-0123ABCD",
            ".other.partial-4711-01234567",
            "out.partial-4711-01234567",
        ] {
            assert!(!is_staging_name(other, "out"), "{other}");
        }
    }

    #[test]
    fn an_output_is_a_name_in_a_directory() {
        for (output, parent, name) in [
            ("out", ".", "out"),
            ("./out", ".", "out"),
            ("a/b/out", "a/b", "out"),
            ("/out", "/", "out"),
            ("a/out/", "a", "out"),
        ] {
            let (folder, last) = parent_and_name(Path::new(output)).unwrap();
            assert_eq!(
                (folder.as_path(), &*last),
                (Path::new(parent), name),
                "{output}"
            );
        }
        for output in ["", "/", ".", "..", "a/.."] {
            let error = parent_and_name(Path::new(output)).unwrap_err();
            assert!(matches!(error, Error::Usage(_)), "{output}: {error}");
        }
    }
}
