//! A storage that has something for each policy.

use std::path::{Path, PathBuf};
use std::process::Command;

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::digest::{Descriptor, Digest};
use regcarve_test_support::media;
use regcarve_test_support::storage::Storage;
use serde_json::{Value, json};

/// Bytes of the layer that all images share.
pub(crate) const BASE: usize = 400_000;
/// Bytes of the layer that an image has of its own.
pub(crate) const OWN: usize = 100_000;

/// An image: repository, tag, labels, when it was made.
type Row = (&'static str, &'static str, Value, &'static str);

/// What [`World::new`] stores, apart from `team/app:v1`, which is for two platforms, and `charts/app:0.1.0`.
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

/// Nine tags in four repositories.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) storage: Storage,
}

/// A part of making a storage.
type Step = Box<dyn Fn(&World)>;

impl World {
    pub(crate) fn new() -> Self {
        Self::built_in(tempfile::tempdir().expect("a folder for a test"), false)
    }

    /// The same images, stored in the opposite order if `backwards`.
    pub(crate) fn built_in(folder: tempfile::TempDir, backwards: bool) -> Self {
        let storage = Storage::create(folder.path().join("source"));
        let world = Self { folder, storage };
        let mut steps: Vec<Step> = vec![
            Box::new(Self::two_platforms),
            Box::new(Self::chart),
            Box::new(Self::same_image_again),
        ];
        steps.extend(
            rows()
                .into_iter()
                .map(|row| -> Step { Box::new(move |world| world.image(&row)) }),
        );
        if backwards {
            steps.reverse();
        }
        steps.iter().for_each(|step| step(&world));
        world
    }

    fn config(row: &Row) -> Value {
        let (_, tag, labels, created) = row;
        json!({
            "os": "linux", "architecture": "amd64", "for": tag, "created": created, "config": {"Labels": labels},
        })
    }

    fn image(&self, row: &Row) {
        let (base, own) = (vec![b'b'; BASE], own_layer(row.1));
        self.storage
            .image(row.0, row.1, &[&base, &own], &Self::config(row));
    }

    /// `library/nginx:latest` is `1.27.1`.
    fn same_image_again(&self) {
        let row = rows().remove(1);
        let (base, own) = (vec![b'b'; BASE], own_layer(row.1));
        self.storage
            .image(row.0, "latest", &[&base, &own], &Self::config(&row));
    }

    /// `team/app:v1` is gold on amd64 and tin on arm64.
    fn two_platforms(&self) {
        let children = [("amd64", "gold"), ("arm64", "tin")].map(|(architecture, tier)| {
            let config = json!({
                "os": "linux",
                "architecture": architecture,
                "created": "2026-01-01T00:00:00Z",
                "config": {"Labels": {"tier": tier}},
            });
            let config = self
                .storage
                .blob(config.to_string().as_bytes())
                .typed(media::OCI_CONFIG);
            let layer = self
                .storage
                .blob(&own_layer(architecture))
                .typed(media::OCI_LAYER);
            let image = self.storage.image_of("team/app", None, &config, &[layer]);
            image.on(&format!("linux/{architecture}"))
        });
        self.storage.index("team/app", Some("v1"), &children);
    }

    /// `charts/app:0.1.0` has annotations and no labels.
    fn chart(&self) {
        let config = self.storage.blob(b"{\"name\":\"app\"}");
        let config = config.typed("application/vnd.cncf.helm.config.v1+json");
        let layer = self
            .storage
            .blob(&own_layer("chart"))
            .typed(media::OCI_LAYER);
        for blob in [&config, &layer] {
            self.storage.layer_link("charts/app", &blob.digest);
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_MANIFEST,
            "config": config.json(),
            "layers": [layer.json()],
            "annotations": {"tier": "gold", "org.opencontainers.image.created": "2026-01-15T00:00:00Z"},
        });
        self.storage
            .manifest("charts/app", Some("0.1.0"), manifest.to_string().as_bytes());
    }

    /// The file of the config of one of the [`rows`].
    pub(crate) fn config_path(&self, reference: &str) -> PathBuf {
        let row = rows()
            .into_iter()
            .find(|row| format!("{}:{}", row.0, row.1) == reference);
        let config = Self::config(&row.expect("one of the rows")).to_string();
        self.storage.blob_path(&Digest::of(config.as_bytes()))
    }

    /// The digest of an image's own layer.
    pub(crate) fn own_layer(tag: &str) -> Digest {
        Descriptor::of(&own_layer(tag)).digest
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `regcarve plan --all` with these policies and other arguments.
    pub(crate) fn plan<S: AsRef<str>>(&self, policies: &[S], more: &[&str]) -> Outcome {
        let mut command = program(&["plan", "--format", "json", "--all"]);
        for policy in policies {
            command.args(["--policy", policy.as_ref()]);
        }
        let outcome = command.args(more).arg(spec(self.storage.root())).outcome();
        outcome.assert_no_panic();
        outcome
    }
}

fn own_layer(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(OWN).collect()
}

/// What was dropped: `reference: reason`.
pub(crate) fn dropped(outcome: &Outcome) -> Vec<String> {
    let references = outcome.listed("dropped", "reference");
    let reasons = outcome.listed("dropped", "reason");
    let pairs = references.iter().zip(reasons);
    pairs
        .map(|(reference, reason)| format!("{reference}: {reason}"))
        .collect()
}

/// A command of the program under test.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut program = regcarve(env!("CARGO_BIN_EXE_regcarve"));
    program.args(args);
    program
}

/// A registry storage at a path, as the command line names it.
pub(crate) fn spec(path: &Path) -> String {
    format!("registry:{}", path.display())
}

/// All shipped policies, each with settings that make it work on the [`World`].
pub(crate) fn all() -> Vec<String> {
    let layer = World::own_layer("chart");
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
