//! Odd content: artifacts, layers that are doubled, empty, absent or named otherwise.

use std::slice;

use serde_json::json;

use super::selected;
use crate::corpus::Image;
use crate::media;
use crate::package::{Package, Piece};
use crate::shapes::{self, Flavour, artifact, layer};

/// How large the annotations of a big manifest are: a quarter of what a registry still serves.
const BIG: usize = 1 << 20;

pub(super) fn images() -> Vec<Image> {
    let (first, second) = (layer("doubled first"), layer("doubled second"));
    let doubled = oci("doubled", &[first.clone(), second, first]);
    let zero = oci(
        "zero",
        &[layer("before nothing"), Piece::new(media::OCI_LAYER, "")],
    );
    let long = oci(
        "long",
        &[
            layer("named by sha512").by_sha512(),
            layer("named by sha256"),
        ],
    );
    let scratch = shapes::image_of(Flavour::Docker, "scratch", "linux/amd64", &[]);
    let empty = artifact("application/vnd.example.nothing", &[], None);
    let absent_docker = foreign(Flavour::Docker, media::DOCKER_FOREIGN);
    let absent_oci = foreign(Flavour::Oci, media::OCI_FOREIGN);
    vec![
        selected("charts/thing:1.0.0", "chart", shapes::chart("thing")),
        selected(
            "artifacts/empty:v1",
            "artifact of the empty descriptor only",
            empty,
        ),
        selected("artifacts/odd:v1", "artifact of odd types", odd()),
        selected(
            "artifacts/both:v1",
            "configuration that is a layer too",
            both(),
        ),
        selected("team/doubled:v1", "doubled layers", doubled),
        selected("team/scratch:v1", "no layers", scratch),
        selected("team/zero:v1", "layer of no bytes", zero),
        // skopeo 1.9 writes it, then finds that it computed a sha256.
        selected("team/long:v1", "layer named by sha512", long).api_only(),
        // skopeo would go and fetch them.
        selected(
            "windows/docker:v1",
            "foreign layer not there, docker",
            absent_docker,
        )
        .api_only(),
        selected("windows/oci:v1", "foreign layer not there, oci", absent_oci).api_only(),
        selected(
            "windows/oci:here",
            "foreign layer that is there",
            foreign_here(),
        ),
        selected("team/unicode:v1", "annotations in many scripts", unicode()),
        selected("team/big:v1", "manifest of 1 MiB", big()),
    ]
}

fn oci(name: &str, layers: &[Piece]) -> Package {
    shapes::image_of(Flavour::Oci, name, "linux/amd64", layers)
}

fn odd() -> Package {
    let zstandard = "application/vnd.oci.image.layer.v1.tar+zstd";
    let layers = [
        Piece::new("application/wasm", *b"\0asm\x01\0\0\0"),
        Piece::new("text/plain; charset=utf-8", "a text\n"),
        layer("zstandard in name only").typed(zstandard),
    ];
    artifact("application/vnd.example.mixed", &layers, None)
}

fn both() -> Package {
    let config = Piece::new("application/vnd.example.both.v1+json", r#"{"both":true}"#);
    let more = json!({ "mediaType": media::OCI_MANIFEST });
    shapes::manifest(
        media::OCI_MANIFEST,
        &config,
        slice::from_ref(&config),
        &more,
    )
}

fn foreign(flavour: Flavour, media_type: &str) -> Package {
    let name = format!("far {media_type}");
    let layers = [layer(&name).typed(media_type).elsewhere(), layer("near")];
    shapes::image_of(flavour, &name, "windows/amd64", &layers)
}

/// The type says that it is elsewhere, without an address: so the registry must have it.
fn foreign_here() -> Package {
    oci(
        "foreign here",
        &[layer("foreign here").typed(media::OCI_FOREIGN)],
    )
}

fn unicode() -> Package {
    let annotations = json!({
        "org.opencontainers.image.title": "Größe · 大小 · размер · 🦀",
        "escape\u{2028}s": "\"\\\u{7f}\u{e000}",
    });
    let layers = [layer("unicode")];
    shapes::annotated(
        Flavour::Oci,
        "unicode",
        "linux/amd64",
        &layers,
        &annotations,
    )
}

fn big() -> Package {
    let annotations = json!({ "big": "0123456789abcdef".repeat(BIG / 16) });
    let layers = [shapes::layer_of("big", BIG)];
    shapes::annotated(Flavour::Oci, "big", "linux/amd64", &layers, &annotations)
}
