//! The rules that keep the design what it is: the host knows no format, and a shipped component can do what its
//! world says and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

const HOST: &str = env!("CARGO_MANIFEST_DIR");

/// What only a storage format knows. A text of the host that holds one of these, in code, tests or comments,
/// knows a format.
const STORAGE_WORDS: [&str; 16] = [
    "blobs/",
    "\"blobs\"",
    "docker/registry",
    "repositories/",
    "\"repositories\"",
    "_manifests",
    "_layers",
    "_uploads",
    "current/link",
    "/link\"",
    "/data\"",
    "revisions/",
    "sha256/",
    "oci-layout",
    "index.json",
    "manifest.json",
];

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The storage words in a line. A word that begins with `_` is one only where it begins a name: a function may
/// well verify_manifests.
fn storage_words(line: &str) -> Vec<&'static str> {
    let begins = |at: usize| !line[..at].ends_with(|before: char| before.is_alphanumeric());
    let holds = |word: &&str| {
        line.match_indices(*word)
            .any(|(at, _)| !word.starts_with('_') || begins(at))
    };
    STORAGE_WORDS.into_iter().filter(holds).collect()
}

#[test]
fn the_host_knows_no_storage_path() {
    let mut found = Vec::new();
    let sources = files(&Path::new(HOST).join("src"));
    assert!(
        sources.len() > 30,
        "the sources of the host are not where they were"
    );
    for path in sources {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for word in storage_words(line) {
                found.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(
        found.is_empty(),
        "formats belong into components, not into the host:\n{}",
        found.join("\n")
    );
}

#[test]
fn storage_words_are_found() {
    for line in [
        "let path = \"blobs/sha256\";",
        "// a tag is in `_manifests/tags`",
        "join(\"_layers\")",
        "\"oci-layout\"",
    ] {
        assert!(!storage_words(line).is_empty(), "{line}");
    }
    assert_eq!(
        storage_words("self.verify_manifests(&mut resolved); // media type index"),
        Vec::<&str>::new()
    );
}

/// Where own code may say that it knows better than the compiler.
const UNSAFE: [(&str, &str); 2] = [
    ("host/src/wasm/engine/load.rs", "loads native code"),
    (
        "guest/policy-kit/src/bindings.rs",
        "generated bindings, inside of the sandbox",
    ),
];

/// The lint forbids it everywhere; an exception names the lint.
#[test]
fn nothing_is_unsafe_but_loading_native_code() {
    let root = Path::new(HOST).join("..");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(
        manifest.contains("unsafe_code = \"deny\""),
        "the lint is off"
    );
    let mut exceptions = Vec::new();
    let mut crates = 0;
    for path in files(&root.join("host"))
        .into_iter()
        .chain(files(&root.join("guest")))
    {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if name.ends_with("Cargo.toml") {
            // A package outside of the workspace says it itself.
            let lints = text.contains("[lints]\nworkspace = true")
                || text.contains("unsafe_code = \"deny\"");
            assert!(lints, "{name} does not forbid unsafe code");
            crates += 1;
        } else if name.ends_with(".rs") {
            let uses = text.matches("unsafe_code").count();
            exceptions.extend(std::iter::repeat_n(name, uses));
        }
    }
    assert!(crates > 8, "only {crates} crates were found");
    exceptions.sort();
    let mut allowed = UNSAFE.map(|(file, _)| file);
    allowed.sort_unstable();
    assert_eq!(exceptions, allowed);
}

/// Neither directly nor through another crate.
#[test]
fn the_host_is_built_without_the_formats() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            "regcarve",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .current_dir(HOST)
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && tree.contains("regcarve-types"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for crate_name in [
        "regcarve-formats",
        "regcarve-layout-kit",
        "regcarve-policy-kit",
    ] {
        assert!(
            !tree.contains(crate_name),
            "the host depends on {crate_name}"
        );
    }
    let manifest = fs::read_to_string(Path::new(HOST).join("Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("regcarve-formats"),
        "host/Cargo.toml names regcarve-formats"
    );
}

/// The build script leaves the components beside the table that names them.
#[test]
fn shipped_components_import_their_world_and_nothing_else() {
    let engine = Engine::new(&Config::new()).unwrap();
    let mut seen = 0;
    for path in files(Path::new(env!("OUT_DIR"))) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // Modules on their way to become components are further down.
        if path.extension().is_none_or(|extension| extension != "wasm")
            || path.parent() != Some(Path::new(env!("OUT_DIR")))
        {
            continue;
        }
        let (allowed, exported): (&[&str], &[&str]) = match name.split('-').next() {
            Some("selector") => (&["log"], &["select"]),
            Some("policy") => (&["types", "log", "content"], &["decide"]),
            Some("layout") => (&["types", "log", "source", "output"], &["read", "write"]),
            _ => panic!("{name} has no role"),
        };
        let component = Component::from_file(&engine, &path).unwrap();
        let world = component.component_type();
        for (import, _) in world.imports(&engine) {
            let known = allowed
                .iter()
                .any(|interface| import == format!("regcarve:plugin/{interface}@0.1.0"));
            assert!(known, "{name} imports {import}");
        }
        let exports: Vec<_> = world
            .exports(&engine)
            .map(|(export, _)| export.to_owned())
            .collect();
        let expected: Vec<_> = exported
            .iter()
            .map(|interface| format!("regcarve:plugin/{interface}@0.1.0"))
            .collect();
        assert_eq!(exports, expected, "{name}");
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} shipped components were found");
}
