//! Attacks: the imports of a component are those of its world. This policy would like to read the source.

#![allow(unsafe_code, reason = "generated")]

mod bindings {
    wit_bindgen::generate!({
        inline: "package local:power; world greedy { include regcarve:plugin/policy@0.1.0; import regcarve:plugin/source@0.1.0; }",
        path: "../../wit",
        world: "local:power/greedy",
        generate_all,
    });
}
use bindings::exports::regcarve::plugin::decide::{
    Decision, Description, Diagnostic, Guest, Image,
};

struct Program;

impl Guest for Program {
    fn describe() -> Description {
        unreachable!("it is never started")
    }
    fn configure(_: String) -> Result<(), Vec<Diagnostic>> {
        Ok(())
    }
    fn decide(_: String, _: Vec<Image>) -> Result<Vec<Decision>, String> {
        let bytes = bindings::regcarve::plugin::source::read_file("docker");
        Err(format!("BREACH: {bytes:?}"))
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Program with_types_in bindings);
