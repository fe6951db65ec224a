//! Attacks: what is written for a component counts as a call for every 4 KiB, so that nobody fills the disk.

use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{Placed, output};

fn place(image: &Placed) -> Result<(), Failure> {
    let bytes = vec![0; 4 << 20];
    for number in 0.. {
        output::write_file(&format!("{}/{number}", image.repository), &bytes)?;
    }
    Ok(())
}

regcarve_test_programs::writer!(place);
