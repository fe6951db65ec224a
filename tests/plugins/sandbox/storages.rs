//! The surroundings of the guests: two storages, and around them files that they must not reach.

use std::process::Command;

use regcarve_test_support::binary::regcarve;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::programs::lay_out_flat;
use serde_json::json;

/// `team/app:v1`, `team/app:v2`, `team/tool:v1`, and `secret/hello:v1`, which no list names.
pub(crate) fn two_storages() -> Fixture {
    let fixture = Fixture::new();
    let storage = &fixture.storage;
    let config = json!({ "os": "linux", "architecture": "amd64" });
    storage.image("team/app", "v1", &[b"base", b"app 1"], &config);
    storage.image("team/app", "v2", &[b"base", b"app 2"], &config);
    storage.image("team/tool", "v1", &[b"base", b"tool"], &config);
    storage.image("secret/hello", "v1", &[b"hello"], &config);
    fixture.write("source/secret", "no guest may read this");
    fixture.write("images.list", "image: team/app:v1\n");
    lay_out_flat(&fixture);
    fixture
}

/// `regcarve`, with a cache of its own for compiled code.
pub(crate) fn with_own_cache(fixture: &Fixture) -> Command {
    let mut command = regcarve();
    command.env("XDG_CACHE_HOME", fixture.path("cache"));
    command
}
