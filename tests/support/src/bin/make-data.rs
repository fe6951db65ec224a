//! Writes `tests/data/storage` anew: needs `docker-registry`, takes no arguments.

use std::fs;

use regcarve_test_support::sample;

fn main() -> std::io::Result<()> {
    let folder = sample::folder();
    if folder.symlink_metadata().is_ok() {
        fs::remove_dir_all(&folder)?;
    }
    sample::write(&folder);
    println!("wrote {}", folder.display());
    Ok(())
}
