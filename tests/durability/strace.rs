//! `strace` records system calls, and makes them fail.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The system calls that read and make storages.
pub(crate) const FILE_CALLS: [&str; 14] = [
    "openat",
    "openat2",
    "linkat",
    "mkdirat",
    "renameat2",
    "write",
    "fsync",
    "syncfs",
    "statx",
    "newfstatat",
    "fstat",
    "getdents64",
    "close",
    "read",
];

/// The arguments of a command behind `strace` with these options, which writes to `log`.
pub(crate) fn under(options: &[String], log: &Path, command: &Command) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o"]).arg(log).args(options);
    strace
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    strace
}

/// Runs a command that must succeed; answers its calls of these names, in order, each as strace writes it. A call that
/// another thread interrupts in the log counts where it ends.
pub(crate) fn trace(calls: &str, command: &Command) -> Vec<Call> {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let output = under(&["-e".into(), format!("trace={calls}")], &log, command)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    read(&fs::read_to_string(&log).unwrap())
}

/// A call in a log.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) thread: String,
    pub(crate) name: String,
    /// From the name on.
    pub(crate) text: String,
}

pub(crate) fn read(log: &str) -> Vec<Call> {
    let mut begun: HashMap<&str, &str> = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, text)) = line.split_once(' ') else {
            continue;
        };
        let text = text.trim_start();
        if let Some(start) = text.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, start);
            continue;
        }
        let text = match (text.strip_prefix("<... "), begun.remove(thread)) {
            (Some(rest), Some(start)) => {
                let rest = rest.split_once("resumed>").map_or("", |(_, rest)| rest);
                format!("{start}{rest}")
            }
            _ => text.to_owned(),
        };
        if let Some((name, _)) = text.split_once('(')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            let (thread, name) = (thread.to_owned(), name.to_owned());
            calls.push(Call { thread, name, text });
        }
    }
    calls
}

/// How often each call is made by the thread that makes it most. `strace` counts for each thread by itself.
pub(crate) fn counts(calls: &[Call]) -> HashMap<String, usize> {
    let mut of_threads: HashMap<(&str, &str), usize> = HashMap::new();
    for call in calls {
        *of_threads.entry((&call.thread, &call.name)).or_default() += 1;
    }
    let mut most: HashMap<String, usize> = HashMap::new();
    for ((_, name), count) in of_threads {
        let known = most.entry(name.to_owned()).or_default();
        *known = count.max(*known);
    }
    most
}

/// The n-th call of this name in a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) call: &'static str,
    pub(crate) when: usize,
}

/// Every call of these that a run makes.
pub(crate) fn points(calls: &[&'static str], command: &Command) -> Vec<Point> {
    let counts = counts(&trace(&calls.join(","), command));
    let of = |call: &&'static str| {
        let call = *call;
        (1..=counts.get(call).copied().unwrap_or(0)).map(move |when| Point { call, when })
    };
    calls.iter().flat_map(of).collect()
}

impl Point {
    /// The options that make strace do something at this point, such as `error=EIO` or `signal=KILL`.
    pub(crate) fn options(self, what: &str) -> Vec<String> {
        let Self { call, when } = self;
        vec![
            "-e".into(),
            format!("trace={call}"),
            "-e".into(),
            format!("inject={call}:{what}:when={when}"),
        ]
    }
}

/// At most `count` of them, evenly spread.
pub(crate) fn sample<T: Clone>(all: &[T], count: usize) -> Vec<T> {
    let count = count.min(all.len());
    let at = |position: usize| all[position * all.len() / count].clone();
    (0..count).map(at).collect()
}
