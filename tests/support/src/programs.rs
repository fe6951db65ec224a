//! Components that are compiled for tests: the example policy, and the guests in `tests/programs`.
//!
//! A nested cargo builds all of them once, for `wasm32-wasip2` and with a target folder of its own, since the
//! cargo that runs the tests holds the lock of the common one.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const TARGET: &str = "wasm32-wasip2";

/// The component that `guest/examples/rust-policy` becomes.
pub fn example_policy() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| build(&["-p", "example-rust-policy"]));
    found(folder.join("example_rust_policy.wasm"))
}

/// A guest of `tests/programs`, by its name there.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| build(&["-p", "regcarve-test-programs", "--examples"]));
    found(folder.join(format!("examples/{}.wasm", name.replace('-', "_"))))
}

fn found(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "the build left no {}", path.display());
    path
}

fn build(what: &[&str]) -> PathBuf {
    install_target();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace");
    let folder = root.join("target/programs");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&root)
        .args([
            "build",
            "--release",
            "--quiet",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(&folder);
    // What was meant for the cargo outside.
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(name);
    }
    let status = cargo.args(what).status().expect("start cargo");
    assert!(status.success(), "building {what:?} failed; see above");
    folder.join(TARGET).join("release")
}

fn install_target() {
    let libraries = || {
        let output = Command::new("rustc")
            .args(["--print", "target-libdir", "--target", TARGET])
            .output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        text.is_ok_and(|folder| Path::new(&folder).is_dir())
    };
    if !libraries() {
        // Whether it worked is seen by what is there afterwards.
        let _ = Command::new("rustup")
            .args(["target", "add", TARGET])
            .status();
    }
    assert!(
        libraries(),
        "the Rust target {TARGET} is missing and could not be added; type: rustup target add {TARGET}"
    );
}
