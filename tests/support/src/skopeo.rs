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
    .map(drop)
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
    .map(drop)
}

/// Copies what a registry has of an image for linux and one architecture, such as `arm64` or `arm/v7`, into a `dir:`
/// folder.
pub fn pull_for(
    registry: &Registry,
    reference: &str,
    architecture: &str,
    folder: &Path,
) -> Result<(), String> {
    let from = format!("docker://{}/{reference}", registry.address());
    let to = format!("dir:{}", folder.display());
    let (architecture, variant) = architecture.split_once('/').unwrap_or((architecture, ""));
    skopeo(&[
        "--override-os=linux",
        &format!("--override-arch={architecture}"),
        &format!("--override-variant={variant}"),
        "copy",
        "--src-tls-verify=false",
        &from,
        &to,
    ])
    .map(drop)
}

/// Copies an image, with all of its platforms, from one place to another such as `dir:FOLDER`.
pub fn copy(from: &str, to: &str) -> Result<(), String> {
    let flags = ["--src-tls-verify=false", "--preserve-digests"];
    skopeo(&["copy", "--all", flags[0], flags[1], from, to]).map(drop)
}

/// Copies an image and lets the program write the manifests anew, as the other place wants them.
pub fn convert(from: &str, to: &str) -> Result<(), String> {
    skopeo(&["copy", "--all", "--src-tls-verify=false", from, to]).map(drop)
}

/// The bytes of the top manifest of an image, as the program finds it under a name.
pub fn raw(name: &str) -> Result<Vec<u8>, String> {
    skopeo(&["inspect", "--raw", name])
}

fn skopeo(arguments: &[&str]) -> Result<Vec<u8>, String> {
    let done = Command::new(PROGRAM)
        .args(["--insecure-policy", "--command-timeout=60s"])
        .args(arguments)
        .output()
        .map_err(|error| format!("{PROGRAM}: {error}"))?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(format!(
        "{PROGRAM} {}: {}",
        arguments.join(" "),
        said.trim()
    ))
}
