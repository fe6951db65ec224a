//! Generated from `wit`, one module a world; types that worlds share are the same Rust types.

#[doc(hidden)]
#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "generated, and not the same for every target; the documentation is in the WIT"
)]
pub mod generated {
    pub mod policy {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "regcarve:plugin/policy",
            generate_all,
            // Tests compare decisions.
            additional_derives: [PartialEq],
            pub_export_macro: true,
            export_macro_name: "export_policy",
            default_bindings_module: "regcarve_policy_kit::generated::policy",
        });
    }
    pub mod selector {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "regcarve:plugin/selector",
            with: { "regcarve:plugin/log@0.1.0": crate::generated::policy::regcarve::plugin::log },
            pub_export_macro: true,
            export_macro_name: "export_selector",
            default_bindings_module: "regcarve_policy_kit::generated::selector",
        });
    }
}
