//! A friend: an own storage format, as a reader.

use regcarve_policy_kit::layout::{Image, Resolution, Wanted};

fn resolve(image: Image, wanted: &Wanted) -> Resolution {
    match wanted.tag.as_deref() {
        Some("v1") => Resolution::Found(image),
        _ => Resolution::Missing("there is only v1".into()),
    }
}

regcarve_test_programs::reader!(resolve);
