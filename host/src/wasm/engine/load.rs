//! Loading of code: from bytes to something that can be run.
//!
//! Code comes from three places: from wasmtime's compiler; from this program, where the build script has embedded it; and
//! from the cache of this user, where this program has put it. The last two are native code that cannot be
//! checked, and this file is the only one that loads such code.

use std::path::Path;

use regcarve_types::Digest;
use wasmtime::component::Component;

use crate::error::FailureKind;
use crate::fs::OsError;
use crate::wasm::Engine;
use crate::wasm::engine::cache::Cache;
use crate::wasm::engine::compile::compile;
use crate::wasm::engine::shipped::Shipped;
use crate::wasm::engine::sniff;

/// The code of a user's component: from the cache, or compiled and put there.
pub(in crate::wasm) fn user_component(
    engine: &Engine,
    sha256: Digest,
    bytes: Vec<u8>,
) -> Result<Component, FailureKind> {
    sniff::check(&bytes)?;
    let Some(cache) = engine.cached.then(Cache::of_user).flatten() else {
        return compile(engine, bytes);
    };
    if let Some(file) = cache.find(engine, sha256)
        // Code of another version, or a truncated file: compiling puts it right.
        && let Ok(component) = load_native(engine, &NativeCode::Cached(&file))
    {
        return Ok(component);
    }
    let component = compile(engine, bytes)?;
    if let Ok(code) = component.serialize() {
        cache.put(engine, sha256, &code);
    }
    Ok(component)
}

/// The code of a component that this program carries.
pub(in crate::wasm) fn shipped_component(
    engine: &Engine,
    shipped: &Shipped,
) -> Result<Component, FailureKind> {
    load_native(engine, &NativeCode::Embedded(shipped.native))
        // It may not fit: a machine older than the baseline.
        .or_else(|_| compile(engine, shipped.wasm.to_vec()))
}

/// Reads the file of a user's component, which may have `limit` bytes.
pub(in crate::wasm) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FailureKind> {
    let failed = |call, error: &std::io::Error| {
        FailureKind::Unreadable(OsError::from_io(call, path.display().to_string(), error))
    };
    let file = std::fs::File::open(path).map_err(|error| failed("open", &error))?;
    let size = file
        .metadata()
        .map_err(|error| failed("fstat", &error))?
        .len();
    if size > limit {
        return Err(FailureKind::TooLarge { size, limit });
    }
    // A pipe does not say how much is coming.
    let mut bytes = Vec::new();
    let most = limit.saturating_add(1);
    let size = std::io::Read::read_to_end(&mut std::io::Read::take(file, most), &mut bytes)
        .map_err(|error| failed("read", &error))? as u64;
    if size > limit {
        return Err(FailureKind::TooLarge { size, limit });
    }
    Ok(bytes)
}

/// The places that native code may come from.
enum NativeCode<'a> {
    /// This executable.
    Embedded(&'static [u8]),
    /// A file that only this user can write, and that is never changed once it has its name.
    Cached(&'a Path),
}

/// Loads native code.
#[expect(
    unsafe_code,
    reason = "the only way to load native code; see the argument below"
)]
fn load_native(engine: &Engine, code: &NativeCode<'_>) -> wasmtime::Result<Component> {
    // SAFETY: the code must come unchanged from wasmtime's own compiler.
    // Embedded: the build script got it from `precompile_component` and put it into this very executable; whoever
    // can change it can change the executable.
    // Cached: this program got it from `serialize` and put it, by a rename, into a folder that belongs to this user
    // and that no other user can write to (`Cache::open` and `Cache::find` make sure of that); whoever can
    // change it can run programs as this user anyway.
    // Wasmtime itself refuses code of other versions and settings.
    unsafe {
        match code {
            NativeCode::Embedded(bytes) => Component::deserialize(&engine.inner, bytes),
            NativeCode::Cached(path) => Component::deserialize_file(&engine.inner, path),
        }
    }
}
