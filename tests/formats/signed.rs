//! What speaks of an image: only the image is named, the rest has to follow.

use regcarve_test_support::package::Package;
use regcarve_test_support::shapes::{self, Flavour, artifact, attached_tag, cosign};
use regcarve_test_support::storage::Storage;

use crate::{Bench, FORMATS, images};

/// A signed image of two platforms, with artifacts of every kind, and artifacts of these.
fn world(bench: &Bench) -> Vec<(String, String)> {
    let storage = Storage::create(bench.path("source"));
    let multi = shapes::multi(Flavour::Oci, "signed", &["linux/amd64", "linux/arm64"]);
    let signature = cosign("sig", &multi);
    let sbom = artifact("application/spdx+json", &[], Some(&multi));
    let note = artifact("application/vnd.cncf.notary.signature", &[], Some(&sbom));
    let stranger = shapes::image(Flavour::Oci, "stranger");
    storage.repository("team/app");
    let put = |tag: &str, package: &Package| {
        package.store(&storage, "team/app", Some(tag));
        (format!("team/app:{tag}"), package.digest().to_string())
    };
    put("v2", &stranger);
    put(
        &attached_tag(&stranger, Some("sig")),
        &cosign("sig", &stranger),
    );
    let mut expected = vec![
        put("v1", &multi),
        put(&attached_tag(&multi, Some("sig")), &signature),
        put(&attached_tag(&multi, Some("att")), &cosign("att", &multi)),
        put(&attached_tag(&multi, Some("sbom")), &cosign("sbom", &multi)),
        put(
            &attached_tag(&multi.children[1], Some("sig")),
            &cosign("sig", &multi.children[1]),
        ),
        put(
            &attached_tag(&signature, Some("sig")),
            &cosign("sig", &signature),
        ),
        put(
            &attached_tag(&multi, None),
            &shapes::referrers(std::slice::from_ref(&sbom)),
        ),
        put(&attached_tag(&sbom, None), &shapes::referrers(&[note])),
    ];
    expected.sort();
    expected
}

#[test]
fn only_the_image_is_named() {
    let bench = Bench::new();
    let expected = world(&bench);
    let image: Vec<_> = expected
        .iter()
        .filter(|(name, _)| name == "team/app:v1")
        .cloned()
        .collect();
    let named = ["--image", "team/app:v1"];
    let bare = ["--image", "team/app:v1", "--no-attached"];
    for from in FORMATS {
        // The first source has strangers too, the others are what is made of it.
        let source = match from {
            "registry" => "registry:source".to_owned(),
            from => format!("{from}:registry-{from}"),
        };
        for to in FORMATS {
            let outcome = bench.carve(&named, &source, &[&format!("{to}:{from}-{to}")]);
            outcome.assert_code(0);
            assert_eq!(images(&outcome), expected, "{source} → {to}");
            // Not only reported: it is there, and found again.
            let again = bench.carve(
                &["--all"],
                &format!("{to}:{from}-{to}"),
                &[&format!("oci:again-{from}-{to}")],
            );
            assert_eq!(images(&again), expected, "{source} → {to} → again");

            let outcome = bench.carve(&bare, &source, &[&format!("{to}:bare-{from}-{to}")]);
            outcome.assert_code(0);
            assert_eq!(images(&outcome), image, "{source} → {to} without the rest");
        }
    }
}
