//! A friend: an own storage format, `<repository>:<tag>/` with the names of all content in it.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, output};

fn place(image: &PlacedImage) -> Result<(), Failure> {
    let tag = image.tag.as_deref().unwrap_or("untagged");
    let folder = format!("{}:{tag}", image.repository.replace('/', "_"));
    for content in &image.entries {
        output::hard_link(&content.digest, &format!("{folder}/{}", content.digest))?;
    }
    output::write_link(&format!("{folder}/top"), &image.digest)
}

regcarve_test_programs::writer!(place);
