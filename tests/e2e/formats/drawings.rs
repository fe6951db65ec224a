//! A small release in each format, drawn: every file, whether it is shared with the source or written.

use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::media;
use regcarve_test_support::package::{Package, Piece};
use regcarve_test_support::shapes::{self, Flavour};
use regcarve_test_support::tree;

use super::FORMATS;

/// Digits of a digest that are enough to tell it from the others of a drawing.
const DIGITS: usize = 8;

#[test]
fn a_small_release_has_exactly_these_files_in_each_format() {
    let fixture = Fixture::new();
    let storage = &fixture.storage;
    shapes::multi(Flavour::Oci, "small", &["linux/arm64"]).store(storage, "team/app", Some("v1"));
    let outputs = FORMATS.map(|format| format!("{format}:{format}"));
    fixture
        .convert(
            &["--all"],
            "registry:source",
            &outputs.each_ref().map(String::as_str),
        )
        .assert_code(0);
    for (format, expected) in [("registry", REGISTRY), ("dir", DIR), ("oci", OCI)] {
        let drawing = shortened(&tree::draw(&fixture.path(format)));
        assert_eq!(drawing, expected, "{format}:\n{drawing}");
    }
}

const REGISTRY: &str = "\
docker/registry/v2/blobs/sha256/06/066e3d93…/data 2583 shared
docker/registry/v2/blobs/sha256/09/09537be1…/data 262 shared
docker/registry/v2/blobs/sha256/68/6828fa72…/data 374 shared
docker/registry/v2/blobs/sha256/9f/9f8289bf…/data 2583 shared
docker/registry/v2/blobs/sha256/f3/f340988d…/data 666 shared
docker/registry/v2/repositories/team/app/_layers/sha256/066e3d93…/link 71 written sha256:066e3d93…
docker/registry/v2/repositories/team/app/_layers/sha256/09537be1…/link 71 written sha256:09537be1…
docker/registry/v2/repositories/team/app/_layers/sha256/9f8289bf…/link 71 written sha256:9f8289bf…
docker/registry/v2/repositories/team/app/_manifests/revisions/sha256/6828fa72…/link 71 written sha256:6828fa72…
docker/registry/v2/repositories/team/app/_manifests/revisions/sha256/f340988d…/link 71 written sha256:f340988d…
docker/registry/v2/repositories/team/app/_manifests/tags/v1/current/link 71 written sha256:6828fa72…
docker/registry/v2/repositories/team/app/_manifests/tags/v1/index/sha256/6828fa72…/link 71 written sha256:6828fa72…
";

const DIR: &str = "\
team/app:v1/066e3d93… 2583 shared
team/app:v1/09537be1… 262 shared
team/app:v1/9f8289bf… 2583 shared
team/app:v1/f340988d….manifest.json 666 shared
team/app:v1/manifest.json 374 shared
team/app:v1/version 33 written
";

const OCI: &str = "\
blobs/sha256/066e3d93… 2583 shared
blobs/sha256/09537be1… 262 shared
blobs/sha256/6828fa72… 374 shared
blobs/sha256/9f8289bf… 2583 shared
blobs/sha256/f340988d… 666 shared
index.json 344 written
oci-layout 30 written
";

/// Digests with their first digits only.
fn shortened(drawing: &str) -> String {
    let mut text = String::new();
    let mut digits = 0;
    for letter in drawing.chars() {
        digits = if letter.is_ascii_hexdigit() {
            digits + 1
        } else {
            0
        };
        if digits <= DIGITS {
            text.push(letter);
        } else if digits == DIGITS + 1 {
            text.push('…');
        }
    }
    text
}

/// One digest may be a manifest of an index and a layer beside it: it needs the name of either.
#[test]
fn a_manifest_that_is_also_a_layer_is_stored_as_both() {
    let fixture = Fixture::new();
    let storage = &fixture.storage;
    let inner = shapes::image(Flavour::Oci, "inner").on("linux/amd64");
    let config = Piece::new(
        media::OCI_CONFIG,
        r#"{"architecture":"arm64","os":"linux"}"#,
    );
    let layer = Piece::new(media::OCI_MANIFEST, inner.bytes.clone());
    let more = serde_json::json!({ "mediaType": media::OCI_MANIFEST });
    let outer = shapes::manifest(media::OCI_MANIFEST, &config, &[layer], &more).on("linux/arm64");
    for (tag, children) in [
        ("layer-first", [outer.clone(), inner.clone()]),
        ("layer-last", [inner.clone(), outer]),
    ] {
        let package: Package = shapes::index(Flavour::Oci, &children);
        package.store(storage, tag, Some("v1"));
    }
    fixture
        .convert(
            &["--all"],
            "registry:source",
            &["registry:direct", "dir:trees", "oci:layout"],
        )
        .assert_code(0);
    let (source, direct) = (
        tree::draw(&fixture.path("source")),
        tree::draw(&fixture.path("direct")),
    );
    let both = [
        storage.revision_link_path("layer-first", inner.digest()),
        storage.layer_link_path("layer-first", inner.digest()),
    ];
    for link in both {
        let name = link.strip_prefix(fixture.path("source")).unwrap().display();
        assert!(direct.contains(&name.to_string()), "{name} in\n{direct}");
    }
    assert_eq!(direct, source);
    for source in ["dir:trees", "oci:layout"] {
        let output = format!("back-{}", &source[..3]);
        fixture
            .convert(&["--all"], source, &[&format!("registry:{output}")])
            .assert_code(0);
        assert_eq!(tree::draw(&fixture.path(&output)), direct, "{source}");
    }
}
