//! Attacks: what is written for a component counts as a call for every 4 KiB, so that nobody fills the disk.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, output};

fn place(image: &PlacedImage) -> Result<(), Failure> {
    let bytes = vec![0; 4 << 20];
    for number in 0.. {
        output::write_file(&format!("{}/{number}", image.repository), &bytes)?;
    }
    Ok(())
}

regcarve_test_programs::writer!(place);
