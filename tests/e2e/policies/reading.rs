//! Policies ask for manifests and configs only when they need them.
//!
//! A config whose bytes are not those of its digest is the probe: the host hashes what a policy reads, so a policy
//! that reads it ends the run with exit code 4.

use regcarve_test_support::faults::flip;

use super::images::{config_path, nine_images, own_layer, plan};

const IMAGE: &str = "library/nginx:1.26.2";

#[test]
fn configs_are_read_only_where_a_decision_needs_them() {
    let fixture = nine_images();
    let denied = own_layer("1.9.0");
    flip(&config_path(&fixture, IMAGE));
    for policy in [
        r#"match={"deny":["**:*-rc*"]}"#.to_owned(),
        "newest=1".to_owned(),
        // Not more than there are to choose from.
        r#"newest={"count":9,"by":"created"}"#.to_owned(),
        "max-size=710kB".to_owned(),
        format!("deny-digest={denied}"),
        r#"where=image.tag.startsWith("1.") && image.size < 1000000"#.to_owned(),
        r#"where=size(image.repository) > 0 || image.labels.tier == "gold""#.to_owned(),
        r#"where=image.tag != "1.26.2" || image.digest != """#.to_owned(),
        // Of this image it does not come to the labels.
        r#"where=image.tag == "latest" && image.labels.tier == "gold""#.to_owned(),
    ] {
        let outcome = plan(&fixture, &[&policy], &[]);
        outcome.assert_code(0);
    }
}

#[test]
fn configs_that_are_read_are_hashed() {
    let fixture = nine_images();
    let path = config_path(&fixture, IMAGE);
    flip(&path);
    for policy in [
        r#"newest={"count":1,"by":"created"}"#,
        "labels=tier=gold",
        "age=2025-01-01",
        "platforms=linux/amd64",
        r#"where=image.labels.tier == "gold""#,
        r#"where=image.labels.tier == "gold" || true"#,
        r#"where=image.created > timestamp("2025-01-01")"#,
        r#"where="linux/amd64" in image.platforms"#,
    ] {
        let outcome = plan(&fixture, &[policy], &[]);
        outcome.assert_code(4).assert_says(IMAGE);
        outcome.assert_says(path.file_name().unwrap().to_str().unwrap());
    }
}
