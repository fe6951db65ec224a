//! Generated from `wit`: the world `layout`, and the optional interface `audit` in a world of its own.

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
    pub mod layout {
        wit_bindgen::generate!({
            path: "../../wit",
            world: "regcarve:plugin/layout",
            generate_all,
            pub_export_macro: true,
            export_macro_name: "export_layout",
            default_bindings_module: "regcarve_layout_kit::generated::layout",
        });
    }
    pub mod audit {
        wit_bindgen::generate!({
            path: "../../wit",
            inline: "package regcarve:kit; world auditor { export regcarve:plugin/audit@0.1.0; }",
            world: "regcarve:kit/auditor",
            with: {
                "regcarve:plugin/types@0.1.0": crate::generated::layout::regcarve::plugin::types,
            },
            generate_all,
            pub_export_macro: true,
            export_macro_name: "export_audit",
            default_bindings_module: "regcarve_layout_kit::generated::audit",
        });
    }
}
