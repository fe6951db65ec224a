//! Compiles the components that regcarve ships and embeds them, already translated to native code.
//!
//! 1. A nested cargo builds every crate in `guest/{selectors,layouts,policies}` for `wasm32-unknown-unknown`. That
//!    target has no system interface at all, so a shipped component imports what its world says and
//!    nothing else. It works in its own folder below `OUT_DIR`, because the outer cargo holds the lock of the
//!    common one. A crate that is a workspace of its own is built on its own.
//! 2. `wit-component` turns each module into a component, by the types that the kit left in it.
//! 3. Wasmtime translates it for the target's baseline CPU, so that the program runs on any machine of that
//!    kind, and for the very settings that the host uses (`src/wasm/engine/config.rs`).
//! 4. A table of all of them is written, for `src/wasm/engine/shipped.rs`.
//!
//! Apart from that, the files that `regcarve policy new` writes are embedded as they are.
//!
//! A role is the name of a folder, a component the name of a folder in it: adding a component is adding a crate.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

#[path = "src/wasm/engine/config.rs"]
mod engine_config;

/// The target of the shipped components, before they become components.
const GUEST_TARGET: &str = "wasm32-unknown-unknown";
/// Folders of `guest` with components, and the role that they have.
const ROLES: [(&str, &str); 3] = [
    ("selectors", "Selector"),
    ("layouts", "Layout"),
    ("policies", "Policy"),
];

/// A crate in one of the folders.
struct Guest {
    role: &'static str,
    name: String,
    package: String,
    /// The manifest of its workspace: the common one, or its own.
    workspace: PathBuf,
}

fn main() -> Result<()> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    for input in [
        "guest",
        "wit",
        "Cargo.lock",
        "Cargo.toml",
        "host/src/wasm/engine/config.rs",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(input).display());
    }

    let guests = find_guests(&root)?;
    install_target()?;
    let modules = build_guests(&out.join("guests"), &guests)?;

    let mut config = engine_config::config();
    config.target(&env::var("TARGET")?)?;
    let engine = wasmtime::Engine::new(&config)?;
    let mut table = String::from("&[\n");
    for guest in &guests {
        let module = modules.join(format!("{}.wasm", guest.package.replace('-', "_")));
        let component = to_component(&module)
            .with_context(|| format!("making a component of {}", guest.package))?;
        let native = engine.precompile_component(&component)?;
        let stem = out.join(&guest.package);
        let (wasm, code) = (stem.with_extension("wasm"), stem.with_extension("native"));
        let sha256: [u8; 32] = Sha256::digest(&component).into();
        fs::write(&wasm, &component)?;
        fs::write(&code, &native)?;
        writeln!(
            table,
            "Shipped {{ role: Role::{}, name: {:?}, sha256: {sha256:?}, wasm: include_bytes!({wasm:?}), native: include_bytes!({code:?}) }},",
            guest.role, guest.name,
        )?;
    }
    table.push(']');
    fs::write(out.join("shipped.rs"), table)?;
    embed_templates(&root, &out)
}

/// The files that `regcarve policy new` writes: examples, contract and kit (see `src/commands/policy/new.rs`).
const TEMPLATES: [&str; 8] = [
    "guest/examples/cases",
    "guest/examples/javascript-policy",
    "guest/examples/python-policy",
    "guest/examples/rust-policy",
    "guest/formats",
    "guest/policy-kit",
    "guest/types",
    "wit",
];

/// The crates of the kit, which a project gets as a small workspace.
const KIT: [&str; 3] = ["guest/policy-kit", "guest/types", "guest/formats"];

/// Writes a table of all template files.
fn embed_templates(root: &Path, out: &Path) -> Result<()> {
    let manifest = out.join("kit-workspace.toml");
    fs::write(&manifest, kit_workspace(root)?)?;
    let mut table = format!("&[\n(\"Cargo.toml\", include_str!({manifest:?})),\n");
    for folder in TEMPLATES {
        let made_there =
            |name: &str| ["node_modules", "__pycache__", ".venv", "target"].contains(&name);
        let files = walkdir::WalkDir::new(root.join(folder))
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| !entry.file_name().to_str().is_some_and(made_there));
        for file in files {
            let file = file?;
            // In an example the contract is a symbolic link; a project has the files.
            let is_built = file
                .path()
                .extension()
                .is_some_and(|ending| ending == "wasm");
            if !file.file_type().is_file() || is_built {
                continue;
            }
            let path = file.path().strip_prefix(root)?;
            writeln!(
                table,
                "({path:?}, include_str!({:?})),",
                fs::canonicalize(file.path())?
            )?;
        }
    }
    table.push(']');
    fs::write(out.join("templates.rs"), table)?;
    Ok(())
}

/// The manifest of the kit's workspace: that of this one, cut down to what the kit's crates take from it.
fn kit_workspace(root: &Path) -> Result<String> {
    let mut used = String::new();
    for folder in KIT {
        used += &fs::read_to_string(root.join(folder).join("Cargo.toml"))?;
    }
    let mut manifest = format!("[workspace]\nresolver = \"3\"\nmembers = {KIT:?}\n");
    let mut section = String::new();
    for line in fs::read_to_string(root.join("Cargo.toml"))?.lines() {
        if line.starts_with('[') {
            section = line.into();
        }
        let is_used = line.split_once(" = ").is_some_and(|(name, _)| {
            used.contains(&format!("\n{name}.workspace"))
                || used.contains(&format!("\n{name} = {{ workspace"))
        });
        let keep = match section.as_str() {
            "[workspace.dependencies]" => line == section || is_used,
            "[workspace.package]" => true,
            section => section.starts_with("[workspace.lints"),
        };
        if keep {
            if line.starts_with('[') {
                manifest.push('\n');
            }
            if !line.is_empty() && !line.starts_with('#') {
                manifest += line;
                manifest.push('\n');
            }
        }
    }
    Ok(manifest)
}

/// All crates with components, sorted, so that the program is the same on every machine.
fn find_guests(root: &Path) -> Result<Vec<Guest>> {
    let mut guests = Vec::new();
    for (kind, role) in ROLES {
        let folder = root.join("guest").join(kind);
        let entries = fs::read_dir(&folder).with_context(|| format!("reading guest/{kind}"))?;
        for entry in entries {
            let entry = entry?;
            let manifest = entry.path().join("Cargo.toml");
            let Ok(text) = fs::read_to_string(&manifest) else {
                continue;
            };
            let alone = text.lines().any(|line| line == "[workspace]");
            let Ok(name) = entry.file_name().into_string() else {
                bail!("odd folder name in guest/{kind}")
            };
            let prefix = role.to_lowercase();
            guests.push(Guest {
                role,
                package: format!("{prefix}-{name}"),
                name,
                workspace: match alone {
                    true => manifest,
                    false => root.join("Cargo.toml"),
                },
            });
        }
    }
    guests.sort_by(|a, b| a.package.cmp(&b.package));
    Ok(guests)
}

/// Adds the guests' target to the toolchain, unless it is there.
fn install_target() -> Result<()> {
    let rustc = env::var("RUSTC")?;
    let output = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", GUEST_TARGET])
        .output()?;
    let libdir = String::from_utf8(output.stdout)?;
    let installed = || {
        fs::read_dir(libdir.trim()).is_ok_and(|mut names| {
            names.any(|name| {
                name.is_ok_and(|name| name.file_name().to_string_lossy().starts_with("libcore"))
            })
        })
    };
    if installed() {
        return Ok(());
    }
    let status = Command::new("rustup")
        .args(["target", "add", GUEST_TARGET])
        .status();
    ensure!(
        status.is_ok_and(|status| status.success()) && installed(),
        "the Rust target {GUEST_TARGET} is not installed and could not be added; type\n\n    rustup target add {GUEST_TARGET}\n\nand build again",
    );
    Ok(())
}

/// Builds all guests, those of one workspace at once; returns the folder with their modules.
fn build_guests(target_dir: &Path, guests: &[Guest]) -> Result<PathBuf> {
    let workspaces: BTreeSet<&Path> = guests.iter().map(|guest| &*guest.workspace).collect();
    for workspace in workspaces {
        let mut cargo = nested_cargo()?;
        cargo.args(["build", "--profile", "wasm", "--target", GUEST_TARGET]);
        cargo.arg("--target-dir").arg(target_dir);
        cargo.arg("--manifest-path").arg(workspace);
        for guest in guests.iter().filter(|guest| guest.workspace == workspace) {
            cargo.args(["-p", &guest.package]);
        }
        let status = cargo
            .status()
            .context("starting cargo for the components")?;
        ensure!(
            status.success(),
            "building the components failed; see above"
        );
    }
    Ok(target_dir.join(GUEST_TARGET).join("wasm"))
}

/// Cargo without what was meant for the outer build: flags for its target, wrappers such as clippy's, profiles.
fn nested_cargo() -> Result<Command> {
    let mut cargo = Command::new(env::var("CARGO")?);
    for (name, _) in env::vars() {
        let foreign = [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_RUSTFLAGS",
        ];
        if foreign.contains(&name.as_str())
            || name.starts_with("CARGO_PROFILE_")
            || name.starts_with("RUSTC_W")
        {
            cargo.env_remove(name);
        }
    }
    Ok(cargo)
}

/// Wraps a module into a component, by the types that its bindings left in a custom section.
fn to_component(module: &Path) -> Result<Vec<u8>> {
    let bytes = fs::read(module).with_context(|| format!("reading {}", module.display()))?;
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&bytes)?
        .encode()
}
