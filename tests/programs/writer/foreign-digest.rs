//! Attacks: a writer links content of the plan, and names it by digest.

use regcarve_layout_kit::raw::Failure;
use regcarve_layout_kit::raw::{PlacedImage, output};
use regcarve_test_programs::refused;

/// Of `hello`, a layer of an image that nobody asked for.
const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn place(image: &PlacedImage) -> Result<(), Failure> {
    let digest = &image.digest;
    let nonsense = [
        "",
        "sha256:",
        "sha256:abc",
        "latest",
        "../source/secret",
        "/etc/passwd",
        &digest.to_uppercase(),
        &format!("{digest}\n"),
        &format!(" {digest}"),
        &digest.replace("sha256", "md5"),
        &digest[7..],
    ];
    for text in nonsense {
        refused(text, output::hard_link(text, "linked"));
        refused(text, output::write_link("written", text));
    }
    Err(refused(
        "content outside of the plan",
        output::hard_link(HELLO, "linked"),
    ))
}

regcarve_test_programs::writer!(place);
