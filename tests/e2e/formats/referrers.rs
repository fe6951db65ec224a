//! Only an image is selected; its signatures, attestations, SBOMs and other referrers follow, in every format.

use std::fs;

use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::layout::write_oci;
use regcarve_test_support::package::Package;
use regcarve_test_support::programs::program;
use regcarve_test_support::shapes::{self, Flavour, artifact, attached_tag, cosign};

use serde_json::{Value, json};

use super::{FORMATS, images};

/// A signed image of two platforms, with artifacts of every kind, and artifacts of these.
fn signed_image(fixture: &Fixture) -> Vec<(String, String)> {
    let storage = &fixture.storage;
    let multi = shapes::multi(Flavour::Oci, "signed", &["linux/amd64", "linux/arm64"]);
    let signature = cosign("sig", &multi);
    let sbom = artifact("application/spdx+json", &[], Some(&multi));
    let note = artifact("application/vnd.cncf.notary.signature", &[], Some(&sbom));
    let stranger = shapes::image(Flavour::Oci, "stranger");
    storage.repository("team/app");
    let put = |tag: &str, package: &Package| {
        package.store(storage, "team/app", Some(tag));
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
fn referrers_follow_a_selected_image_between_all_formats() {
    let fixture = Fixture::new();
    let expected = signed_image(&fixture);
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
            let outcome = fixture.convert(&named, &source, &[&format!("{to}:{from}-{to}")]);
            outcome.assert_code(0);
            assert_eq!(images(&outcome), expected, "{source} → {to}");
            // Not only reported: it is there, and found again.
            let again = fixture.convert(
                &["--all"],
                &format!("{to}:{from}-{to}"),
                &[&format!("oci:again-{from}-{to}")],
            );
            assert_eq!(images(&again), expected, "{source} → {to} → again");

            let outcome = fixture.convert(&bare, &source, &[&format!("{to}:bare-{from}-{to}")]);
            outcome.assert_code(0);
            assert_eq!(images(&outcome), image, "{source} → {to} without the rest");
        }
    }
}

/// In a layout a referrer needs no name, and so there is none to tell where it goes.
#[test]
fn an_unnamed_referrer_follows_an_image_that_a_policy_renames() {
    let fixture = Fixture::new();
    let image = shapes::image(Flavour::Oci, "app");
    let sbom = artifact("application/spdx+json", &[], Some(&image));
    write_oci(&fixture.path("layout"), "team/app:v1", &image);
    write_oci(&fixture.path("referrer"), "none", &sbom);
    join(&fixture, "referrer", "layout");
    let rename = program("policy-rename").display().to_string();
    let renamed = ["--all", "--policy", &rename];
    let (name, sbom) = ("release/app:v1".to_owned(), sbom.digest().to_string());
    let expected = [
        (name.clone(), image.digest().to_string()),
        (format!("release/app@{sbom}"), sbom),
    ];
    for format in ["registry", "oci"] {
        let output = format!("{format}:renamed-{format}");
        let outcome = fixture.convert(&renamed, "oci:layout", &[&output]);
        outcome.assert_code(0);
        assert_eq!(images(&outcome), expected, "{format}");
        let from = outcome.listed("images", "renamed_from");
        assert_eq!(from.len(), 2, "{from:?}");
        assert!(
            from.iter().all(|from| from.starts_with("team/app")),
            "{from:?}"
        );
        // Found again: in a layout by its subject, in a registry by its digest.
        let wanted: &[&str] = match format {
            "oci" => &["--image", &name],
            _ => &["--image", &name, "--image", &expected[1].0],
        };
        let outcome = fixture.convert(wanted, &output, &[&format!("oci:again-{format}")]);
        outcome.assert_code(0);
        assert_eq!(images(&outcome), expected, "{format} again");
    }
}

/// Puts the one image of a layout into another layout, without a name.
fn join(fixture: &Fixture, from: &str, to: &str) {
    let (from, to) = (fixture.path(from), fixture.path(to));
    let read = |path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let mut descriptor = read(from.join("index.json"))["manifests"][0].take();
    descriptor["annotations"] = json!({});
    let mut index = read(to.join("index.json"));
    index["manifests"].as_array_mut().unwrap().push(descriptor);
    fs::write(to.join("index.json"), index.to_string()).unwrap();
    for blob in fs::read_dir(from.join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        fs::copy(blob.path(), to.join("blobs/sha256").join(blob.file_name())).unwrap();
    }
}
