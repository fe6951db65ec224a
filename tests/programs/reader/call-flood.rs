//! Attacks: bytes that the host reads for a component count as calls, so that a few expensive calls are no way
//! around `--guest-calls`.

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution, source};

fn resolve(_: Image, _: &ImageRequest) -> Resolution {
    loop {
        let _ = source::read_blob("manifest", None);
        let _ = source::list_directory("", None);
    }
}

regcarve_test_programs::reader!(resolve);
