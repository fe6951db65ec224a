//! Attacks: a component that runs as a reader does not write, although its file could.

use regcarve_layout_kit::raw::{Damage, Image, ImageRequest, Resolution, output};
use regcarve_test_programs::refused;

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    refused("write-file", output::write_file("breach", b"breach"));
    refused("write-link", output::write_link("breach", &image.digest));
    refused("make-directory", output::make_directory("breach"));
    let cause = refused("hard-link", output::hard_link(&image.digest, "breach")).to_string();
    Resolution::Damaged(vec![Damage {
        path: "nowhere".into(),
        cause,
    }])
}

regcarve_test_programs::reader!(resolve);
