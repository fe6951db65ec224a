//! One platform, one manifest, in each of the formats that there ever were.

use serde_json::Value;

use super::{decoy, selected};
use crate::corpus::{Image, Via};
use crate::media;
use crate::package::{Package, Piece};
use crate::schema1;
use crate::shapes::{self, Flavour, layer};

pub(super) fn images() -> Vec<Image> {
    let docker = |name| shapes::image(Flavour::Docker, name);
    let oci = |name| shapes::image(Flavour::Oci, name);
    vec![
        selected(
            "library/alpine:3.6",
            "docker schema 2",
            docker("alpine 3.6"),
        ),
        decoy(
            "library/alpine:3.7",
            "newer tag of a wanted repository",
            docker("alpine 3.7"),
        ),
        selected(
            "library/busybox:1.30.0",
            "docker schema 2, by skopeo",
            docker("busybox"),
        )
        .via(Via::SkopeoDir),
        selected("team/oci:v1", "oci manifest", oci("oci")),
        selected(
            "team/skopeo-oci:v1",
            "oci manifest, by skopeo",
            oci("by skopeo"),
        )
        .via(Via::SkopeoOci),
        selected(
            "team/oci:untyped",
            "oci manifest without media type",
            untyped(),
        ),
        // skopeo pulls schema 1 too, but every pull has new signatures and thus other bytes.
        Image {
            resigned: true,
            ..selected("legacy/schema1:v1", "schema 1", old()).api_only()
        },
        Image {
            ancient: true,
            ..selected(
                "legacy/ancient:v1",
                "manifest among the layers",
                docker("ancient"),
            )
        },
        decoy(
            "library/decoy:v1",
            "repository nobody asked for",
            oci("decoy"),
        ),
    ]
}

/// The media type is optional in OCI manifests; readers look at the members instead.
fn untyped() -> Package {
    let config = Piece::new(
        media::OCI_CONFIG,
        r#"{"architecture":"amd64","os":"linux"}"#,
    );
    shapes::manifest(
        media::OCI_MANIFEST,
        &config,
        &[layer("untyped")],
        &Value::Null,
    )
}

fn old() -> Package {
    let layers = [
        layer("schema 1 bottom"),
        layer("schema 1 top"),
        layer("schema 1 bottom"),
    ];
    schema1::image("legacy/schema1", "v1", &layers)
}
