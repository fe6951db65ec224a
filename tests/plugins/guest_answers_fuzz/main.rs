//! Arbitrary answers of a component in each role, in whole runs with real components.
//!
//! The guests in `tests/programs/fuzz` make answers of the bytes that they are lent: most of them nearly right. Whatever they
//! answer, a run ends in time, with a code that the README knows, without a panic and without an "internal error"; it
//! publishes everything or nothing; and the source is what it was.
//!
//! ```sh
//! cargo test --release --locked --test guest_answers_fuzz                           # a few seconds for each role
//! REGCARVE_FUZZ_SECONDS=600 cargo test --release --locked --test guest_answers_fuzz # ten minutes for each role
//! ```
//!
//! `REGCARVE_FUZZ_ROLES=reader,policy` leaves out the others. What is found stands in the last line, as a seed: it is added to
//! [`KNOWN`] when it is repaired.
//!
//! Runs are made inside of worker processes, each of which makes some: a run that ends well does not tidy up its memory, and a
//! run that ends badly may take the process along.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod case;
mod worker;

use std::env;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// All roles.
const ROLES: [&str; 4] = ["selector", "reader", "policy", "writer"];

/// Seeds that once made a run go wrong; tried first.
const KNOWN: &[(&str, u64)] = &[];

/// Seconds for each role in a usual run.
const SHORT: u64 = 3;

/// How many runs a worker makes.
const RUNS: u64 = 60;

fn main() -> ExitCode {
    if let Some(role) = env::var_os(worker::ROLE) {
        return worker::work(role.to_str().expect("the name of a role"));
    }
    // A test that is asked for its name, or for another one.
    if env::args().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let seconds = env::var("REGCARVE_FUZZ_SECONDS").map_or(SHORT, |text| text.parse().unwrap());
    let roles = env::var("REGCARVE_FUZZ_ROLES").unwrap_or_else(|_| ROLES.join(","));
    let found: usize = ROLES
        .into_iter()
        .filter(|role| roles.split(',').any(|wanted| wanted == *role))
        .map(|role| fuzz(role, Duration::from_secs(seconds)))
        .sum();
    ExitCode::from(u8::from(found > 0))
}

/// Lets workers run for a while; returns how many of them found something.
fn fuzz(role: &str, time: Duration) -> usize {
    let program = regcarve_test_support::programs::program(&format!("fuzz-{role}"));
    let began = Instant::now();
    let known = KNOWN.iter().filter(|(known, _)| *known == role);
    let mut seeds: Vec<_> = known.map(|(_, seed)| (*seed, 1)).collect();
    // Other ones each time, unless a seed is asked for.
    let first = env::var("REGCARVE_FUZZ_SEED").map_or_else(
        |_| u64::from(std::process::id()) << 32,
        |text| text.parse().unwrap(),
    );
    seeds.push((first, RUNS));
    let (mut runs, mut ends, mut found) = (0, [0; 8], 0);
    while let Some((seed, count)) = seeds.pop() {
        let output = Command::new(env::current_exe().expect("this program"))
            .env(worker::ROLE, role)
            .env(worker::PROGRAM, &program)
            .env(worker::SEED, seed.to_string())
            .env(worker::RUNS, count.to_string())
            .stderr(Stdio::null())
            .output()
            .expect("start a worker");
        let said = String::from_utf8_lossy(&output.stdout);
        let last = said.lines().last().unwrap_or_default();
        runs += said.lines().filter(|line| line.starts_with("run ")).count();
        for line in said.lines().filter_map(|line| line.strip_prefix("code ")) {
            ends[line.parse::<usize>().unwrap_or(0).min(7)] += 1;
        }
        if !output.status.success() {
            found += 1;
            println!("{role}: FOUND ({}) {last}", output.status);
        }
        if seeds.is_empty() && began.elapsed() < time && found < 10 {
            seeds.push((seed + RUNS, RUNS));
        }
    }
    println!("{role}: {runs} runs, {found} findings; runs by exit code 0 to 7: {ends:?}");
    found
}
