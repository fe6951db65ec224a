// Read by two programs: the build script compiles the shipped components with it, the host loads
// them with it. Every setting here becomes part of the compiled code, and wasmtime refuses code that was
// compiled with other settings; so there is one copy. (No `//!` header: the build script includes this file.)

use wasmtime::{Config, OptLevel, Strategy};

/// Address space that a linear memory gets at once, in bytes. Memories that grow past it are moved. Wasmtime's own
/// default is 4 GiB, which saves bounds checks but fails under `ulimit -v` and in small
/// containers; a handful of instances at 64 MiB fits everywhere.
const MEMORY_RESERVATION: u64 = 64 << 20;

/// Address space that a linear memory gets beyond its size when it is moved: enough that one of the default limit is
/// moved once. Without it a memory that grows page by page would be copied page by page, ten seconds until it is full;
/// and while it is copied it is there twice.
const MEMORY_FOR_GROWTH: u64 = 192 << 20;

/// Unmapped bytes behind a linear memory, to let the compiler leave out some checks.
const MEMORY_GUARD: u64 = 64 << 10;

/// The stack of a guest, in bytes; endless recursion ends here. Threads that run guests must have more.
const MAX_WASM_STACK: usize = 512 << 10;

/// How code is made and run, for the shipped components and for those of users alike.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // The time limit: checked at loop heads and function entries, about a tenth of the guest's speed.
        .epoch_interruption(true)
        .memory_reservation(MEMORY_RESERVATION)
        .memory_reservation_for_growth(MEMORY_FOR_GROWTH)
        .memory_guard_size(MEMORY_GUARD)
        .memory_may_move(true)
        .max_wasm_stack(MAX_WASM_STACK)
        // The same answers on every machine.
        .cranelift_nan_canonicalization(true)
        // Features that no component needs are only attack surface.
        .concurrency_support(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        // Smaller and faster to load; a guest's panic reaches the log by its own hook.
        .generate_address_map(false)
        .native_unwind_info(false)
        // The default reads the environment.
        .wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable);
    config
}
