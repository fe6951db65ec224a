//! The digits of a digest, on the stack.
//!
//! Paths and messages need the digits of a hash a million times in a run; none of them is worth an
//! allocation.

use std::fmt;
use std::ops::Deref;

use data_encoding::HEXLOWER;

use super::LONGEST_HASH;

/// The hexadecimal digits of a digest; used like a `&str`.
#[derive(Clone, Copy)]
pub struct HexText {
    digits: [u8; 2 * LONGEST_HASH],
    length: usize,
}

impl HexText {
    /// Writes out `hash`, which is not longer than [`LONGEST_HASH`].
    pub(super) fn of(hash: &[u8]) -> Self {
        let (mut digits, length) = ([0; 2 * LONGEST_HASH], 2 * hash.len());
        HEXLOWER.encode_mut(hash, &mut digits[..length]);
        Self { digits, length }
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        // Only hexadecimal digits are ever stored, so the fallback is never taken.
        std::str::from_utf8(&self.digits[..self.length]).unwrap_or_default()
    }
}

impl Deref for HexText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for HexText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for HexText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
