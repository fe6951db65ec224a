//! Components that are compiled for tests: the example policy, and the guests in `tests/programs`, with the storage that
//! the readers among them read.
//!
//! A nested cargo builds all of them once, for `wasm32-wasip2` and with a target folder of its own, since the
//! cargo that runs the tests holds the lock of the common one.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::fixture::Fixture;

const TARGET: &str = "wasm32-wasip2";

/// The component that `guest/examples/rust-policy` becomes.
pub fn example_policy() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(|| build(&["-p", "example-rust-policy"]));
    found(folder.join("example_rust_policy.wasm"))
}

/// A guest of `tests/programs`, by its role and its name there: `policy-loop`.
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let source = root()
        .join("tests/programs")
        .join(name.replacen('-', "/", 1))
        .with_extension("wat");
    if source.is_file() {
        return text_program(name, &source);
    }
    let folder = BUILT.get_or_init(|| build(&["-p", "regcarve-test-programs", "--examples"]));
    found(folder.join(format!("examples/{}.wasm", name.replace('-', "_"))))
}

/// Makes the storage `flat`, in a format of the guests' own with one image: see `regcarve_test_programs::reader`. A
/// symbolic link in it leads to the file `secret` beside it.
pub fn lay_out_flat<T>(fixture: &Fixture<T>) {
    fixture.write("secret", "nobody may read this");
    fixture.write("flat/manifest", r#"{"schemaVersion":2}"#);
    fixture.write("flat/forged", r#"{"schemaVersion":3}"#);
    fixture.write("flat/config", "{}");
    fixture.write("flat/layer", "layer");
    symlink("../secret", fixture.path("flat/symlink")).expect("a symbolic link");
}

/// A component of a core module in text form, which lacks the types of its world.
fn text_program(name: &str, source: &Path) -> PathBuf {
    let role = name.split('-').next().unwrap_or(name);
    let component = || {
        let mut module = wat::parse_file(source)?;
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(root().join("wit"))?;
        let world = resolve.select_world(&[package], Some(role))?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
        ComponentEncoder::default()
            .validate(true)
            .module(&module)?
            .encode()
    };
    let bytes = component().unwrap_or_else(|error| panic!("{}: {error:#}", source.display()));
    let folder = root().join("target/programs/text");
    fs::create_dir_all(&folder).expect("folder of a component");
    // Another test may be at it, too.
    let path = folder.join(name).with_extension("wasm");
    let partial = tempfile::NamedTempFile::new_in(&folder).expect("file of a component");
    fs::write(&partial, bytes).expect("write a component");
    partial.persist(&path).expect("name a component");
    path
}

fn found(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "the build left no {}", path.display());
    path
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the workspace")
}

fn build(what: &[&str]) -> PathBuf {
    install_target();
    let root = root();
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
