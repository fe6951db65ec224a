//! Documents of this repository, as tests and `.ci/run` read them.
//!
//! A block of commands that something types has a name, in a comment on the line before it:
//!
//! ````text
//! <!-- ci:quickstart -->
//! ```sh
//! regcarve run …
//! ```
//! ````

use std::fs;
use std::path::{Path, PathBuf};

/// A path of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// The text of a document.
pub fn text(path: &str) -> String {
    fs::read_to_string(repository(path))
        .unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
}

/// The commands of the block that a text calls so; `None` where it has none.
pub fn named_block(text: &str, name: &str) -> Option<String> {
    let (_, behind) = text.split_once(&format!("<!-- ci:{name} -->\n"))?;
    behind.trim_start().strip_prefix("```sh\n")?;
    Some(first_block(behind))
}

/// The commands of the first block of a text.
pub fn first_block(text: &str) -> String {
    let (_, behind) = text.split_once("```sh\n").expect("a block of commands");
    let (commands, _) = behind.split_once("\n```").expect("the end of a block");
    commands.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_name() {
        let text = "# A\n```sh\none\n```\n<!-- ci:two -->\n```sh\ntwo\nthree\n```\n<!-- ci:none -->\ntext\n```sh\nfour\n```\n";
        assert_eq!(first_block(text), "one");
        assert_eq!(named_block(text, "two").as_deref(), Some("two\nthree"));
        assert_eq!(named_block(text, "none"), None);
        assert_eq!(named_block(text, "other"), None);
    }
}
