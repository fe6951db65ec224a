//! The rules that keep the design what it is: imports of the host go one way, the host knows no format, and a shipped
//! component can do what its world says and nothing else.
//!
//! Every rule fails with the list of places that break it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

const HOST: &str = env!("CARGO_MANIFEST_DIR");

/// The modules of the host, the top layer first. A module imports from its own layer's modules only itself, and from lower
/// layers anything; `cli` and its neighbours may import one another.
const LAYERS: [&[&str]; 9] = [
    &["commands"],
    &["cli", "inputs", "options"],
    &["report"],
    &["pipeline"],
    &["wasm", "publish"],
    &["error"],
    &["release", "spec", "progress"],
    &["fs"],
    &["hash", "hash_map", "signals", "sync", "text"],
];

/// The layer whose modules may import one another.
const COMMAND_LINE: usize = 1;

/// The most lines of a file in host/src.
const MOST_LINES: usize = 400;

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
    found.sort();
    found
}

/// A source file of the host.
struct Source {
    /// Relative to host/src.
    name: String,
    text: String,
}

/// The sources of the host.
fn sources() -> Vec<Source> {
    let root = Path::new(HOST).join("src");
    let sources: Vec<_> = files(&root)
        .into_iter()
        .map(|path| Source {
            name: path.strip_prefix(&root).unwrap().display().to_string(),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect();
    assert!(sources.len() > 30, "only {} sources", sources.len());
    sources
}

impl Source {
    /// The path of its module: `wasm/engine/mod.rs` is `[wasm, engine]`.
    fn module(&self) -> Vec<&str> {
        let path = self.name.strip_suffix(".rs").unwrap();
        let path = path.strip_suffix("/mod").unwrap_or(path);
        path.split('/')
            .filter(|part| !["lib", "main"].contains(part))
            .collect()
    }

    /// Its lines with their numbers, without comments and without its tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .take_while(|(_, line)| *line != "#[cfg(test)]")
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The lines that hold one of these words: code, comments and tests.
    fn lines_with(&self, words: impl Fn(&str) -> Vec<&'static str>) -> Vec<String> {
        let lines = self.text.lines().enumerate();
        lines
            .flat_map(|(index, line)| {
                let found = words(line).into_iter();
                found.map(move |word| format!("{}:{}: {word}", self.name, index + 1))
            })
            .collect()
    }
}

/// Fails with the places that break a rule.
fn assert_none(rule: &str, places: &[String]) {
    let count = places.len();
    assert!(
        places.is_empty(),
        "{rule} ({count}):\n{}",
        places.join("\n")
    );
}

/// The modules at the top of the crate that a line names: `crate::fs::Path`, `crate::{fs, text}`, and paths of
/// `super` that lead there from a module so deep.
fn named_modules(line: &str, depth: usize) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let whole = !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        if whole {
            found.extend(first_names(&line[at + "crate::".len()..]));
        }
    }
    let up = "super::".repeat(depth);
    if depth > 0
        && let Some(at) = line.find(&up)
        && !line[..at].ends_with("super::")
    {
        found.extend(first_names(&line[at + up.len()..]));
    }
    found
}

/// The first names of a path, or of all paths in braces.
fn first_names(path: &str) -> Vec<&str> {
    fn name(path: &str) -> Option<&str> {
        let end = path.find(|char: char| !(char.is_alphanumeric() || char == '_'));
        let name = &path[..end.unwrap_or(path.len())];
        (!name.is_empty()).then_some(name)
    }
    match path.strip_prefix('{') {
        Some(group) => {
            let mut depth = 0;
            let separator = |char: char| {
                match char {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                char == ',' && depth == 0
            };
            let parts = group.split(separator);
            parts.filter_map(|part| name(part.trim_start())).collect()
        }
        None => name(path).into_iter().collect(),
    }
}

#[test]
fn paths_are_understood() {
    for (line, depth, expected) in [
        ("use crate::fs::TreePath;", 1, &["fs"][..]),
        (
            "use crate::{Error, fs::{A, B}, text};",
            1,
            &["Error", "fs", "text"],
        ),
        ("let a = crate::text::say;", 2, &["text"]),
        ("use super::text;", 1, &["text"]),
        ("use super::text;", 2, &[]),
        ("use super::super::text::say;", 2, &["text"]),
        ("use regcarve_crate::text;", 1, &[]),
    ] {
        assert_eq!(named_modules(line, depth), expected, "{line}");
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn imports_go_down() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        let module = source.module();
        // `lib.rs` and `main.rs` name everything.
        let Some(own) = module.first() else { continue };
        let Some(own_layer) = layer(own) else {
            wrong.push(format!("{}: {own} is in no layer", source.name));
            continue;
        };
        seen.insert((*own).to_owned());
        for (number, line) in source.code() {
            for target in named_modules(line, module.len()) {
                // `crate::Error` is error's.
                let target = if target == "Error" { "error" } else { target };
                let allowed = match layer(target) {
                    Some(below) if below == own_layer => {
                        target == *own || own_layer == COMMAND_LINE
                    }
                    Some(below) => below > own_layer,
                    // A macro, or a name in a text.
                    None => true,
                };
                if !allowed {
                    wrong.push(format!("{}:{number}: {own} imports {target}", source.name));
                }
            }
        }
    }
    assert_none("imports go from upper to lower layers", &wrong);
    let drawn: BTreeSet<_> = LAYERS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(seen, drawn, "the layers and the modules are the same");
}

/// Outside crates that only some modules may use.
const CRATES: [(&str, &[&str]); 4] = [
    ("wasmtime", &["wasm"]),
    ("wasmtime_wasi", &["wasm"]),
    ("landlock", &["fs"]),
    // Sample images for tests and measurements of policies.
    ("regcarve_formats", &["commands"]),
];

#[test]
fn outside_crates_stay_in_their_modules() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        let own = module.first().copied().unwrap_or_default();
        for (number, line) in source.code() {
            let used = line.trim_start().strip_prefix("use ").unwrap_or_default();
            let used = used.split([':', ';', ' ']).next().unwrap_or_default();
            let known = CRATES.iter().find(|(name, _)| *name == used);
            if known.is_some_and(|(_, allowed)| !allowed.contains(&own)) {
                wrong.push(format!("{}:{number}: {used}", source.name));
            }
        }
    }
    assert_none("crates stay in their modules", &wrong);
}

/// Pieces of storage paths. A text of the host that holds one of these, in code, tests or comments, knows a format.
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

/// Media types and hand-built manifests.
const MANIFEST_WORDS: [&str; 2] = ["application/vnd.", "schemaVersion"];

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
    let found: Vec<_> = sources()
        .iter()
        .flat_map(|source| source.lines_with(storage_words))
        .collect();
    assert_none("formats belong into components, not into the host", &found);
}

#[test]
fn the_host_knows_no_manifest() {
    let words = |line: &str| {
        let words = MANIFEST_WORDS.into_iter();
        words.filter(|word| line.contains(word)).collect()
    };
    let found: Vec<_> = sources()
        .iter()
        .flat_map(|source| source.lines_with(words))
        .collect();
    assert_none("manifests are read and made by regcarve-formats", &found);
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

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{}: {lines} lines", source.name));
        }
        if !source.text.starts_with("//") {
            wrong.push(format!("{}: no header", source.name));
        }
    }
    assert_none("a file has a header and at most 400 lines", &wrong);
    // The lint sees to the rest.
    let manifest = fs::read_to_string(Path::new(HOST).join("../Cargo.toml")).unwrap();
    for lint in ["missing_docs = \"warn\"", "unreachable_pub = \"warn\""] {
        assert!(manifest.contains(lint), "the lint is off: {lint}");
    }
}

/// Beginnings of doc comments that do not name their subject.
const RIDDLES: [&str; 4] = ["What ", "The same, ", "The same as", "The same for"];

#[test]
fn doc_comments_name_their_subject() {
    let mut wrong = Vec::new();
    for source in sources() {
        let mut before = "";
        for (index, line) in source.text.lines().enumerate() {
            let line = line.trim_start();
            let text = line.strip_prefix("/// ");
            // Later lines of a comment may begin in the middle of a sentence.
            let begins = !before.starts_with("///");
            if begins
                && let Some(text) = text
                && RIDDLES.iter().any(|riddle| text.starts_with(riddle))
            {
                wrong.push(format!("{}:{}: {text}", source.name, index + 1));
            }
            before = line;
        }
    }
    assert_none("a doc comment names its subject", &wrong);
}

/// The places where own code may say that it knows better than the compiler.
const UNSAFE: [(&str, &str); 3] = [
    ("host/src/wasm/engine/load.rs", "loads native code"),
    (
        "guest/layout-kit/src/bindings.rs",
        "generated bindings, inside of the sandbox",
    ),
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
fn the_host_is_built_without_the_kits() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "regcarve"])
        .args(["--edges", "normal", "--prefix", "none"])
        .current_dir(HOST)
        .output()
        .unwrap();
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && tree.contains("regcarve-types"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for kit in ["regcarve-layout-kit", "regcarve-policy-kit"] {
        assert!(!tree.contains(kit), "the host depends on {kit}");
    }
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
            Some("layout") => (
                &["types", "log", "source", "output"],
                &["audit", "read", "write"],
            ),
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
        let exports: BTreeSet<_> = world
            .exports(&engine)
            .map(|(export, _)| export.to_owned())
            .collect();
        let expected: BTreeSet<_> = exported
            .iter()
            .map(|interface| format!("regcarve:plugin/{interface}@0.1.0"))
            .collect();
        assert_eq!(exports, expected, "{name}");
        seen += 1;
    }
    assert!(seen >= 3, "only {seen} shipped components were found");
}
