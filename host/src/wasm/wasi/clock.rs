//! Time and chance, without either.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

/// A clock that always shows the same time: since 1970 on the wall, and as the other clock's count.
#[derive(Clone, Copy)]
pub(super) struct Still(pub(super) Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for Still {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// `SOURCE_DATE_EPOCH`, the convention of reproducible builds, or the start of the run.
pub(super) fn start() -> Duration {
    static START: OnceLock<Duration> = OnceLock::new();
    *START.get_or_init(|| {
        std::env::var("SOURCE_DATE_EPOCH")
            .ok()
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs)
            .or_else(|| {
                SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .ok()
            })
            .unwrap_or_default()
    })
}

/// Numbers that look random and are the same in every run: a policy that uses them decides the same twice.
pub(super) fn seeded() -> Deterministic {
    let bytes = (0..64u8).flat_map(|block| {
        let digest = crate::hash::digest(regcarve_names::Algorithm::Sha512, &[block]);
        digest.as_bytes().to_vec()
    });
    Deterministic::new(bytes.collect())
}
