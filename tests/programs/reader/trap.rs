//! Attacks: a reader that breaks off half-way ends the run, and not only its share of it.

use std::cell::Cell;

use regcarve_layout_kit::raw::{Image, ImageRequest, Resolution};

thread_local! {
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

fn resolve(image: Image, _: &ImageRequest) -> Resolution {
    assert!(!ANSWERED.replace(true), "half-way");
    Resolution::Found(image)
}

regcarve_test_programs::reader!(resolve);
