//! The real client: `skopeo copy --all`, always with the digests preserved.

use std::path::Path;
use std::process::Command;

use crate::registry::Registry;

/// The program.
pub const PROGRAM: &str = "skopeo";

/// Copies an image into a registry, from a name such as `oci:FOLDER:NAME`.
pub fn push(from: &str, registry: &Registry, reference: &str) -> Result<(), String> {
    let to = format!("docker://{}/{reference}", registry.address());
    skopeo(&[
        "copy",
        "--all",
        "--preserve-digests",
        "--dest-tls-verify=false",
        from,
        &to,
    ])
}

/// Copies an image out of a registry into a `dir:` folder.
pub fn pull(registry: &Registry, reference: &str, folder: &Path) -> Result<(), String> {
    let from = format!("docker://{}/{reference}", registry.address());
    let to = format!("dir:{}", folder.display());
    skopeo(&[
        "copy",
        "--all",
        "--preserve-digests",
        "--src-tls-verify=false",
        &from,
        &to,
    ])
}

fn skopeo(arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(PROGRAM)
        .args(["--insecure-policy", "--command-timeout=60s"])
        .args(arguments)
        .output()
        .map_err(|error| format!("{PROGRAM}: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(format!(
        "{PROGRAM} {}: {}",
        arguments.join(" "),
        said.trim()
    ))
}
