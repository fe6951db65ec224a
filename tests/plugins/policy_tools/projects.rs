//! Projects that `regcarve policy new` makes, built by typing what a README says, to the letter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use regcarve_test_support::docs::{self, repository};
use regcarve_test_support::{binary, tools};

/// Where the guide makes its project, and where the others are made as well.
const FOLDER: &str = "target/own";

/// The policy in Rust that the guide for authors makes, from nothing.
pub(crate) fn rust() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let built = || {
        let folder = fresh("no-snapshots");
        let guide = docs::text("guest/README.md");
        let commands = docs::named_block(&guide, "own-policy").expect("the guide has the block");
        type_in(&commands, &repository("."));
        folder.join("target/wasm32-wasip2/release/no_snapshots.wasm")
    };
    BUILT.get_or_init(built).clone()
}

/// The policy in JavaScript; `None` where the tools are missing.
pub(crate) fn javascript() -> Option<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    tools::require(&["node", "npm"]).then(|| {
        BUILT
            .get_or_init(|| project("own-javascript", "javascript"))
            .clone()
    })
}

/// The policy in Python; `None` where the tools are missing.
pub(crate) fn python() -> Option<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    tools::require(&["python3"]).then(|| {
        BUILT
            .get_or_init(|| project("own-python", "python"))
            .clone()
    })
}

/// Makes a project and types what its own README says.
fn project(name: &str, language: &str) -> PathBuf {
    let folder = fresh(name);
    let new = format!("regcarve policy new {name} --lang {language}");
    type_in(&new, folder.parent().unwrap());
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    type_in(&docs::first_block(&readme), &folder);
    folder.join(format!("{name}.wasm"))
}

/// The folder that a project will have, which is not there yet.
fn fresh(name: &str) -> PathBuf {
    let parent = repository(FOLDER);
    fs::create_dir_all(&parent).unwrap();
    let folder = parent.canonicalize().unwrap().join(name);
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{error}"),
        _ => folder,
    }
}

/// Types commands into a shell that knows the program under test. Compilers keep the machine busy meanwhile.
fn type_in(commands: &str, folder: &Path) {
    let _alone = super::super::alone();
    let program = binary::path();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(
        [program.parent().unwrap().to_path_buf()]
            .into_iter()
            .chain(std::env::split_paths(&path)),
    );
    let mut shell = Command::new("bash");
    shell
        .args(["-euo", "pipefail", "-c", commands])
        .current_dir(folder)
        .env("PATH", path.unwrap());
    // What was meant for the cargo outside.
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
    ] {
        shell.env_remove(name);
    }
    let output = shell.output().unwrap();
    assert!(
        output.status.success(),
        "in {}:\n{commands}\n{}\n{}",
        folder.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
