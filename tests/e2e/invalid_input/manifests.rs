//! Manifests that are not valid, or that two parsers would understand differently.

use std::fs;

use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;

use super::bad_image::{BAD, BadStorage, replace_top};
use super::{Case, damaged};

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
            |bad| {
                bad.made.layer.digest = Digest::new(&*name);
                let text = bad.made.manifest();
                replace_top(bad, text.as_bytes());
                bad.made.top.to_string()
            },
        ));
    }
    all
}

/// Manifests that parsers of different make would understand differently, or not at all.
fn manifests() -> Vec<Case> {
    type Change = (
        &'static str,
        &'static [&'static str],
        fn(&BadStorage) -> String,
    );
    let changes: [Change; 12] = [
        (
            "over 4 MiB",
            &["4 MiB", "4194304", "large", "too big"],
            |bad| {
                let end = format!(r#","annotations":{{"big":"{}"}}}}"#, "x".repeat(4 << 20));
                bad.made.manifest().strip_suffix('}').unwrap().to_owned() + &end
            },
        ),
        ("with a doubled key", &["duplicate", "twice"], |bad| {
            bad.made.manifest().replacen('{', r#"{"layers":[],"#, 1)
        }),
        ("with an oddly cased key", &["Layers"], |bad| {
            bad.made.manifest().replacen('{', r#"{"Layers":[],"#, 1)
        }),
        (
            "with only an oddly cased key",
            &["Layers", "layers"],
            |bad| {
                bad.made
                    .manifest()
                    .replacen(r#""layers""#, r#""Layers""#, 1)
            },
        ),
        ("with manifests and layers", &["manifests", "both"], |bad| {
            bad.made.manifest().replacen('{', r#"{"manifests":[],"#, 1)
        }),
        (
            "of another media type than its members",
            &["mediaType", "media type", "index"],
            |bad| {
                bad.made
                    .manifest()
                    .replacen(media::OCI_MANIFEST, media::OCI_INDEX, 1)
            },
        ),
        ("nested too deep", &["depth", "deep", "recursion"], |bad| {
            let deep = format!(r#"{{"deep":{}{}, "#, "[".repeat(200), "]".repeat(200));
            bad.made.manifest().replacen('{', &deep, 1)
        }),
        ("with bytes behind its end", &["trailing"], |bad| {
            bad.made.manifest() + "{}"
        }),
        ("that breaks off", &["EOF", "end", "JSON"], |bad| {
            let text = bad.made.manifest();
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
            |bad| bad.made.manifest().replacen(r#""size":"#, r#""size":-"#, 1),
        ),
    ];
    let mut all = Vec::new();
    for (how, causes, change) in changes {
        all.push(damaged(format!("manifest {how}"), causes, |bad| {
            let text = change(bad);
            replace_top(bad, text.as_bytes());
            bad.made.top.hex().to_owned()
        }));
    }
    all.push(damaged(
        "manifest that is not UTF-8",
        &["UTF-8", "utf-8", "unicode", "JSON"],
        |bad| {
            replace_top(bad, b"{\"schemaVersion\":2,\"mediaType\":\"\xff\xfe\"}");
            bad.made.top.hex().to_owned()
        },
    ));
    all.push(damaged(
        "index in an index, twelve deep",
        &["deep", "depth", "levels", "nested"],
        |bad| {
            let mut inner = Descriptor {
                digest: bad.made.top.clone(),
                ..Descriptor::of(b"")
            };
            inner.size = fs::metadata(bad.storage.blob_path(&bad.made.top))
                .unwrap()
                .len();
            inner = inner.typed(media::OCI_MANIFEST);
            for _ in 0..12 {
                inner = bad.storage.index(BAD, Some("v1"), &[inner]);
            }
            BAD.to_owned()
        },
    ));
    all
}
