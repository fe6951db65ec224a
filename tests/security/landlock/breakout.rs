//! A process under Landlock that tries to break out: each attempt is a system call of its own, past the types of the
//! library that would not allow it.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use regcarve::fs::{
    Access, LinkMode, Method, OutputTrees, Placed, Ruleset, Sandbox, SourceFile, SourceTree,
    TreePath,
};
use regcarve::publish::{Durability, IfExists, Staging};
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use rustix::fs::{Mode, OFlags};

/// Names the folder to work in; set for the process that is restricted.
const FOLDER: &str = "REGCARVE_BREAKOUT_FOLDER";
/// `require` or `off`.
const SANDBOX: &str = "REGCARVE_BREAKOUT_SANDBOX";
/// Of a listener of the test.
const PORT: &str = "REGCARVE_BREAKOUT_PORT";

/// The errors that each attempt may be answered with, under Landlock.
const EXPECTED: [(&str, &[&str]); 32] = [
    ("write a blob by its name in the source", &["EACCES"]),
    ("write a blob by its name in the staging", &["EACCES"]),
    ("append to a blob", &["EACCES"]),
    ("write a blob by a handle on it", &["EACCES"]),
    ("cut a blob by its name in the source", &["EACCES"]),
    ("cut a blob by its name in the staging", &["EACCES"]),
    ("remove a file of the source", &["EACCES"]),
    ("rename a file of the source", &["EACCES"]),
    (
        "move a file of the source into the staging",
        &["EACCES", "EXDEV"],
    ),
    ("replace a file of the source", &["EACCES", "EXDEV"]),
    ("create a file in the source", &["EACCES"]),
    ("make a symbolic link in the source", &["EACCES"]),
    ("make a FIFO in the staging", &["EACCES"]),
    ("make a symbolic link in the staging", &["EACCES"]),
    ("link a blob inside of the source", &["EACCES"]),
    ("link a blob to where files are written", &["EXDEV"]),
    ("link a blob outside", &["EACCES", "EXDEV"]),
    (
        "link a stranger's file into the staging",
        &["EACCES", "EXDEV"],
    ),
    ("write a file beside the output", &["EACCES"]),
    ("write into a directory made beside the output", &["EACCES"]),
    ("read a file outside", &["EACCES"]),
    ("read the system's users", &["EACCES"]),
    ("list the root", &["EACCES"]),
    ("read memory of this process", &["EACCES"]),
    ("remove a file beside the output", &["EACCES"]),
    ("start a program", &["EACCES"]),
    ("connect by TCP", &["EACCES"]),
    ("listen by TCP", &["EACCES"]),
    ("connect to an abstract socket", &["EPERM"]),
    ("signal another process", &["EPERM"]),
    ("write a blob from a new thread", &["EACCES"]),
    ("write a blob by its name in the output", &["EACCES"]),
];

/// The first Landlock with this refusal, where that is not the first that is used.
fn since(attempt: &str) -> i32 {
    match attempt {
        "connect by TCP" | "listen by TCP" => 4,
        "connect to an abstract socket" | "signal another process" => 6,
        _ => 3,
    }
}

#[test]
fn every_attempt_to_break_out_is_refused() {
    if !super::landlock() {
        return;
    }
    let (answers, abi) = attempts("require");
    assert_eq!(answers.len(), EXPECTED.len(), "{answers:#?}");
    for ((attempt, expected), (asked, answer)) in EXPECTED.iter().zip(&answers) {
        assert_eq!(attempt, asked);
        if since(attempt) <= abi {
            assert!(
                expected.contains(&answer.as_str()),
                "BREACH: {attempt}: {answer}"
            );
        }
    }
}

/// Or the test above would prove nothing.
#[test]
fn without_landlock_every_attempt_succeeds() {
    let (answers, abi) = attempts("off");
    assert_eq!(abi, 0);
    assert_eq!(answers.len(), EXPECTED.len(), "{answers:#?}");
    for (attempt, answer) in answers {
        assert_eq!(answer, "done", "{attempt}");
    }
}

/// Makes all attempts in a process of their own; answers what became of each, and the version of Landlock.
fn attempts(sandbox: &str) -> (Vec<(String, String)>, i32) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("source/folder")).unwrap();
    for name in ["blob", "victim", "old", "target", "folder/one"] {
        fs::write(at("source").join(name), "content").unwrap();
    }
    fs::write(at("stranger"), "outside").unwrap();
    fs::write(at("beside"), "outside").unwrap();
    let before = Snapshot::take(at("source"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let name = folder.path().as_os_str().as_encoded_bytes();
    let _abstract =
        UnixListener::bind_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "landlock::breakout::under_landlock",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder.path())
        .env(SANDBOX, sandbox)
        .env(PORT, listener.local_addr().unwrap().port().to_string())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    if sandbox != "off" {
        assert_same(&before, &Snapshot::take(at("source")));
    }
    let answers = text
        .lines()
        .filter_map(|line| line.strip_prefix("attempt: "));
    let answers = answers.map(|line| {
        let (attempt, answer) = line.split_once(" -> ").unwrap();
        (attempt.to_owned(), answer.to_owned())
    });
    let abi = text
        .lines()
        .find_map(|line| line.strip_prefix("abi: "))
        .unwrap();
    (answers.collect(), abi.parse().unwrap())
}

fn report(attempt: &str, answer: io::Result<()>) {
    let answer = match answer {
        Ok(()) => "done".to_owned(),
        Err(error) => match error.raw_os_error() {
            Some(13) => "EACCES".to_owned(),
            Some(1) => "EPERM".to_owned(),
            Some(18) => "EXDEV".to_owned(),
            _ => error.to_string(),
        },
    };
    println!("attempt: {attempt} -> {answer}");
}

fn write(path: impl AsRef<Path>) -> io::Result<()> {
    File::options().write(true).open(path).map(drop)
}

fn cut(path: impl AsRef<Path>) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::TRUNC;
    Ok(rustix::fs::open(path.as_ref(), flags, Mode::empty()).map(drop)?)
}

/// The staging directories: that with links, and that with written files. `linked` is a link.
fn staging(folders: &[PathBuf], linked: &str) -> (PathBuf, PathBuf) {
    let [one, other] = folders else {
        panic!("not two staging directories: {folders:?}")
    };
    match one.join(linked).symlink_metadata() {
        Ok(_) => (one.clone(), other.clone()),
        Err(_) => (other.clone(), one.clone()),
    }
}

#[test]
#[ignore = "started by the tests above, in a process of its own"]
fn under_landlock() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let require = std::env::var(SANDBOX).unwrap() == "require";
    let port: u16 = std::env::var(PORT).unwrap().parse().unwrap();
    let at = |name: &str| folder.join(name);
    let path = |text: &'static str| TreePath::parse(text).unwrap();

    // This is a thread of the test harness, so `Require` would find that it is not the only one.
    let sandbox = if require { Sandbox::Auto } else { Sandbox::Off };
    let mut ruleset = Ruleset::plan(sandbox).unwrap();
    let source = SourceTree::open(&at("source")).unwrap();
    // Two trees in either case, so that there is the same to attempt.
    let mut staged = Staging::begin(&at("out"), IfExists::Refuse, OutputTrees::Two).unwrap();
    let names = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let partial = |path: &PathBuf| path.to_string_lossy().contains(".out.partial-");
    let partials: Vec<_> = names.filter(partial).collect();
    source.allow(&mut ruleset, Access::ReadAndLink).unwrap();
    staged.allow(&mut ruleset).unwrap();
    let enforced = ruleset.restrict().unwrap();
    println!("abi: {}", enforced.abi.unwrap_or(0));

    // What a run does.
    let unseen = |text| SourceFile {
        path: path(text),
        key: None,
    };
    let mut sink = staged.sink(LinkMode::Hard);
    let placed = sink.place(&source, unseen("blob"), path("a/linked"));
    assert_eq!(placed.unwrap(), Placed::New(Method::Hard));
    let placed = sink.place(&source, unseen("folder/one"), path("a/b/linked"));
    assert_eq!(placed.unwrap(), Placed::New(Method::Hard));
    assert!(sink.write_new(path("a/written"), b"text").unwrap());
    assert!(sink.write_new(path("c/written"), b"text").unwrap());
    sink.make_directory(path("d/e")).unwrap();
    assert_eq!(source.read_file(path("blob"), 100).unwrap(), b"content");

    let (linked, written) = staging(&partials, "a/linked");

    // What it does not.
    let blob = at("source/blob");
    report("write a blob by its name in the source", write(&blob));
    report(
        "write a blob by its name in the staging",
        write(linked.join("a/linked")),
    );
    report(
        "append to a blob",
        File::options().append(true).open(&blob).map(drop),
    );
    let (handle, _) = source.open_handle(path("blob")).unwrap();
    let by_handle = format!("/proc/self/fd/{}", handle.as_raw_fd());
    report("write a blob by a handle on it", write(by_handle));
    report(
        "cut a blob by its name in the source",
        cut(at("source/victim")),
    );
    report(
        "cut a blob by its name in the staging",
        cut(linked.join("a/b/linked")),
    );
    report(
        "remove a file of the source",
        fs::remove_file(at("source/victim")),
    );
    report(
        "rename a file of the source",
        fs::rename(at("source/old"), at("source/new")),
    );
    let moved = if require { "source/old" } else { "source/new" };
    report(
        "move a file of the source into the staging",
        fs::rename(at(moved), linked.join("moved")),
    );
    report(
        "replace a file of the source",
        fs::rename(written.join("c/written"), at("source/target")),
    );
    report(
        "create a file in the source",
        File::create_new(at("source/fresh")).map(drop),
    );
    report(
        "make a symbolic link in the source",
        std::os::unix::fs::symlink("/", at("source/symlink")),
    );
    let fifo = rustix::fs::mknodat(
        rustix::fs::CWD,
        linked.join("fifo"),
        rustix::fs::FileType::Fifo,
        Mode::RWXU,
        0,
    );
    report("make a FIFO in the staging", fifo.map_err(Into::into));
    report(
        "make a symbolic link in the staging",
        std::os::unix::fs::symlink("/", linked.join("symlink")),
    );
    report(
        "link a blob inside of the source",
        fs::hard_link(&blob, at("source/again")),
    );
    report(
        "link a blob to where files are written",
        fs::hard_link(&blob, written.join("a/again")),
    );
    report("link a blob outside", fs::hard_link(&blob, at("escaped")));
    report(
        "link a stranger's file into the staging",
        fs::hard_link(at("stranger"), linked.join("stranger")),
    );
    report(
        "write a file beside the output",
        fs::write(at("new"), "text"),
    );
    let _ = fs::create_dir(at("made"));
    report(
        "write into a directory made beside the output",
        fs::write(at("made/new"), "text"),
    );
    report("read a file outside", fs::read(at("stranger")).map(drop));
    report("read the system's users", fs::read("/etc/passwd").map(drop));
    report("list the root", fs::read_dir("/").map(drop));
    report(
        "read memory of this process",
        File::open("/proc/self/maps").map(drop),
    );
    report(
        "remove a file beside the output",
        fs::remove_file(at("beside")),
    );
    report(
        "start a program",
        Command::new("/bin/true").status().map(drop),
    );
    report(
        "connect by TCP",
        TcpStream::connect(("127.0.0.1", port)).map(drop),
    );
    report("listen by TCP", TcpListener::bind("127.0.0.1:0").map(drop));
    let name = SocketAddr::from_abstract_name(folder.as_os_str().as_encoded_bytes()).unwrap();
    report(
        "connect to an abstract socket",
        UnixStream::connect_addr(&name).map(drop),
    );
    let parent = rustix::process::getppid().unwrap();
    report(
        "signal another process",
        rustix::process::test_kill_process(parent).map_err(Into::into),
    );
    let thread = std::thread::spawn(move || write(blob));
    report("write a blob from a new thread", thread.join().unwrap());

    // A run that was not led astray can still publish.
    if !require {
        fs::rename(at("source/target"), written.join("c/written")).unwrap();
    }
    staged.merge_parts().unwrap();
    staged.publish(Durability::Full).unwrap();
    report(
        "write a blob by its name in the output",
        write(at("out/a/linked")),
    );
    for name in ["a/linked", "a/b/linked", "a/written", "c/written", "d/e"] {
        assert!(rustix::fs::stat(at("out").join(name)).is_ok(), "{name}");
    }
}
