//! Artifacts that belong to an image (cosign's tags, the referrers fallback tag), and those that belong to them.

use super::{attached, decoy, selected};
use crate::corpus::Image;
use crate::package::{Package, Piece};
use crate::shapes::{self, Flavour, artifact, attached_tag, cosign};

pub(super) fn images() -> Vec<Image> {
    [signed(), referred()].concat()
}

/// cosign's tags for an index, for one of its children, for a signature and for a plain image.
fn signed() -> Vec<Image> {
    let multi = shapes::multi(
        Flavour::Oci,
        "signed multi",
        &["linux/amd64", "linux/arm64"],
    );
    let child = &multi.children[0];
    let plain = shapes::image(Flavour::Docker, "signed plain");
    let stranger = shapes::image(Flavour::Oci, "not in this repository");
    let signature = cosign("sig", &multi);
    let tag = |kind, of| format!("signed/multi:{}", attached_tag(of, Some(kind)));
    let plain_tag = format!("signed/plain:{}", attached_tag(&plain, Some("sig")));
    vec![
        selected("signed/multi:v1", "signed index", multi.clone()),
        attached(
            &tag("sig", &multi),
            "signature of an index",
            signature.clone(),
        ),
        attached(
            &tag("att", &multi),
            "attestation of an index",
            cosign("att", &multi),
        ),
        attached(
            &tag("sbom", &multi),
            "sbom of an index",
            cosign("sbom", &multi),
        ),
        attached(
            &tag("sig", child),
            "signature of a child",
            cosign("sig", child),
        ),
        attached(
            &tag("sig", &signature),
            "signature of a signature",
            cosign("sig", &signature),
        ),
        decoy(
            &tag("sig", &stranger),
            "signature of a stranger",
            cosign("sig", &stranger),
        ),
        selected("signed/plain:v1", "signed image", plain.clone()),
        attached(&plain_tag, "signature of an image", cosign("sig", &plain)),
    ]
}

/// A fallback tag with an index of artifacts; one of them has referrers, the other a signature.
fn referred() -> Vec<Image> {
    let app = shapes::image(Flavour::Oci, "referred");
    let spdx = "application/spdx+json";
    let sbom = artifact(
        spdx,
        &[Piece::new(spdx, r#"{"spdxVersion":"SPDX-2.3"}"#)],
        Some(&app),
    );
    let scan = artifact("application/vnd.example.scan", &[], Some(&app));
    let jose = Piece::new("application/jose+json", r#"{"payload":"e30"}"#);
    let notary = artifact(
        "application/vnd.cncf.notary.signature",
        &[jose],
        Some(&sbom),
    );
    let tag = |of: &Package, kind| format!("referred/app:{}", attached_tag(of, kind));
    let of_app = shapes::referrers(&[sbom.clone(), scan.clone()]);
    let of_sbom = shapes::referrers(&[notary]);
    vec![
        selected("referred/app:v1", "image with referrers", app.clone()),
        // skopeo 1.9 does not know `artifactType` in an index and wants to write it anew.
        attached(&tag(&app, None), "referrers of an image", of_app).api_only(),
        attached(&tag(&sbom, None), "referrers of a referrer", of_sbom).api_only(),
        attached(
            &tag(&scan, Some("sig")),
            "signature of a referrer",
            cosign("sig", &scan),
        ),
    ]
}
