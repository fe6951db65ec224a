//! Small machines: few open files, little address space, an ordinary user, any umask.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Command;

use regcarve_test_support::binary::{self, Runs as _};
use regcarve_test_support::docs::repository;
use regcarve_test_support::fixture::{Fixture, registry};
use regcarve_test_support::tools;
use regcarve_test_support::tree::{assert_carved, walk};

use crate::trial::Trial;

const USER: u32 = 1000;
/// Processes are counted for each user: the user with few of them is that of one test.
const LONER: u32 = 1047;

/// How a command is started as another user.
fn as_user(user: u32) -> [String; 7] {
    let user = &*user.to_string();
    [
        "setpriv",
        "--reuid",
        user,
        "--regid",
        user,
        "--clear-groups",
        "--",
    ]
    .map(String::from)
}

/// How a small machine starts a program: a shell script that ends in running its arguments.
#[derive(Clone, Copy)]
struct Machine {
    name: &'static str,
    script: &'static str,
}

const LIMITS: [Machine; 5] = [
    Machine::new("64 open files", r#"ulimit -n 64; exec "$@""#),
    Machine::new("2 GiB of address space", r#"ulimit -v 2097152; exec "$@""#),
    Machine::new("4 MiB of stack", r#"ulimit -s 4096; exec "$@""#),
    Machine::new(
        "all three, and nothing for others",
        r#"umask 077; ulimit -n 64; ulimit -v 2097152; ulimit -s 4096; exec "$@""#,
    ),
    Machine::new("everything for others", r#"umask 000; exec "$@""#),
];

impl Machine {
    const fn new(name: &'static str, script: &'static str) -> Self {
        Self { name, script }
    }

    fn run(self, arguments: &[&str], user: bool) -> Command {
        let mut command = Command::new("sh");
        command.args(["-ec", self.script, "sh"]);
        if user {
            command.args(as_user(USER));
        }
        command.arg(binary::path()).args(arguments);
        command
    }

    /// Lists, plans, carves with few and many jobs, verifies.
    fn prove(self, source: &Path, folder: &Path, user: bool) {
        let (storage, output) = (registry(source), folder.join("output"));
        let all: [&[&str]; 6] = [
            &["list", "--long", &storage],
            &["plan", "--all", &storage],
            &["run", "--all", &storage, &registry(&output)],
            &[
                "run",
                "--all",
                "--jobs",
                "8",
                "--replace",
                "--verify",
                "full",
                &storage,
                &registry(&output),
            ],
            &[
                "run",
                "--all",
                "--jobs",
                "1",
                "--replace",
                "--link",
                "copy",
                "--durability",
                "none",
                &storage,
                &registry(&output),
            ],
            &["run", "--all", "--replace", &storage, &registry(&output)],
        ];
        for arguments in all {
            let outcome = self.run(arguments, user).outcome();
            assert!(outcome.code == 0, "{}: {}", self.name, outcome.everything());
        }
        assert_carved(source, &output);
        assert_modes(&output, self.name);
        let outcome = self.run(&["verify", &registry(&output)], user).outcome();
        assert!(outcome.code == 0, "{}: {}", self.name, outcome.everything());
        fs::remove_dir_all(&output).unwrap();
    }
}

/// From too few to enough.
#[test]
fn with_few_open_files_a_run_is_whole_or_says_what_it_lacks() {
    let trial = Trial::small();
    let source = trial.source();
    let mut ends = [0, 0];
    for limit in 8..64 {
        let output = trial.path("few/output");
        fs::create_dir(output.parent().unwrap()).unwrap();
        let script = format!(r#"ulimit -n {limit}; exec "$@""#);
        let outcome = Command::new("sh")
            .args(["-ec", &script, "sh"])
            .arg(binary::path())
            .args(["run", "--all", &registry(source), &registry(&output)])
            .outcome();
        if outcome.code == 0 {
            ends[0] += 1;
            assert_carved(source, &output);
        } else {
            ends[1] += 1;
            assert!(
                outcome.code == 1 && outcome.stderr.contains("raise `ulimit -n`"),
                "{limit}: {}",
                outcome.everything()
            );
            let left: Vec<_> = fs::read_dir(output.parent().unwrap()).unwrap().collect();
            assert!(left.is_empty(), "{limit}: {left:?}");
        }
        fs::remove_dir_all(output.parent().unwrap()).unwrap();
    }
    assert!(ends.iter().all(|end| *end > 10), "{ends:?}");
}

/// Whatever the umask: everybody may read, only the owner may write.
fn assert_modes(output: &Path, machine: &str) {
    assert_eq!(
        fs::metadata(output).unwrap().mode() & 0o7777,
        0o755,
        "{machine}"
    );
    for (name, meta) in walk(output) {
        let mode = meta.mode() & 0o7777;
        // A linked file keeps the source's own.
        if meta.is_dir() {
            assert_eq!(mode, 0o755, "{machine}: {}", name.display());
        } else if meta.nlink() == 1 {
            assert_eq!(mode, 0o644, "{machine}: {}", name.display());
        }
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for (name, meta) in walk(from) {
        if meta.is_dir() {
            fs::create_dir_all(to.join(name)).unwrap();
        } else {
            fs::copy(from.join(&name), to.join(name)).unwrap();
        }
    }
}

fn prove_all(user: bool) {
    let fixture = Fixture::in_memory();
    let folder = fixture.folder().to_owned();
    if user {
        chown(&folder, Some(USER), Some(USER)).unwrap();
    }
    let written_by_a_registry = fixture.path("data");
    copy_tree(&repository("tests/data/storage"), &written_by_a_registry);
    let generated = Trial::large_in(fixture, 300);
    for source in [&*written_by_a_registry, generated.source()] {
        if user {
            chown(source, Some(USER), Some(USER)).unwrap();
            for (name, _) in walk(source) {
                chown(source.join(name), Some(USER), Some(USER)).unwrap();
            }
        }
        for machine in LIMITS {
            machine.prove(source, &folder, user);
        }
    }
}

/// Where the system gives no second thread, one does it all: the work, and the look whether there is any.
#[test]
fn a_user_with_a_single_thread_gets_a_whole_output() {
    if !rustix::process::geteuid().is_root() {
        tools::skip("only root can become another user");
        return;
    }
    if !tools::require(&["setpriv", "bash"]) {
        return;
    }
    let fixture = Fixture::in_memory();
    let folder = fixture.folder().to_owned();
    let trial = Trial::large_in(fixture, 300);
    for path in walk(&folder).iter().map(|(name, _)| folder.join(name)) {
        chown(path, Some(LONER), Some(LONER)).unwrap();
    }
    chown(&folder, Some(LONER), Some(LONER)).unwrap();
    let storage = registry(trial.source());
    let output = registry(&trial.output());
    let [setpriv, arguments @ ..] = as_user(LONER);
    for _ in 0..3 {
        let outcome = Command::new(&setpriv)
            .args(&arguments)
            .args(["bash", "-c", r#"ulimit -u 2; exec "$@""#, "bash"])
            .arg(binary::path())
            .args(["run", "--all", "--jobs", "4", "--replace"])
            .args([&storage, &output])
            .outcome();
        assert_eq!(outcome.code, 0, "{}", outcome.everything());
    }
}

#[test]
fn every_command_works_under_small_limits() {
    prove_all(false);
}

#[test]
fn every_command_works_for_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        // Then all the other tests are this one.
        return;
    }
    if !tools::require(&["setpriv"]) {
        return;
    }
    prove_all(true);
}

/// Without any thread more than the first, a run does all the work in it; without the clock of the time limits there
/// is no run.
#[test]
fn without_threads_a_run_does_all_work_in_its_first() {
    if !tools::require(&["strace"]) {
        return;
    }
    let trial = Trial::small();
    let output = trial.output();
    let log = trial.path("log");
    let refuse = |when: &str| {
        let inject = format!("inject=clone3:error=EAGAIN:when={when}");
        let options = [
            "-e".to_owned(),
            "trace=clone3".to_owned(),
            "-e".to_owned(),
            inject,
        ];
        crate::strace::under(&options, &log, &trial.run(&output)).outcome()
    };
    let outcome = refuse("1+");
    outcome
        .assert_code(1)
        .assert_says("clone3")
        .assert_says("EAGAIN");
    assert_eq!(trial.clean(&output, &outcome), Ok(false));
    let outcome = refuse("2+");
    outcome.assert_code(0);
    assert_eq!(trial.clean(&output, &outcome), Ok(true));
}
