//! `regcarve policy new`: a project with a policy that works, to be changed into one's own.
//!
//! What is written are the example policies of this repository, under another name, with the contract and, for Rust, the
//! kit. The build script embeds them, so that nothing is fetched, and the projects are as new as this program.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::cli::{Language, New};
use crate::commands::print;
use crate::error::Error;
use crate::fs::OsError;

/// Path in this repository and content.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The name of the example policies; no other text holds it.
const EXAMPLE: &str = "owned-images";

/// A path in this repository, and where in a project it goes.
type Part = (&'static str, &'static str);

/// What a project consists of.
fn parts(language: Language) -> &'static [Part] {
    const CASES: Part = ("guest/examples/cases/", "cases/");
    const WIT: Part = ("wit/", "wit/");
    match language {
        Language::Rust => &[
            ("guest/examples/rust-policy/project/", ""),
            ("guest/examples/rust-policy/src/", "src/"),
            CASES,
            // The kit keeps its place among its own kind.
            ("Cargo.toml", "regcarve/Cargo.toml"),
            ("guest/policy-kit/", "regcarve/guest/policy-kit/"),
            ("guest/types/", "regcarve/guest/types/"),
            ("guest/formats/", "regcarve/guest/formats/"),
            ("wit/", "regcarve/wit/"),
        ],
        Language::Javascript => &[("guest/examples/javascript-policy/", ""), CASES, WIT],
        Language::Python => &[("guest/examples/python-policy/", ""), CASES, WIT],
    }
}

pub(super) fn new(args: &New) -> Result<(), Error> {
    if !is_name(&args.name) {
        return Err(Error::Usage(format!(
            "`{}` cannot be the name of a policy: it is lower-case words joined by `-`, the first beginning with a letter",
            args.name
        )));
    }
    let folder = PathBuf::from(&args.name);
    match std::fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Error::Occupied {
                path: folder,
                hint: "take another name, or change into another folder",
            });
        }
        made => made.map_err(fault("mkdir", &folder))?,
    }
    for (path, content) in FILES {
        for (from, to) in parts(args.lang) {
            if let Some(rest) = path.strip_prefix(from) {
                let content = if is_ours(path) {
                    renamed(content, &args.name)
                } else {
                    (*content).to_owned()
                };
                write(&folder.join(format!("{to}{rest}")), &content)?;
            }
        }
    }
    print(&format!(
        "{}: a policy that works; README.md has the commands that build and test it",
        folder.display()
    ))
}

/// Whether a file belongs to the policy, and not to the contract or the kit.
fn is_ours(path: &str) -> bool {
    path.starts_with("guest/examples/")
}

/// The text with the policy's own name, also in the form in which cargo names files.
fn renamed(text: &str, name: &str) -> String {
    text.replace(EXAMPLE, name)
        .replace(&EXAMPLE.replace('-', "_"), &name.replace('-', "_"))
}

/// Lower-case words joined by `-`, as the contract wants the name of a policy.
pub(super) fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(word)
}

fn write(path: &Path, content: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(fault("mkdir", folder))?;
    }
    std::fs::File::create_new(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(fault("write", path))
}

fn fault(call: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |error| Error::system("write the project")(OsError::from_io(call, path, &error))
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLE, FILES, is_name, is_ours, parts, renamed};
    use crate::cli::Language;

    #[test]
    fn names() {
        for good in ["a", "no-snapshots", "newest3"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "", "-", "a-", "-a", "a--b", "3a", "No", "a_b", "a/b", "..", "a b", "ü",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    /// A part without a file would be a project that lacks something.
    #[test]
    fn every_part_has_files() {
        for language in [Language::Rust, Language::Javascript, Language::Python] {
            for (from, _) in parts(language) {
                assert!(
                    FILES.iter().any(|(path, _)| path.starts_with(from)),
                    "{from}"
                );
            }
            let named = parts(language).iter().any(|(from, _)| {
                FILES.iter().any(|(path, text)| {
                    path.starts_with(from) && is_ours(path) && text.contains(EXAMPLE)
                })
            });
            assert!(named, "{language:?} does not name the policy");
        }
        assert_eq!(renamed("owned-images owned_images", "a-b"), "a-b a_b");
    }
}
