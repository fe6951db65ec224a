//! Interfaces that the host lends to components: one file for each interface of the contract that they import.

pub(in crate::wasm) mod content;
pub(in crate::wasm) mod log;
pub(in crate::wasm) mod output;
pub(in crate::wasm) mod source;
pub(in crate::wasm) mod wasi;
