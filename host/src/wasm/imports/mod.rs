//! What the host lends to components: one file for each interface of the contract that they import.

pub(in crate::wasm) mod log;
pub(in crate::wasm) mod wasi;
