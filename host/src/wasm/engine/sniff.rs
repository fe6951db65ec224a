//! Kinds of files that are given in place of a component, told by their first bytes.
//!
//! Wasmtime's own messages about such files are for wasmtime's developers.

use crate::error::FailureKind;

/// Refuses bytes that cannot be a component, with a message that says what they are.
pub(in crate::wasm) fn check(bytes: &[u8]) -> Result<(), FailureKind> {
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
            if is_truncated(sections) {
                return Err(FailureKind::Truncated { size: bytes.len() });
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
            return Err(FailureKind::Truncated { size: bytes.len() });
        }
        _ => {
            let start = bytes.trim_ascii_start();
            let known = KNOWN.iter().find(|known| start.starts_with(known.magic));
            let KnownMagic { kind, hint, .. } = known.unwrap_or(&SOMETHING_ELSE);
            return not(kind, hint);
        }
    }
    Ok(())
}

/// A kind of file, by its first bytes, and what helps a user who has it in place of a component.
struct KnownMagic {
    magic: &'static [u8],
    kind: &'static str,
    hint: &'static str,
}

/// Files that people give in place of a component.
const KNOWN: [KnownMagic; 9] = [
    KnownMagic {
        magic: b"(",
        kind: "WebAssembly in its text form",
        hint: "translate it with `wasm-tools parse`",
    },
    KnownMagic {
        magic: b";;",
        kind: "WebAssembly in its text form",
        hint: "translate it with `wasm-tools parse`",
    },
    KnownMagic {
        magic: b"version https://git-lfs",
        kind: "a pointer of Git LFS",
        hint: "fetch what it points to with `git lfs pull`",
    },
    KnownMagic {
        magic: b"<",
        kind: "a web page or XML",
        hint: "a download that needs a login often ends like this",
    },
    KnownMagic {
        magic: b"\x1f\x8b",
        kind: "compressed with gzip",
        hint: "unpack it",
    },
    KnownMagic {
        magic: b"\x28\xb5\x2f\xfd",
        kind: "compressed with zstd",
        hint: "unpack it",
    },
    KnownMagic {
        magic: b"PK\x03\x04",
        kind: "a zip archive",
        hint: "unpack it",
    },
    KnownMagic {
        magic: b"\x7fELF",
        kind: "a program for Linux",
        hint: "give the `.wasm` file",
    },
    KnownMagic {
        magic: b"#!",
        kind: "a script",
        hint: "give the `.wasm` file that it makes",
    },
];

const SOMETHING_ELSE: KnownMagic = KnownMagic {
    magic: b"",
    kind: "something else",
    hint: "a component begins with the bytes `\\0asm`",
};

/// Tells whether the last section of a component is longer than the rest of the file. A section is a byte, its length
/// in LEB128 and its content.
fn is_truncated(mut sections: &[u8]) -> bool {
    loop {
        let Some((_, rest)) = sections.split_first() else {
            return false;
        };
        let mut length = 0_u64;
        let mut digits = 0;
        // At most five digits of seven bits; a longer length is not truncated but wrong.
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

#[cfg(test)]
mod tests {
    use super::is_truncated;

    #[test]
    fn sections_say_how_long_they_are() {
        let long = [&[0, 0x80, 0x01][..], &[0; 128]].concat();
        assert!(!is_truncated(&[]) && !is_truncated(&[0, 1, 7]) && !is_truncated(&long));
        for cut in 1..long.len() {
            assert!(is_truncated(&long[..cut]), "{cut}");
        }
        // A truncated second section, and a length without an end.
        assert!(is_truncated(&[0, 1, 7, 0]) && is_truncated(&[0, 1, 7, 0, 2, 7]));
        assert!(is_truncated(&[0, 0x80]));
    }
}
