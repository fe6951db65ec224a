//! The system calls of a good run: it asks for nothing that it should not have, and is refused nothing.

use std::fs;
use std::process::Command;

use regcarve_test_support::binary::{self, Runs as _};
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
    let fixture = super::three_images();
    let before = Snapshot::take(fixture.storage.root());
    let trace = fixture.path("trace");
    let report = fixture.path("report.json");
    // A component that has to be compiled: the compiler starts threads.
    let component = programs::example_policy();
    for round in ["new", "replaced"] {
        let outcome = Command::new("strace")
            .args(["-f", "-y", "-qq", "-s", "4096", "-o"])
            .arg(&trace)
            .arg(binary::path())
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
            .args([fixture.source(), fixture.spec("registry:out")])
            .outcome();
        outcome.assert_code(0);
        check(&fs::read_to_string(&trace).unwrap(), round);
        assert_same(&before, &Snapshot::take(fixture.storage.root()));
    }
}

fn check(trace: &str, round: &str) {
    let mut counted = 0;
    let (mut programs, mut restricted) = (0, false);
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
                assert_eq!(threads, 0, "threads before the restriction");
                restricted = true;
            }
            "open" | "openat" | "openat2" | "creat" => {
                let writes =
                    name == "creat" || rest.contains("O_WRONLY") || rest.contains("O_RDWR");
                let ours = rest.contains(".out.partial-") && rest.contains("O_EXCL");
                let early = rest.contains("report.json") && !restricted;
                assert!(!writes || ours || early, "opened for writing: {call}");
                assert!(!rest.contains("O_TRUNC"), "cuts: {call}");
            }
            // The staging directory is made accessible to others when it is complete.
            "fchmod" => assert!(rest.contains(".out.partial-"), "{call}"),
            "unlink" | "unlinkat" | "rmdir" => {
                assert!(rest.contains(".out.partial-"), "removes: {call}");
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
        // Under Landlock nothing is asked for in vain.
        let refused = ["EACCES", "EPERM"].iter().any(|errno| rest.contains(errno));
        assert!(!(restricted && refused), "refused: {call}");
    }
    assert!(counted > 100, "{counted} calls are not a run");
    assert!(restricted, "the process was not restricted");
    assert_eq!(programs, 1, "programs started");
}
