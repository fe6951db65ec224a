//! `regcarve policy new`: the project of a policy that works, for its author to change.
//!
//! A project is an example policy of this repository under another name, with the contract and, for Rust, the kit. The
//! build script embeds these files: nothing is downloaded, and a project fits the program that created it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::policy::{Language, New};
use crate::commands::print;
use crate::error::{Error, SystemContext as _};
use crate::fs::{OsError, OsResultExt as _};

/// The files that projects are made of: path in this repository, and content.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The name of the example policies, which nothing else in their files contains.
const EXAMPLE: &str = "owned-images";

/// A path in this repository, and its place in a project.
type Part = (&'static str, &'static str);

/// The parts of a project.
fn parts(language: Language) -> &'static [Part] {
    const CASES: Part = ("guest/examples/cases/", "cases/");
    const WIT: Part = ("wit/", "wit/");
    match language {
        Language::Rust => &[
            ("guest/examples/rust-policy/project/", ""),
            ("guest/examples/rust-policy/src/", "src/"),
            CASES,
            // The crates of the kit name one another by relative paths.
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

pub(super) fn new(args: &New) -> Result<()> {
    if !is_name(&args.name) {
        let message = format!(
            "cannot name a policy `{}`\n  hint: write lower-case words joined by `-`, the first beginning with a letter",
            args.name
        );
        return Err(Error::Usage(message).into());
    }
    let folder = PathBuf::from(&args.name);
    match std::fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Error::Occupied {
                path: folder,
                hint: "choose another name, or change into another folder",
            }
            .into());
        }
        made => made
            .during("mkdir", folder.display())
            .context("create the project")?,
    }
    for (path, content) in FILES {
        for (from, to) in parts(args.lang) {
            if let Some(rest) = path.strip_prefix(from) {
                let content = if is_example(path) {
                    renamed(content, &args.name)
                } else {
                    (*content).to_owned()
                };
                let path = folder.join(format!("{to}{rest}"));
                write(&path, &content).context("create the project")?;
            }
        }
    }
    print(&format!(
        "{}: a policy that works; README.md has the commands that build and test it",
        folder.display()
    ))?;
    Ok(())
}

/// True for a file of the policy, false for one of the contract or the kit.
fn is_example(path: &str) -> bool {
    path.starts_with("guest/examples/")
}

/// The text with the policy's own name, also in the form in which cargo names files.
fn renamed(text: &str, name: &str) -> String {
    text.replace(EXAMPLE, name)
        .replace(&EXAMPLE.replace('-', "_"), &name.replace('-', "_"))
}

/// True for a text that can be the name of a policy: lower-case words joined by `-`, as the contract has it.
pub(super) fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(word)
}

fn write(path: &Path, content: &str) -> Result<(), OsError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).during("mkdir", folder.display())?;
    }
    std::fs::File::create_new(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .during("write", path.display())
}

#[cfg(test)]
mod tests {
    use super::{EXAMPLE, FILES, is_example, is_name, parts, renamed};
    use crate::cli::policy::Language;

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
                    path.starts_with(from) && is_example(path) && text.contains(EXAMPLE)
                })
            });
            assert!(named, "{language:?} does not name the policy");
        }
        assert_eq!(renamed("owned-images owned_images", "a-b"), "a-b a_b");
    }
}
