//! Attacks: the imports of a component are those of its world. Nobody has this one.

#![allow(unsafe_code, reason = "generated")]

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package local:power;
            interface shell { execute: func(command: string) -> string; }
            world greedy { include regcarve:plugin/policy@0.1.0; import shell; }
        ",
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
        let answer = bindings::local::power::shell::execute("id");
        Err(format!("BREACH: {answer}"))
    }
}

#[cfg(target_family = "wasm")]
bindings::export!(Program with_types_in bindings);
