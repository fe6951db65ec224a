//! Manifests that are wrong in themselves.

use std::fs;

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;

use crate::world::{BAD, World};
use crate::{Case, damaged};

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    digests().into_iter().chain(manifests()).collect()
}

/// Manifests that name content by something that is no digest.
fn digests() -> Vec<Case> {
    let names = [
        ("climbs", "sha256:../../../../etc/passwd".to_owned()),
        ("is absolute", "/etc/passwd".to_owned()),
        ("is empty", String::new()),
        ("is short", "sha256:abc".to_owned()),
        ("is in upper case", format!("sha256:{}", "A".repeat(64))),
        (
            "has an unknown algorithm",
            format!("md5:{}", "a".repeat(32)),
        ),
    ];
    let mut all = Vec::new();
    for (how, name) in names {
        all.push(damaged(
            format!("layer digest in a manifest {how}"),
            &["digest"],
            |world| {
                world.layer.digest = Digest::new(&*name);
                let text = world.manifest();
                world.replace_top(text.as_bytes());
                world.top.to_string()
            },
        ));
    }
    all
}

/// Manifests that parsers of different make would understand differently, or not at all.
fn manifests() -> Vec<Case> {
    type Change = (&'static str, &'static [&'static str], fn(&World) -> String);
    let changes: [Change; 12] = [
        (
            "over 4 MiB",
            &["4 MiB", "4194304", "large", "too big"],
            |world| {
                let end = format!(r#","annotations":{{"big":"{}"}}}}"#, "x".repeat(4 << 20));
                world.manifest().strip_suffix('}').unwrap().to_owned() + &end
            },
        ),
        ("with a doubled key", &["duplicate", "twice"], |world| {
            world.manifest().replacen('{', r#"{"layers":[],"#, 1)
        }),
        ("with an oddly cased key", &["Layers"], |world| {
            world.manifest().replacen('{', r#"{"Layers":[],"#, 1)
        }),
        (
            "with only an oddly cased key",
            &["Layers", "layers"],
            |world| world.manifest().replacen(r#""layers""#, r#""Layers""#, 1),
        ),
        (
            "with manifests and layers",
            &["manifests", "both"],
            |world| world.manifest().replacen('{', r#"{"manifests":[],"#, 1),
        ),
        (
            "of another media type than its members",
            &["mediaType", "media type", "index"],
            |world| {
                world
                    .manifest()
                    .replacen(media::OCI_MANIFEST, media::OCI_INDEX, 1)
            },
        ),
        (
            "nested too deep",
            &["depth", "deep", "recursion"],
            |world| {
                let deep = format!(r#"{{"deep":{}{}, "#, "[".repeat(200), "]".repeat(200));
                world.manifest().replacen('{', &deep, 1)
            },
        ),
        ("with bytes behind its end", &["trailing"], |world| {
            world.manifest() + "{}"
        }),
        ("that breaks off", &["EOF", "end", "JSON"], |world| {
            let text = world.manifest();
            text[..text.len() / 2].to_owned()
        }),
        ("of no bytes", &["empty", "EOF", "JSON"], |_| String::new()),
        (
            "that is a list",
            &["JSON", "object", "map", "sequence"],
            |_| "[]".to_owned(),
        ),
        (
            "that names a size below nothing",
            &["size", "integer", "number"],
            |world| world.manifest().replacen(r#""size":"#, r#""size":-"#, 1),
        ),
    ];
    let mut all = Vec::new();
    for (how, causes, change) in changes {
        all.push(damaged(format!("manifest {how}"), causes, |world| {
            let text = change(world);
            world.replace_top(text.as_bytes());
            world.top.hex().to_owned()
        }));
    }
    all.push(damaged(
        "manifest that is not UTF-8",
        &["UTF-8", "utf-8", "unicode", "JSON"],
        |world| {
            world.replace_top(b"{\"schemaVersion\":2,\"mediaType\":\"\xff\xfe\"}");
            world.top.hex().to_owned()
        },
    ));
    all.push(damaged(
        "index in an index, twelve deep",
        &["deep", "depth", "levels", "nested"],
        |world| {
            let mut inner = Descriptor {
                digest: world.top.clone(),
                ..Descriptor::of(b"")
            };
            inner.size = fs::metadata(world.storage.blob_path(&world.top))
                .unwrap()
                .len();
            inner = inner.typed(media::OCI_MANIFEST);
            for _ in 0..12 {
                inner = world.storage.index(BAD, Some("v1"), &[inner]);
            }
            BAD.to_owned()
        },
    ));
    all
}
