//! Small machines: few open files, little address space, an ordinary user, any umask.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::process::Command;

use regcarve_test_support::binary::{Runs as _, regcarve};
use regcarve_test_support::tools;
use regcarve_test_support::tree::{assert_carved, walk};

use crate::world::{World, quick_folder, spec};

const USER: u32 = 1000;
/// Processes are counted for each user, so that whoever has few of them shares them with no other test.
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
    Machine {
        name: "64 open files",
        script: r#"ulimit -n 64; exec "$@""#,
    },
    Machine {
        name: "2 GiB of address space",
        script: r#"ulimit -v 2097152; exec "$@""#,
    },
    Machine {
        name: "4 MiB of stack",
        script: r#"ulimit -s 4096; exec "$@""#,
    },
    Machine {
        name: "all three, and nothing for others",
        script: r#"umask 077; ulimit -n 64; ulimit -v 2097152; ulimit -s 4096; exec "$@""#,
    },
    Machine {
        name: "everything for others",
        script: r#"umask 000; exec "$@""#,
    },
];

impl Machine {
    fn run(self, arguments: &[&str], user: bool) -> Command {
        let program = regcarve(env!("CARGO_BIN_EXE_regcarve"));
        let mut command = Command::new("sh");
        command.args(["-ec", self.script, "sh"]);
        if user {
            command.args(as_user(USER));
        }
        command.arg(program.get_program()).args(arguments);
        command
    }

    /// Lists, plans, carves with few and many jobs, verifies.
    fn prove(self, source: &Path, folder: &Path, user: bool) {
        let (storage, output) = (spec(source), folder.join("output"));
        let all: [&[&str]; 6] = [
            &["list", "--long", &storage],
            &["plan", "--all", &storage],
            &["run", "--all", &storage, &spec(&output)],
            &[
                "run",
                "--all",
                "--jobs",
                "8",
                "--replace",
                "--verify",
                "full",
                &storage,
                &spec(&output),
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
                &spec(&output),
            ],
            &["run", "--all", "--replace", &storage, &spec(&output)],
        ];
        for arguments in all {
            let outcome = self.run(arguments, user).outcome();
            assert!(outcome.code == 0, "{}: {}", self.name, outcome.everything());
        }
        assert_carved(source, &output);
        assert_modes(&output, self.name);
        let outcome = self.run(&["verify", &spec(&output)], user).outcome();
        assert!(outcome.code == 0, "{}: {}", self.name, outcome.everything());
        fs::remove_dir_all(&output).unwrap();
    }
}

/// From too few files to enough: a run is whole, or it says what it lacks and leaves nothing.
#[test]
fn few_open_files() {
    let folder = quick_folder();
    let world = World::small(folder.path());
    let source = world.storage.root();
    let mut ends = [0, 0];
    for limit in 8..64 {
        let (storage, output) = (spec(source), folder.path().join("few/output"));
        fs::create_dir(output.parent().unwrap()).unwrap();
        let script = format!(r#"ulimit -n {limit}; exec "$@""#);
        let outcome = Command::new("sh")
            .args(["-ec", &script, "sh", env!("CARGO_BIN_EXE_regcarve")])
            .args(["run", "--all", &storage, &spec(&output)])
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

fn prove_all(folder: &Path, user: bool) {
    let written_by_a_registry = folder.join("data");
    copy_tree(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/storage"),
        &written_by_a_registry,
    );
    let generated = World::large(folder, 300);
    for source in [&*written_by_a_registry, generated.storage.root()] {
        if user {
            chown(source, Some(USER), Some(USER)).unwrap();
            for (name, _) in walk(source) {
                chown(source.join(name), Some(USER), Some(USER)).unwrap();
            }
        }
        for machine in LIMITS {
            machine.prove(source, folder, user);
        }
    }
}

/// Where the system gives no second thread, one does it all: the work, and the look whether there is any.
#[test]
fn one_thread() {
    if !rustix::process::geteuid().is_root() {
        tools::skip("only root can become another user");
        return;
    }
    if !tools::require(&["setpriv", "bash"]) {
        return;
    }
    let folder = quick_folder();
    let world = World::large(folder.path(), 300);
    for path in walk(folder.path())
        .iter()
        .map(|(name, _)| folder.path().join(name))
    {
        chown(path, Some(LONER), Some(LONER)).unwrap();
    }
    chown(folder.path(), Some(LONER), Some(LONER)).unwrap();
    let storage = spec(world.storage.root());
    let output = spec(&folder.path().join("output"));
    let [setpriv, arguments @ ..] = as_user(LONER);
    let program = env!("CARGO_BIN_EXE_regcarve");
    for _ in 0..3 {
        let outcome = Command::new(&setpriv)
            .args(&arguments)
            .args(["bash", "-c", r#"ulimit -u 2; exec "$@""#, "bash", program])
            .args(["run", "--all", "--jobs", "4", "--replace"])
            .args([&storage, &output])
            .outcome();
        assert_eq!(outcome.code, 0, "{}", outcome.everything());
    }
}

#[test]
fn under_small_limits() {
    let folder = quick_folder();
    prove_all(folder.path(), false);
}

#[test]
fn as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        // Then all the other tests are this one.
        return;
    }
    if !tools::require(&["setpriv"]) {
        return;
    }
    let folder = quick_folder();
    chown(folder.path(), Some(USER), Some(USER)).unwrap();
    prove_all(folder.path(), true);
}

/// Without any thread more than the first, a run does all the work in it; without the clock of the time limits there
/// is no run.
#[test]
fn a_machine_that_gives_no_threads() {
    if !tools::require(&["strace"]) {
        return;
    }
    let folder = quick_folder();
    let world = World::small(folder.path());
    let output = world.output("output");
    let log = world.output("log");
    let refuse = |when: &str| {
        let inject = format!("inject=clone3:error=EAGAIN:when={when}");
        let options = [
            "-e".to_owned(),
            "trace=clone3".to_owned(),
            "-e".to_owned(),
            inject,
        ];
        crate::strace::under(&options, &log, &world.run(&output)).outcome()
    };
    let outcome = refuse("1+");
    outcome
        .assert_code(1)
        .assert_says("clone3")
        .assert_says("EAGAIN");
    assert_eq!(world.clean(&output, &outcome), Ok(false));
    let outcome = refuse("2+");
    outcome.assert_code(0);
    assert_eq!(world.clean(&output, &outcome), Ok(true));
}
