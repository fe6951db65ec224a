//! What a run asks of the kernel: a good one asks for nothing that it should not have, and is refused nothing.

use std::fs;
use std::process::Command;

use regcarve_test_support::binary::Runs as _;
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::{programs, tools};

/// A call, as strace writes it with `-f -y`: `[pid ]name(arguments) = answer`.
fn calls(trace: &str) -> impl Iterator<Item = (&str, &str)> {
    trace.lines().filter_map(|line| {
        let line = line
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start();
        line.split_once('(')
    })
}

#[test]
fn a_run_has_the_least_rights() {
    if !tools::require(&["strace"]) || !super::landlock() {
        return;
    }
    let (folder, storage) = super::world();
    let source = storage.root().display().to_string();
    let before = Snapshot::take(storage.root());
    let output = folder.path().join("out");
    let trace = folder.path().join("trace");
    let report = folder.path().join("report.json");
    // A component that has to be compiled: the compiler starts threads.
    let component = programs::example_policy();
    for round in ["new", "replaced"] {
        let outcome = Command::new("strace")
            .args(["-f", "-y", "-qq", "-s", "4096", "-o"])
            .arg(&trace)
            .arg(env!("CARGO_BIN_EXE_regcarve"))
            .args([
                "run",
                "--all",
                "--replace",
                "--no-cache",
                "--sandbox",
                "require",
            ])
            .arg("--policy")
            .arg(&component)
            .arg("--report")
            .arg(&report)
            .arg(format!("registry:{source}"))
            .arg(format!("registry:{}", output.display()))
            .outcome();
        outcome.assert_code(0);
        check(&fs::read_to_string(&trace).unwrap(), round);
        assert_same(&before, &Snapshot::take(storage.root()));
    }
}

fn check(trace: &str, round: &str) {
    let mut counted = 0;
    let (mut programs, mut fenced) = (0, false);
    let mut threads = 0_i32;
    for (name, rest) in calls(trace) {
        counted += 1;
        let call = format!("{round}: {name}({rest}");
        match name {
            "execve" => programs += 1,
            "clone" | "clone3" => threads += 1,
            "exit" => threads -= 1,
            "landlock_restrict_self" => {
                assert!(rest.ends_with("= 0"), "{call}");
                assert_eq!(threads, 0, "threads before the wall");
                fenced = true;
            }
            "open" | "openat" | "openat2" | "creat" => {
                let writes =
                    name == "creat" || rest.contains("O_WRONLY") || rest.contains("O_RDWR");
                let ours = rest.contains(".out.partial-") && rest.contains("O_EXCL");
                let early = rest.contains("report.json") || rest.contains(".out.regcarve");
                assert!(
                    !writes || ours || early && !fenced,
                    "opened for writing: {call}"
                );
                assert!(!rest.contains("O_TRUNC"), "cuts: {call}");
            }
            // The staging directory is made accessible to others when it is complete; and a stamp's mode is set to what it
            // is, for the time of that.
            "fchmod" => {
                let stamp = rest.contains(".out.regcarve/stamp") && !fenced;
                assert!(rest.contains(".out.partial-") || stamp, "{call}");
            }
            // A policy that could look at a clock leaves no stamp.
            "unlink" | "unlinkat" | "rmdir" => {
                let stamp = rest.contains(".out.regcarve");
                assert!(rest.contains(".out.partial-") || stamp, "removes: {call}");
            }
            _ => {
                let forbidden = [
                    "chmod",
                    "fchmodat",
                    "fchmodat2",
                    "chown",
                    "lchown",
                    "fchown",
                    "fchownat",
                    "utime",
                    "utimes",
                    "utimensat",
                    "futimesat",
                    "setxattr",
                    "lsetxattr",
                    "fsetxattr",
                    "setxattrat",
                    "truncate",
                    "socket",
                    "connect",
                    "bind",
                    "sendto",
                    "sendmsg",
                    "ptrace",
                    "symlink",
                    "symlinkat",
                    "mknod",
                    "mknodat",
                    "io_uring_setup",
                    "fork",
                    "vfork",
                ];
                assert!(!forbidden.contains(&name), "{call}");
            }
        }
        // Behind the wall nothing is asked for in vain.
        let refused = ["EACCES", "EPERM"].iter().any(|errno| rest.contains(errno));
        assert!(!(fenced && refused), "refused: {call}");
    }
    assert!(counted > 100, "{counted} calls are not a run");
    assert!(fenced, "there was no wall");
    assert_eq!(programs, 1, "programs started");
}
