//! Shipped components: the ones that are part of this program.

use crate::wasm::Role;

/// A component that the build script compiled and embedded.
pub(in crate::wasm) struct Shipped {
    pub(in crate::wasm) role: Role,
    pub(in crate::wasm) name: &'static str,
    /// The digest of [`Self::wasm`].
    pub(in crate::wasm) sha256: [u8; 32],
    /// The component itself, for `inspect`, and for machines that the native code does not fit.
    pub(in crate::wasm) wasm: &'static [u8],
    /// Native code of [`Self::wasm`].
    pub(in crate::wasm) native: &'static [u8],
}

/// All shipped components, sorted by role and name. A constant would be copied into each part of the program that
/// uses it.
pub(in crate::wasm) static SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The shipped component with that name for a role.
pub(in crate::wasm) fn find(role: Role, name: &str) -> Option<&'static Shipped> {
    all(role).find(|shipped| shipped.name == name)
}

/// The names of all shipped components for a role.
pub(in crate::wasm) fn names(role: Role) -> impl Iterator<Item = &'static str> {
    all(role).map(|shipped| shipped.name)
}

fn all(role: Role) -> impl Iterator<Item = &'static Shipped> {
    let role = match role {
        // Shipped storage formats are both in one.
        Role::Reader | Role::Writer => Role::Layout,
        other => other,
    };
    SHIPPED.iter().filter(move |shipped| shipped.role == role)
}
