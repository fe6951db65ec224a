//! Clocks that stand still, and random numbers that repeat.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{HostWallClock, WasiView, async_trait};

use crate::wasm::state::State;

/// How finely the clocks pretend to measure.
const RESOLUTION: Duration = Duration::from_secs(1);

/// A wall clock that always shows the same time, since 1970.
#[derive(Clone, Copy)]
pub(super) struct Still(pub(super) Duration);

impl HostWallClock for Still {
    fn resolution(&self) -> Duration {
        RESOLUTION
    }

    fn now(&self) -> Duration {
        self.0
    }
}

/// Links the clock that counts, in place of wasmtime's own: that one sleeps for real when a guest waits for a time.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    monotonic_clock::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.meter.count_calls(1)?;
        Ok(0)
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        self.meter.count_calls(1)?;
        Ok(u64::try_from(RESOLUTION.as_nanos()).unwrap_or(u64::MAX))
    }

    fn subscribe_instant(
        &mut self,
        _when: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        let table = self.ctx().table;
        let now = table.push(Now)?;
        subscribe(table, now)
    }

    fn subscribe_duration(
        &mut self,
        duration: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_instant(duration)
    }
}

/// Any time that a guest waits for.
struct Now;

#[async_trait]
impl Pollable for Now {
    async fn ready(&mut self) {}
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
        let digest = crate::hash::digest(regcarve_types::Algorithm::Sha512, &[block]);
        digest.as_bytes().to_vec()
    });
    Deterministic::new(bytes.collect())
}
