//! The three storage formats: what is in them, who reads them, and that every way between them keeps every digest.
//!
//! | module | what it shows |
//! |---|---|
//! | `corpus` | the whole corpus through every format and back; skopeo reads ours, ours reads skopeo's |
//! | `disk` | three outputs of one run take no room for payload |
//! | `signed` | what speaks of an image travels with it, in every format |
//! | `drawings` | each format as text |
//! | `refused` | storages, outputs and names that cannot be |
//! | `unreadable` | what may speak of an image, but cannot be read, is never passed over |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod corpus;
mod disk;
mod drawings;
mod refused;
mod signed;
mod unreadable;

use std::path::{Path, PathBuf};

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use tempfile::TempDir;

/// All formats, as a command line names them.
const FORMATS: [&str; 3] = ["registry", "dir", "oci"];

/// A folder for one test, in which storages have short names.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder for storages"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `dir:out` with the whole path.
    fn spec(&self, short: &str) -> String {
        let (format, name) = short.split_once(':').expect("FORMAT:NAME");
        format!("{format}:{}", self.path(name).display())
    }

    /// Runs `regcarve run` with these flags, from a source into outputs, each `FORMAT:NAME`.
    fn carve(&self, flags: &[&str], source: &str, outputs: &[&str]) -> Outcome {
        let mut command = regcarve(env!("CARGO_BIN_EXE_regcarve"));
        command
            .args(["run", "--durability", "none"])
            .args(flags)
            .arg(self.spec(source));
        for output in outputs {
            command.arg(self.spec(output));
        }
        let outcome = command.reported();
        outcome.assert_no_panic();
        outcome
    }
}

/// What a report says of every image: its name and its digest, sorted.
fn images(outcome: &Outcome) -> Vec<(String, String)> {
    let names = outcome.listed("images", "reference");
    let mut images: Vec<_> = names
        .into_iter()
        .zip(outcome.listed("images", "digest"))
        .collect();
    images.sort();
    images
}

/// Whether there is nothing at a path, and no staging beside it.
fn is_clean(output: &Path) -> bool {
    output.symlink_metadata().is_err()
        && regcarve_test_support::tree::staging_beside(output).is_empty()
}
