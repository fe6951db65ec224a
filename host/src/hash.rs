//! Digests of bytes and files.
//!
//! Hashing is always done by the host, with the CPU's SHA instructions where it has them.

use std::io::Read;

use regcarve_types::{Algorithm, Digest};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// The state of one digest algorithm.
enum Hasher {
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha384 => Self::Sha384(Sha384::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha384(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Digest {
        match self {
            Self::Sha256(hasher) => Digest::sha256(hasher.finalize().into()),
            Self::Sha384(hasher) => Digest::sha384(hasher.finalize().into()),
            Self::Sha512(hasher) => Digest::sha512(hasher.finalize().into()),
        }
    }
}

/// The digest of some bytes.
pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

/// Bytes in one read of a file: large enough that the calls do not count, small enough for the second-level cache.
pub const PIECE: usize = 256 * 1024;

/// The digest of a file from its current position to its end. `buffer` holds one read at a time, and `progress` is
/// called with the number of bytes of each.
pub fn digest_of(
    algorithm: Algorithm,
    mut file: impl Read,
    buffer: &mut [u8],
    mut progress: impl FnMut(u64),
) -> std::io::Result<Digest> {
    let mut hasher = Hasher::new(algorithm);
    loop {
        match file.read(buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                progress(count as u64);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
