//! The meter of an instance: counts what it uses up, and stops it at its limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::error::LimitExceeded;
use crate::wasm::engine::limits::{CALL_UNIT, Limits, MAX_MEMORIES, MAX_TABLES};

/// Time between two ticks of the clock that the time limit is measured with.
pub(in crate::wasm) const TICK: Duration = Duration::from_millis(10);

/// Ticks since the engine was made.
pub(in crate::wasm) type Ticks = Arc<AtomicU64>;

/// Time, calls, memory and tables that one instance has used.
pub(in crate::wasm) struct Meter {
    limits: Limits,
    memory: usize,
    table_elements: usize,
    calls: u64,
    ticks: Ticks,
    /// The tick at which the current call into the guest began.
    began: u64,
    /// Ticks of the current call that fell into calls to the host. A sample every [`TICK`], which is all that
    /// a limit of seconds needs, at the price of reading a counter.
    in_host: u64,
}

impl Meter {
    pub(in crate::wasm) fn new(limits: Limits, ticks: Ticks) -> Self {
        Self {
            limits,
            memory: 0,
            table_elements: 0,
            calls: 0,
            ticks,
            began: 0,
            in_host: 0,
        }
    }

    pub(in crate::wasm) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Begins a call into the guest. Returns after how many ticks to ask [`Meter::ticks_left`].
    pub(in crate::wasm) fn guest_call_begins(&mut self) -> u64 {
        self.began = self.now();
        self.in_host = 0;
        self.limit_in_ticks()
    }

    /// Ticks that the guest may still run, or the limit that it has exceeded. Calls that were counted and could not be
    /// refused at once are refused here.
    pub(in crate::wasm) fn ticks_left(&self) -> Result<u64, LimitExceeded> {
        if self.calls > self.limits.calls {
            return Err(LimitExceeded::Calls(self.limits.calls));
        }
        let used = (self.now() - self.began).saturating_sub(self.in_host);
        match self.limit_in_ticks().checked_sub(used) {
            None | Some(0) => Err(LimitExceeded::Time(self.limits.time)),
            Some(left) => Ok(left),
        }
    }

    /// Begins a call of the guest into the host. Returns the tick for [`Meter::host_call_ends`].
    pub(in crate::wasm) fn host_call_begins(&mut self) -> Result<u64, LimitExceeded> {
        self.count_calls(1)?;
        Ok(self.now())
    }

    /// Ends the call into the host that began at tick `since`.
    pub(in crate::wasm) fn host_call_ends(&mut self, since: u64) {
        self.in_host += self.now() - since;
    }

    /// Counts calls that take no time worth measuring.
    pub(in crate::wasm) fn count_calls(&mut self, calls: u64) -> Result<(), LimitExceeded> {
        self.calls = self.calls.saturating_add(calls);
        if self.calls > self.limits.calls {
            return Err(LimitExceeded::Calls(self.limits.calls));
        }
        Ok(())
    }

    /// Counts bytes that the host has read or written for the guest. If they are too many, the next call is refused.
    pub(in crate::wasm) fn charge_bytes(&mut self, bytes: usize) {
        self.calls = self.calls.saturating_add((bytes / CALL_UNIT) as u64);
    }

    fn limit_in_ticks(&self) -> u64 {
        u64::try_from(self.limits.time.as_millis() / TICK.as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let limit = self.limits.memory;
        let requested = self.memory + desired.saturating_sub(current);
        if requested > limit {
            return Err(LimitExceeded::Memory { requested, limit }.into());
        }
        self.memory = requested;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let limit = self.limits.table_elements;
        let requested = self.table_elements + desired.saturating_sub(current);
        if requested > limit {
            return Err(LimitExceeded::Table { requested, limit }.into());
        }
        self.table_elements = requested;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        MAX_TABLES
    }

    fn memories(&self) -> usize {
        MAX_MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use wasmtime::ResourceLimiter as _;

    use super::{CALL_UNIT, LimitExceeded, Limits, Meter, Ticks};

    /// A tenth of a second, 1000 bytes, 100 elements, 10 calls.
    fn small() -> Limits {
        Limits {
            time: Duration::from_millis(100),
            memory: 1_000,
            table_elements: 100,
            instances: 7,
            call_bytes: 50,
            calls: 10,
            ..Limits::default()
        }
    }

    fn meter(limits: Limits) -> (Meter, Ticks) {
        let ticks = Arc::new(AtomicU64::new(1_000));
        let meter = Meter::new(limits, Arc::clone(&ticks));
        (meter, ticks)
    }

    #[test]
    fn only_the_time_of_the_guest_counts() {
        let (mut meter, ticks) = meter(small());
        let pass = |count| ticks.fetch_add(count, Ordering::Relaxed);
        assert_eq!(meter.guest_call_begins(), 10);
        pass(4);
        assert!(matches!(meter.ticks_left(), Ok(6)));
        let since = meter.host_call_begins().unwrap();
        pass(100);
        meter.host_call_ends(since);
        assert!(matches!(meter.ticks_left(), Ok(6)));
        let since = meter.host_call_begins().unwrap();
        pass(3);
        meter.host_call_ends(since);
        pass(5);
        assert!(matches!(meter.ticks_left(), Ok(1)));
        pass(1);
        let exceeded = meter.ticks_left().unwrap_err().to_string();
        assert_eq!(exceeded, "it ran for more than 0.1 s in one call");
        pass(50);
        assert!(matches!(meter.ticks_left(), Err(LimitExceeded::Time(_))));
        // The next call has its own time.
        assert_eq!(meter.guest_call_begins(), 10);
        assert!(matches!(meter.ticks_left(), Ok(10)));
    }

    #[test]
    fn no_time_at_all_is_one_tick() {
        let (mut meter, _) = meter(Limits {
            time: Duration::ZERO,
            ..small()
        });
        assert_eq!(meter.guest_call_begins(), 1);
    }

    #[test]
    fn calls_are_counted_and_the_bytes_that_they_move() {
        let (mut one, _) = meter(small());
        for _ in 0..10 {
            let since = one.host_call_begins().unwrap();
            one.host_call_ends(since);
        }
        assert!(matches!(
            one.host_call_begins(),
            Err(LimitExceeded::Calls(10))
        ));
        assert!(matches!(one.ticks_left(), Err(LimitExceeded::Calls(10))));

        let (mut other, _) = meter(small());
        other.guest_call_begins();
        other.charge_bytes(CALL_UNIT - 1);
        other.charge_bytes(9 * CALL_UNIT);
        other.count_calls(1).unwrap();
        assert!(other.ticks_left().is_ok());
        assert!(matches!(
            other.count_calls(1),
            Err(LimitExceeded::Calls(10))
        ));
    }

    #[test]
    fn memories_and_tables_are_added_up() {
        let (mut meter, _) = meter(small());
        assert!(meter.memory_growing(0, 600, None).is_ok_and(|grows| grows));
        assert!(meter.memory_growing(0, 300, None).is_ok_and(|grows| grows));
        assert!(
            meter
                .memory_growing(300, 400, None)
                .is_ok_and(|grows| grows)
        );
        let error = meter.memory_growing(600, 601, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it asked for 1001 bytes of memory; 1000 are allowed"
        );
        assert!(meter.table_growing(0, 60, None).is_ok_and(|grows| grows));
        assert!(meter.table_growing(60, 70, None).is_ok_and(|grows| grows));
        assert!(meter.table_growing(0, 30, None).is_ok_and(|grows| grows));
        let error = meter.table_growing(70, 71, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it asked for tables of 101 elements; 100 are allowed"
        );
        assert_eq!(
            (meter.instances(), meter.tables(), meter.memories()),
            (7, 64, 8)
        );
        assert_eq!(meter.limits(), &small());
    }
}
