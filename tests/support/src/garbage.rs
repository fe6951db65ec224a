//! Asks the real garbage collector what it would delete from a storage.

use std::fs;
use std::path::Path;

use crate::registry::{self, Mode, PROGRAM};

/// Everything that a garbage collection of a storage would delete.
#[derive(Debug)]
pub struct Garbage {
    /// Digests of the blobs that would go.
    pub blobs: Vec<String>,
    /// Lines on manifests that would go.
    pub manifests: Vec<String>,
    /// All it printed.
    pub output: String,
}

/// Asks the real garbage collector, which deletes nothing in a dry run.
pub fn garbage_collect_dry_run(root: &Path, delete_untagged: bool) -> Result<Garbage, String> {
    let folder = tempfile::tempdir().expect("folder for a configuration");
    let config = folder.path().join("config.yml");
    let text = registry::configuration(root, "127.0.0.1:0", Mode::Writable);
    fs::write(&config, text).expect("write a configuration");
    let mut run = registry::command();
    run.args(["garbage-collect", "--dry-run"]);
    if delete_untagged {
        run.arg("--delete-untagged");
    }
    let done = run
        .arg(&config)
        .output()
        .map_err(|error| format!("{PROGRAM}: {error}"))?;
    let output = format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    if !done.status.success() {
        return Err(format!(
            "garbage-collect failed with {}:\n{output}",
            done.status
        ));
    }
    Ok(Garbage::parse(output))
}

impl Garbage {
    /// Reads the lines `blob eligible for deletion: <digest>` and `manifest eligible for deletion: …`.
    fn parse(output: String) -> Self {
        let after = |what: &str| -> Vec<String> {
            output
                .lines()
                .filter_map(|line| line.split_once(what))
                .map(|(_, rest)| rest.trim().to_owned())
                .collect()
        };
        Self {
            blobs: after("blob eligible for deletion:"),
            manifests: after("manifest eligible for deletion:"),
            output,
        }
    }
}
