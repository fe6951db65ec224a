//! Several platforms: lists, indexes, indexes of indexes, attestations.

use serde_json::Value;

use super::{decoy, selected};
use crate::corpus::{Image, Via};
use crate::package::Package;
use crate::shapes::{self, Flavour};

const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/s390x"];

pub(super) fn images() -> Vec<Image> {
    let list = |name| shapes::multi(Flavour::Docker, name, &PLATFORMS);
    let index = |name| shapes::multi(Flavour::Oci, name, &PLATFORMS);
    let childless = shapes::index(Flavour::Oci, &[]);
    // skopeo 1.9 does not look into an index in an index.
    let (two, three) = (
        shapes::nested("two levels", 2),
        shapes::nested("three levels", 3),
    );
    vec![
        selected("library/nginx:1.13", "docker manifest list", list("nginx")),
        selected(
            "library/redis:4",
            "docker manifest list, by skopeo",
            list("redis"),
        )
        .via(Via::SkopeoDir),
        selected("team/multi:v1", "oci index", index("multi")),
        selected(
            "team/skopeo-multi:v1",
            "oci index, by skopeo",
            index("multi by skopeo"),
        )
        .via(Via::SkopeoOci),
        selected(
            "team/multi:untyped",
            "oci index without media type",
            untyped(),
        ),
        selected(
            "team/multi:mixed",
            "oci index of docker and oci children",
            mixed(),
        ),
        selected("team/multi:none", "oci index without children", childless),
        selected("team/nested:two", "index of 2 levels", two).api_only(),
        selected("team/nested:three", "index of 3 levels", three).api_only(),
        selected(
            "team/buildkit:v1",
            "index with attestations",
            attested("buildkit"),
        ),
        decoy(
            "decoys/multi:v1",
            "index nobody asked for",
            attested("decoy"),
        ),
    ]
}

fn untyped() -> Package {
    let children = [
        shapes::image(Flavour::Oci, "untyped amd64").on("linux/amd64"),
        shapes::image(Flavour::Oci, "untyped arm64").on("linux/arm64"),
    ];
    shapes::index_with(Flavour::Oci, &children, &Value::Null)
}

fn mixed() -> Package {
    let children = [
        shapes::image(Flavour::Docker, "mixed docker").on("linux/amd64"),
        shapes::image(Flavour::Oci, "mixed oci").on("linux/arm64"),
    ];
    shapes::index(Flavour::Oci, &children)
}

fn attested(name: &str) -> Package {
    shapes::buildkit(name, &PLATFORMS[..2])
}
