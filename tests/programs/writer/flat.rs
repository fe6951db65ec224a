//! A friend: an own storage format, `<repository>:<tag>/` with the names of all content in it.

use regcarve_policy_kit::Failure;
use regcarve_policy_kit::layout::{Placed, output};

fn place(image: &Placed) -> Result<(), Failure> {
    let tag = image.tag.as_deref().unwrap_or("untagged");
    let folder = format!("{}:{tag}", image.repository.replace('/', "_"));
    for content in &image.contents {
        output::hard_link(&content.digest, &format!("{folder}/{}", content.digest))?;
    }
    output::write_link(&format!("{folder}/top"), &image.digest)
}

regcarve_test_programs::writer!(place);
