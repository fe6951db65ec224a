//! A friend that exports `write` and nothing else, made without the kit.

#![allow(unsafe_code, reason = "generated")]

mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "regcarve:plugin/writer", generate_all });
}
use bindings::exports::regcarve::plugin::write::{Failure, Guest, Image, ImageSummary};
use bindings::regcarve::plugin::output;

struct Program;

impl Guest for Program {
    fn place(image: Image) -> Result<(), Failure> {
        output::hard_link(&image.digest, &image.digest)
    }
    fn finish(images: Vec<ImageSummary>) -> Result<(), Failure> {
        output::write_file("count", images.len().to_string().as_bytes())
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Program with_types_in bindings);
