//! A process that makes some runs.

use std::env;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::case::Case;

/// Which role; that it is set makes a worker of a process.
pub(crate) const ROLE: &str = "REGCARVE_WORKER_ROLE";
/// The component.
pub(crate) const PROGRAM: &str = "REGCARVE_WORKER_PROGRAM";
/// The seed of the first run; the next ones count up from it.
pub(crate) const SEED: &str = "REGCARVE_WORKER_SEED";
/// How many runs there are.
pub(crate) const RUNS: &str = "REGCARVE_WORKER_RUNS";

/// More than a run takes on the slowest machine.
const IN_TIME: Duration = Duration::from_secs(10);

/// The last panic of any thread.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Makes the runs; says each before it begins, so that the last one is known whatever it does.
pub(crate) fn work(role: &str) -> ExitCode {
    let number = |name| env::var(name).unwrap().parse::<u64>().unwrap();
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap() = Some(panic.to_string().replace('\n', " "));
    }));
    let case = Case::new(&env::var(PROGRAM).unwrap());
    for seed in (number(SEED)..).take(number(RUNS) as usize) {
        say(&format!("run {seed}"));
        let began = Instant::now();
        let result = case.run(role, &bytes(role, seed));
        let result = match PANIC.lock().unwrap().take() {
            Some(panic) => Err(format!("a panic: {panic}")),
            None => result,
        };
        match result {
            Ok(code) => say(&format!("code {code}")),
            Err(problem) => {
                say(&format!("seed {seed}: {problem}"));
                return ExitCode::FAILURE;
            }
        }
        if began.elapsed() > IN_TIME {
            say(&format!("seed {seed}: it took {:?}", began.elapsed()));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// The bytes of a seed: `splitmix64`, which needs no crate.
fn bytes(role: &str, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    // A tag takes no more.
    let most = if role == "writer" { 63 } else { 400 };
    let length = next() as usize % most + 1;
    (0..length).map(|_| next() as u8).collect()
}
