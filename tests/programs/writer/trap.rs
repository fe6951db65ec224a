//! Attacks: a run that breaks off half-way publishes nothing.

use std::cell::Cell;

use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{Placed, output};

thread_local! {
    static PLACED: Cell<usize> = const { Cell::new(0) };
}

fn place(image: &Placed) -> Result<(), Failure> {
    for content in &image.contents {
        output::hard_link(&content.digest, &content.digest)?;
        PLACED.set(PLACED.get() + 1);
        assert!(PLACED.get() < 4, "half-way");
    }
    Ok(())
}

regcarve_test_programs::writer!(place);
