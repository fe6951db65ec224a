//! Bindings that are generated from `wit`. Interfaces that two worlds share are generated once.

/// World `reader`, and all imports that it shares with others.
pub(super) mod reader {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "regcarve:plugin/reader",
        imports: { default: trappable },
    });
}

/// The optional interface `audit`, in a world of its own: whether a component exports it is looked up.
pub(super) mod auditor {
    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "package regcarve:host; world auditor { export regcarve:plugin/audit@0.1.0; }",
        world: "regcarve:host/auditor",
        with: {
            "regcarve:plugin/types": super::reader::regcarve::plugin::types,
        },
    });
}

/// World `writer`.
pub(super) mod writer {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "regcarve:plugin/writer",
        imports: { default: trappable },
        with: {
            "regcarve:plugin/types": super::reader::regcarve::plugin::types,
            "regcarve:plugin/log": super::reader::regcarve::plugin::log,
        },
    });
}

/// World `policy`.
pub(super) mod policy {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "regcarve:plugin/policy",
        imports: { default: trappable },
        with: {
            "regcarve:plugin/types": super::reader::regcarve::plugin::types,
            "regcarve:plugin/log": super::reader::regcarve::plugin::log,
        },
    });
}

/// World `selector`.
pub(super) mod selector {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "regcarve:plugin/selector",
        imports: { default: trappable },
        with: {
            "regcarve:plugin/log": super::reader::regcarve::plugin::log,
        },
    });
}

pub(super) use policy::regcarve::plugin::content;
pub(super) use reader::regcarve::plugin::{log, source, types};
pub(super) use writer::regcarve::plugin::output;
