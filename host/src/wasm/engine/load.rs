//! From bytes to code.
//!
//! Code comes from three places: from wasmtime's compiler; from this program, where the build script has embedded it; and
//! from the cache of this user, where this program has put it. The last two are native code that nobody can
//! check, and this file is the only one that loads such code.

use std::collections::BTreeSet;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use regcarve_types::Digest;
use rustix::mm::MprotectFlags;
use wasmtime::CustomCodeMemory;
use wasmtime::component::Component;

use crate::fs::OsError;
use crate::wasm::Engine;
use crate::wasm::engine::cache::Cache;
use crate::wasm::engine::compile::compile;
use crate::wasm::engine::shipped::{Pages, Shipped};
use crate::wasm::failure::FailureKind;

/// The code of a user's component: from the cache, or compiled and put there.
pub(in crate::wasm) fn of_user(
    engine: &Engine,
    sha256: Digest,
    bytes: Vec<u8>,
) -> Result<Component, FailureKind> {
    refuse_others(&bytes)?;
    let Some(cache) = engine.cached.then(Cache::of_user).flatten() else {
        return compile(engine, bytes);
    };
    if let Some(file) = cache.find(engine, sha256)
        // Another version, a file that was cut off: whatever it is, compiling puts it right.
        && let Ok(component) = load_native(engine, &Native::Cached(&file))
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
pub(in crate::wasm) fn shipped(
    engine: &Engine,
    shipped: &Shipped,
) -> Result<Component, FailureKind> {
    let in_place = runs_in_place(shipped)
        .then(|| load_native(engine, &Native::Embedded(shipped.native)))
        .and_then(Result::ok);
    // A system may refuse to run a part of a program that was not linked to be run (SELinux knows such a rule).
    in_place
        .map_or_else(|| load_native(engine, &Native::Copied(shipped.native)), Ok)
        // It may not fit: a machine older than the baseline.
        .or_else(|_| compile(engine, shipped.wasm.to_vec()))
}

/// Whether a component's code may be run where it is: only by the first engine of this process that asks, since
/// wasmtime knows components by the addresses of their code.
fn runs_in_place(shipped: &Shipped) -> bool {
    static ASKED: Mutex<BTreeSet<[u8; 32]>> = Mutex::new(BTreeSet::new());
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    asked.insert(shipped.sha256)
}

/// The bytes of a user's component, of which there may be `limit`.
pub(in crate::wasm) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FailureKind> {
    let fault = |call, error: &std::io::Error| {
        FailureKind::Unreadable(OsError::from_io(call, path.display().to_string(), error))
    };
    let file = std::fs::File::open(path).map_err(|error| fault("open", &error))?;
    let size = file
        .metadata()
        .map_err(|error| fault("fstat", &error))?
        .len();
    if size > limit {
        return Err(FailureKind::TooLarge { size, limit });
    }
    // A pipe does not say how much is coming.
    let mut bytes = Vec::new();
    let most = limit.saturating_add(1);
    let size = std::io::Read::read_to_end(&mut std::io::Read::take(file, most), &mut bytes)
        .map_err(|error| fault("read", &error))? as u64;
    if size > limit {
        return Err(FailureKind::TooLarge { size, limit });
    }
    Ok(bytes)
}

/// Says what bytes are that are no component: wasmtime's own messages are for wasmtime's developers.
fn refuse_others(bytes: &[u8]) -> Result<(), FailureKind> {
    let not = |found, hint| Err(FailureKind::NotAComponent { found, hint });
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return not(
            "native code that was compiled ahead of time",
            "such code cannot be checked and is never loaded from a user; give the `.wasm` that it was made of",
        );
    }
    match bytes {
        [] => return not("an empty file", "was it cut off while it was copied?"),
        [b'\0', b'a', b's', b'm', 0x0d, 0, 1, 0, sections @ ..] => {
            if is_cut_off(sections) {
                return Err(FailureKind::CutOff { size: bytes.len() });
            }
        }
        [b'\0', b'a', b's', b'm', 1, 0, 0, 0, ..] => {
            return not(
                "a core module",
                "build for the target wasm32-wasip2, or wrap it with `wasm-tools component new`",
            );
        }
        [b'\0', b'a', b's', b'm', _, _, _, _, ..] => {
            return not(
                "WebAssembly of an unknown version",
                "build it with tools that make components of the version 0x1000d",
            );
        }
        _ if b"\0asm\x0d\0\x01\0".starts_with(bytes) => {
            return Err(FailureKind::CutOff { size: bytes.len() });
        }
        _ => {
            let start = bytes.trim_ascii_start();
            let known = OTHERS.iter().find(|(magic, ..)| start.starts_with(magic));
            let (_, found, hint) = known.unwrap_or(&SOMETHING_ELSE);
            return not(found, hint);
        }
    }
    Ok(())
}

/// A way in which files begin, what such a file is, and what helps.
type Other = (&'static [u8], &'static str, &'static str);

/// What people hand over in place of a component.
const OTHERS: [Other; 9] = [
    (
        b"(",
        "WebAssembly in its text form",
        "translate it with `wasm-tools parse`",
    ),
    (
        b";;",
        "WebAssembly in its text form",
        "translate it with `wasm-tools parse`",
    ),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS",
        "fetch what it points to with `git lfs pull`",
    ),
    (
        b"<",
        "a web page or XML",
        "a download that needs a login often ends like this",
    ),
    (b"\x1f\x8b", "compressed with gzip", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it"),
    (b"PK\x03\x04", "a zip archive", "unpack it"),
    (b"\x7fELF", "a program for Linux", "give the `.wasm` file"),
    (b"#!", "a script", "give the `.wasm` file that it makes"),
];

const SOMETHING_ELSE: Other = (
    b"",
    "something else",
    "a component begins with the bytes `\\0asm`",
);

/// Whether the last section of a component says that it is longer than the rest of the file. A section is a byte, its
/// length in LEB128 and its content.
fn is_cut_off(mut sections: &[u8]) -> bool {
    loop {
        let Some((_, rest)) = sections.split_first() else {
            return false;
        };
        let mut length = 0_u64;
        let mut digits = 0;
        // At most five digits of seven bits; what has more is not cut off but wrong.
        for digit in rest.iter().take(5) {
            length |= u64::from(digit & 0x7f) << (7 * digits);
            digits += 1;
            if digit & 0x80 == 0 {
                break;
            }
        }
        if digits == 0 || (digits < 5 && rest[digits - 1] & 0x80 != 0) {
            return true;
        }
        match usize::try_from(length)
            .ok()
            .and_then(|length| rest[digits..].get(length..))
        {
            Some(behind) => sections = behind,
            None => return true,
        }
    }
}

/// Where native code may come from.
enum Native<'a> {
    /// From this executable; it is run where it is.
    Embedded(&'static Pages),
    /// The same, copied.
    Copied(&'static Pages),
    /// From a file that only this user can write, and that is never changed once it has its name.
    Cached(&'a Path),
}

/// Loads native code.
#[expect(
    unsafe_code,
    reason = "the only way to load native code; see the argument below"
)]
fn load_native(engine: &Engine, code: &Native<'_>) -> wasmtime::Result<Component> {
    // SAFETY: the code must come unchanged from wasmtime's own compiler.
    // Embedded: the build script got it from `precompile_component` and put it into this very executable; whoever
    // can change it can change the executable. It lives as long as the program, and nothing writes to it: it is a
    // constant.
    // Cached: this program got it from `serialize` and put it, by a rename, into a folder that belongs to this user
    // and that nobody else can write to (`Cache::open` and `Cache::find` make sure of that); whoever can
    // change it can run programs as this user anyway.
    // Wasmtime itself refuses code of other versions and settings.
    unsafe {
        match code {
            Native::Embedded(pages) => {
                Component::deserialize_raw(&engine.inner, NonNull::from(&pages.0))
            }
            Native::Copied(pages) => Component::deserialize(&engine.inner, &pages.0),
            Native::Cached(path) => Component::deserialize_file(&engine.inner, path),
        }
    }
}

/// How an engine makes code executable; nothing if wasmtime does it by itself.
///
/// Wasmtime does not touch memory that it has not mapped itself, so for code that is run where it lies in this program somebody
/// else has to. On other processors there is more to it than a protection, so there such code is copied.
pub(in crate::wasm) fn memory() -> Option<Arc<dyn CustomCodeMemory>> {
    cfg!(target_arch = "x86_64").then(|| Arc::new(Protection) as _)
}

struct Protection;

impl CustomCodeMemory for Protection {
    fn required_alignment(&self) -> usize {
        rustix::param::page_size()
    }

    fn publish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        protect(start, length, MprotectFlags::READ | MprotectFlags::EXEC)
    }

    fn unpublish_executable(&self, start: *const u8, length: usize) -> wasmtime::Result<()> {
        protect(start, length, MprotectFlags::READ)
    }
}

/// Says what may be done with pages of code. Writing to them is never among it.
#[expect(
    unsafe_code,
    reason = "the only way to run code where it is; see the argument below"
)]
fn protect(start: *const u8, length: usize, to: MprotectFlags) -> wasmtime::Result<()> {
    // SAFETY: nobody may need more of these pages than they allow afterwards. Wasmtime calls this for the code of a component and
    // nothing else, whole pages; it has either mapped them itself, or they are a constant of this program, which
    // is only ever read ([`Native::Embedded`]). Both stay readable.
    Ok(unsafe { rustix::mm::mprotect(start.cast_mut().cast(), length, to) }?)
}

#[cfg(test)]
mod tests {
    use super::is_cut_off;

    #[test]
    fn sections_say_how_long_they_are() {
        let long = [&[0, 0x80, 0x01][..], &[0; 128]].concat();
        assert!(!is_cut_off(&[]) && !is_cut_off(&[0, 1, 7]) && !is_cut_off(&long));
        for cut in 1..long.len() {
            assert!(is_cut_off(&long[..cut]), "{cut}");
        }
        // A second section that is cut off, and a length without an end.
        assert!(is_cut_off(&[0, 1, 7, 0]) && is_cut_off(&[0, 1, 7, 0, 2, 7]));
        assert!(is_cut_off(&[0, 0x80]));
    }
}
