//! A storage that has something for each policy.

use std::path::PathBuf;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::{Fixture, program};
use regcarve_test_support::media;
use regcarve_test_support::storage::Storage;
use serde_json::{Value, json};

/// Bytes of the layer that all images share.
pub(crate) const BASE: usize = 400_000;
/// Bytes of the layer that an image has of its own.
pub(crate) const OWN: usize = 100_000;

/// An image: repository, tag, labels, when it was made.
type Row = (&'static str, &'static str, Value, &'static str);

/// The images of [`nine_images`], apart from `team/app:v1`, which is for two platforms, and `charts/app:0.1.0`.
fn rows() -> Vec<Row> {
    vec![
        (
            "library/nginx",
            "1.26.2",
            json!({"tier": "gold"}),
            "2025-06-01T00:00:00Z",
        ),
        (
            "library/nginx",
            "1.27.1",
            json!({"tier": "gold"}),
            "2026-02-01T00:00:00Z",
        ),
        (
            "library/nginx",
            "1.27.1-alpine",
            json!({"tier": "silver"}),
            "2026-02-02T00:00:00Z",
        ),
        (
            "library/nginx",
            "1.9.0",
            json!({"tier": "gold"}),
            "2024-01-01T00:00:00Z",
        ),
        (
            "library/nginx",
            "1.28.0-rc.1",
            json!({"tier": "gold", "stage": "dev"}),
            "2026-03-01T00:00:00Z",
        ),
        ("team/tool", "v2", json!({}), "1970-01-01T00:00:00Z"),
    ]
}

/// A part of making a storage.
type Step = Box<dyn Fn(&Storage)>;

/// Nine tags in four repositories.
pub(crate) fn nine_images() -> Fixture {
    filled(Fixture::new(), false)
}

/// A fixture with the images of [`nine_images`], stored in the opposite order if `backwards`.
pub(crate) fn filled(fixture: Fixture, backwards: bool) -> Fixture {
    let mut steps: Vec<Step> = vec![
        Box::new(two_platforms),
        Box::new(chart),
        Box::new(same_image_again),
    ];
    steps.extend(
        rows()
            .into_iter()
            .map(|row| -> Step { Box::new(move |storage| image(storage, &row)) }),
    );
    if backwards {
        steps.reverse();
    }
    steps.iter().for_each(|step| step(&fixture.storage));
    fixture
}

fn config(row: &Row) -> Value {
    let (_, tag, labels, created) = row;
    json!({
        "os": "linux", "architecture": "amd64", "for": tag, "created": created, "config": {"Labels": labels},
    })
}

fn image(storage: &Storage, row: &Row) {
    let (base, own) = (vec![b'b'; BASE], layer_bytes(row.1));
    storage.image(row.0, row.1, &[&base, &own], &config(row));
}

/// `library/nginx:latest` is `1.27.1`.
fn same_image_again(storage: &Storage) {
    let row = rows().remove(1);
    let (base, own) = (vec![b'b'; BASE], layer_bytes(row.1));
    storage.image(row.0, "latest", &[&base, &own], &config(&row));
}

/// `team/app:v1` is gold on amd64 and tin on arm64.
fn two_platforms(storage: &Storage) {
    let children = [("amd64", "gold"), ("arm64", "tin")].map(|(architecture, tier)| {
        let config = json!({
            "os": "linux",
            "architecture": architecture,
            "created": "2026-01-01T00:00:00Z",
            "config": {"Labels": {"tier": tier}},
        });
        let config = storage
            .blob(config.to_string().as_bytes())
            .typed(media::OCI_CONFIG);
        let layer = storage
            .blob(&layer_bytes(architecture))
            .typed(media::OCI_LAYER);
        let image = storage.image_of("team/app", None, &config, &[layer]);
        image.on(&format!("linux/{architecture}"))
    });
    storage.index("team/app", Some("v1"), &children);
}

/// `charts/app:0.1.0` has annotations and no labels.
fn chart(storage: &Storage) {
    let config = storage.blob(b"{\"name\":\"app\"}");
    let config = config.typed("application/vnd.cncf.helm.config.v1+json");
    let layer = storage.blob(&layer_bytes("chart")).typed(media::OCI_LAYER);
    for blob in [&config, &layer] {
        storage.layer_link("charts/app", &blob.digest);
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": config.json(),
        "layers": [layer.json()],
        "annotations": {"tier": "gold", "org.opencontainers.image.created": "2026-01-15T00:00:00Z"},
    });
    storage.manifest("charts/app", Some("0.1.0"), manifest.to_string().as_bytes());
}

/// The file of the config of one of the [`rows`].
pub(crate) fn config_path(fixture: &Fixture, reference: &str) -> PathBuf {
    let row = rows()
        .into_iter()
        .find(|row| format!("{}:{}", row.0, row.1) == reference);
    let config = config(&row.expect("one of the rows")).to_string();
    fixture.storage.blob_path(&Digest::of(config.as_bytes()))
}

/// The digest of an image's own layer.
pub(crate) fn own_layer(tag: &str) -> Digest {
    Digest::of(&layer_bytes(tag))
}

/// `regcarve plan --all` with these policies and other arguments.
pub(crate) fn plan<S: AsRef<str>>(fixture: &Fixture, policies: &[S], more: &[&str]) -> Outcome {
    let mut command = program("plan");
    command.args(["--format", "json", "--all"]);
    for policy in policies {
        command.args(["--policy", policy.as_ref()]);
    }
    let outcome = command.args(more).arg(fixture.source()).outcome();
    outcome.assert_no_panic();
    outcome
}

fn layer_bytes(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(OWN).collect()
}

/// The images that were dropped: `reference: reason`.
pub(crate) fn dropped(outcome: &Outcome) -> Vec<String> {
    let references = outcome.listed("dropped", "reference");
    let reasons = outcome.listed("dropped", "reason");
    let pairs = references.iter().zip(reasons);
    pairs
        .map(|(reference, reason)| format!("{reference}: {reason}"))
        .collect()
}

/// All shipped policies, each with settings that make it work on [`nine_images`].
pub(crate) fn every_policy() -> Vec<String> {
    let layer = own_layer("chart");
    vec![
        r#"age={"newer_than":"90d","now":"newest","keep_undated":true}"#.into(),
        format!("deny-digest={layer}"),
        "labels=tier=gold".into(),
        r#"match={"deny":["**:*-rc*"]}"#.into(),
        "max-size=900kB".into(),
        "newest=1".into(),
        "platforms=linux/amd64".into(),
        r#"where=image.labels.tier == "gold" || image.created > timestamp("2026-02-01")"#.into(),
    ]
}
