//! The kit that regcarve components are written with.
//!
//! The contract between the host and its components is the folder `wit`; this crate turns it into
//! traits, so that a component holds its own rule and nothing else. One module a role:
//!
//! | module       | implement                                  | then                       |
//! |--------------|--------------------------------------------|----------------------------|
//! | [`mod@policy`]   | [`policy::Policy`]                         | `regcarve_policy_kit::policy!(T)` |
//! | [`mod@selector`] | [`selector::Selector`]                     | `regcarve_policy_kit::selector!(T)` |
//!
//! Storage formats are written with `regcarve-layout-kit`.
//!
//! All of it also compiles for the machine that it is built on, so that the logic of a component is
//! tested with plain `cargo test`. Only calls into the host (`log`) need the real thing;
//! for `content`, which policies call, [`testing`] builds images natively.

mod bindings;
pub mod convert;
pub mod policy;
pub mod selector;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[doc(hidden)]
pub use bindings::generated;
pub use bindings::generated::policy::regcarve::plugin::log::{Level, log};
pub use bindings::generated::policy::regcarve::plugin::types::{
    ClosureEntry as Content, Failure, Kind, Platform,
};
#[doc(hidden)]
pub use {schemars, serde, serde_json};

/// Sends the text of a panic to the run's log, since the sandbox shows nothing of it otherwise.
///
/// The macros of this crate call it; only a component that is written without them has to.
pub fn report_panics() {
    #[cfg(target_family = "wasm")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        // A panic hook that panics would abort silently, so it does nothing but log.
        ONCE.call_once(|| {
            std::panic::set_hook(Box::new(|panic| log(Level::Error, &panic.to_string())));
        });
    }
}
