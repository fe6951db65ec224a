//! Attacks: a run that breaks off half-way publishes nothing.

use std::cell::Cell;

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, output};

thread_local! {
    static PLACED: Cell<usize> = const { Cell::new(0) };
}

fn place(image: &PlacedImage) -> Result<(), Failure> {
    for content in &image.entries {
        output::hard_link(&content.digest, &content.digest)?;
        PLACED.set(PLACED.get() + 1);
        assert!(PLACED.get() < 4, "half-way");
    }
    Ok(())
}

regcarve_test_programs::writer!(place);
