//! The storage that every test carves from.

use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::media;
use regcarve_test_support::storage::Storage;
use serde_json::json;

/// The digests of [`six_images`] that tests need.
pub(crate) struct Images {
    /// Of `library/alpine:3.6`.
    pub(crate) alpine: Digest,
}

/// Six images in three repositories.
pub(crate) fn six_images() -> Fixture<Images> {
    Fixture::new().with(|fixture| fill(&fixture.storage))
}

fn fill(storage: &Storage) -> Images {
    let owned = |team: &str| json!({ "os": "linux", "architecture": "amd64", "config": { "Labels": { "team": team } } });
    let alpine = storage.image("library/alpine", "3.6", &[b"base"], &owned("base"));
    storage.image("library/alpine", "3.7", &[b"base", b"3.7"], &owned("base"));
    storage.image("team/tool", "v1", &[b"base", b"tool 1"], &owned("tools"));
    storage.image(
        "team/tool",
        "v1-snapshot",
        &[b"base", b"tool 1s"],
        &owned("tools"),
    );
    storage.image(
        "team/tool",
        "v2",
        &[b"base", b"tool 2"],
        &json!({ "os": "linux" }),
    );
    let platforms = ["linux/amd64", "linux/arm64"].map(|platform| {
        let config =
            json!({ "for": platform, "config": { "Labels": { "team": "app" } } }).to_string();
        let config = storage.blob(config.as_bytes()).typed(media::OCI_CONFIG);
        let layer = storage.blob(platform.as_bytes()).typed(media::OCI_LAYER);
        storage
            .image_of("team/app", None, &config, &[layer])
            .on(platform)
    });
    storage.index("team/app", Some("v1"), &platforms);
    Images { alpine }
}
