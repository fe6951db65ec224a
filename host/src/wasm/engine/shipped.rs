//! The components that are part of this program.

use crate::wasm::Role;

/// A component that the build script compiled and embedded.
pub(in crate::wasm) struct Shipped {
    pub(in crate::wasm) role: Role,
    pub(in crate::wasm) name: &'static str,
    /// Of [`Self::wasm`].
    pub(in crate::wasm) sha256: [u8; 32],
    /// The component itself, for `inspect`, and for machines that the native code does not fit.
    pub(in crate::wasm) wasm: &'static [u8],
    /// Native code of [`Self::wasm`].
    pub(in crate::wasm) native: &'static Pages,
}

/// Bytes that begin where a page of memory does, so that they can be run where they are.
#[repr(C, align(4096))]
pub(in crate::wasm) struct Pages<B: ?Sized = [u8]>(pub(in crate::wasm) B);

/// All of them, sorted by role and name. A constant would be copied into each part of the program that uses it.
pub(in crate::wasm) static SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The shipped component of that role and name.
pub(in crate::wasm) fn find(role: Role, name: &str) -> Option<&'static Shipped> {
    SHIPPED
        .iter()
        .find(|shipped| shipped.role == role && shipped.name == name)
}

/// The names for a role.
pub(in crate::wasm) fn names(role: Role) -> impl Iterator<Item = &'static str> {
    SHIPPED
        .iter()
        .filter(move |shipped| shipped.role == role)
        .map(|shipped| shipped.name)
}
