//! Symlinks, FIFOs, devices and other things in every kind of place of a storage, under three kinds of kernel: one that has
//! `openat2`, one that does not, one whose filter forbids it. Each is damage, with the same words under all three.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use regcarve_test_support::fixture::{is_clean, registry};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tools::{self, assert_none, long_or};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Guarded, LAYER, RUN, breaches, canary, guarded_storage};

/// How a kernel answers `openat2`: as it does, or with this error.
const KERNELS: [Option<&str>; 3] = [None, Some("ENOSYS"), Some("EPERM")];

/// No case takes longer; more is a call that waits.
const LIMIT: Duration = Duration::from_secs(2);

/// More links than any kernel follows.
const TOO_MANY_LINKS: usize = 41;

const GIANT: u64 = 1 << 40;

type Plant = (&'static str, fn(&Guarded, &Path));

/// The plants that stand where a file should be. `beside` is the canary's file that would fit.
const FOR_FILES: [Plant; 15] = [
    ("absolute symlink", |guarded, path| {
        link_to(path, &beside(guarded, path))
    }),
    ("relative symlink", |guarded, path| {
        link_to(
            path,
            &climbing(guarded, path).join(name(&beside(guarded, path))),
        )
    }),
    ("symlink that climbs far", |guarded, path| {
        let up = "../".repeat(40);
        link_to(
            path,
            Path::new(&format!(
                "{up}{}",
                beside(guarded, path).strip_prefix("/").unwrap().display()
            )),
        );
    }),
    ("symlink to a symlink", |guarded, path| {
        let step = guarded.path("step");
        symlink(beside(guarded, path), &step).unwrap();
        link_to(path, &step);
    }),
    ("41 symlinks", |guarded, path| {
        link_to(path, &chain(guarded, &beside(guarded, path)))
    }),
    ("symlink to itself", |_, path| link_to(path, path)),
    ("symlink to its own name", |_, path| {
        link_to(path, name(path))
    }),
    ("symlink to nothing", |guarded, path| {
        link_to(path, &guarded.path("nothing"))
    }),
    ("magic link to the root", |guarded, path| {
        link_to(
            path,
            Path::new(&format!(
                "/proc/self/root{}",
                beside(guarded, path).display()
            )),
        );
    }),
    ("magic link to a handle", |_, path| {
        link_to(path, Path::new("/proc/self/fd/0"))
    }),
    ("FIFO", |_, path| faults::fifo_in_place(path)),
    ("socket", |guarded, path| {
        // Names of sockets are short; it is made elsewhere and moved.
        let short = guarded.path("s");
        drop(UnixListener::bind(&short).unwrap());
        faults::remove(path);
        fs::rename(short, path).unwrap();
    }),
    ("device", |_, path| {
        faults::remove(path);
        let (kind, mode) = (FileType::CharacterDevice, Mode::from_raw_mode(0o666));
        // As `/dev/zero`. Not everybody may make one.
        if mknodat(CWD, path, kind, mode, rustix::fs::makedev(1, 5)).is_err() {
            tools::skip("this user cannot make a device");
            link_to(path, Path::new("/dev/zero"));
        }
    }),
    ("folder", |_, path| faults::folder_in_place(path)),
    ("1 TiB of nothing", |_, path| {
        faults::remove(path);
        File::create(path).unwrap().set_len(GIANT).unwrap();
    }),
];

/// The plants that stand where a folder should be; its old content is still there, in another place.
const FOR_FOLDERS: [Plant; 9] = [
    ("absolute symlink", |guarded, path| {
        link_to(path, &aside(guarded, path))
    }),
    ("relative symlink", |guarded, path| {
        let aside = aside(guarded, path);
        link_to(path, &climbing(guarded, path).join("..").join(name(&aside)));
    }),
    ("symlink with a slash", |guarded, path| {
        link_to(path, &aside(guarded, path).join(""))
    }),
    ("symlink with a dot", |guarded, path| {
        link_to(path, &aside(guarded, path).join("."))
    }),
    ("symlink to the canary", |guarded, path| {
        link_to(path, &canary(guarded))
    }),
    ("41 symlinks", |guarded, path| {
        let aside = aside(guarded, path);
        link_to(path, &chain(guarded, &aside));
    }),
    ("symlink to itself", |_, path| link_to(path, path)),
    ("magic link to the root", |guarded, path| {
        let aside = aside(guarded, path);
        link_to(
            path,
            Path::new(&format!("/proc/self/root{}", aside.display())),
        );
    }),
    ("FIFO", |_, path| faults::fifo_in_place(path)),
];

/// The place of a file or of a folder.
type Place = (&'static str, bool, fn(&Guarded) -> PathBuf);

const PLACES: [Place; 21] = [
    ("tag link", true, |w| w.storage.tag_path("team/app", "v1")),
    ("revision link", true, |w| {
        w.storage.revision_link_path("team/app", &w.made.top)
    }),
    ("layer link", true, |w| {
        w.storage.layer_link_path("team/app", &Digest::of(LAYER))
    }),
    ("link of a config", true, |w| {
        w.storage.layer_link_path("team/app", &w.made.config.digest)
    }),
    ("manifest", true, |w| w.storage.blob_path(&w.made.top)),
    ("layer", true, |w| w.storage.blob_path(&Digest::of(LAYER))),
    ("config", true, |w| {
        w.storage.blob_path(&w.made.config.digest)
    }),
    ("current", false, |w| {
        up(&w.storage.tag_path("team/app", "v1"), 1)
    }),
    ("tag", false, |w| {
        up(&w.storage.tag_path("team/app", "v1"), 2)
    }),
    ("tags", false, |w| {
        up(&w.storage.tag_path("team/app", "v1"), 3)
    }),
    ("_manifests", false, |w| {
        up(&w.storage.tag_path("team/app", "v1"), 4)
    }),
    ("revision", false, |w| {
        up(&w.storage.revision_link_path("team/app", &w.made.top), 1)
    }),
    ("revisions", false, |w| {
        up(&w.storage.revision_link_path("team/app", &w.made.top), 2)
    }),
    ("_layers", false, |w| {
        up(&w.storage.layer_link_path("team/app", &w.made.top), 3)
    }),
    ("repository", false, |w| {
        w.storage.repository_path("team/app")
    }),
    ("team", false, |w| w.storage.repository_path("team")),
    ("repositories", false, |w| {
        w.storage.base().join("repositories")
    }),
    ("folder of a layer", false, |w| {
        up(&w.storage.blob_path(&Digest::of(LAYER)), 1)
    }),
    ("folder of its prefix", false, |w| {
        up(&w.storage.blob_path(&Digest::of(LAYER)), 2)
    }),
    ("blobs", false, |w| w.storage.base().join("blobs")),
    ("docker", false, |w| w.storage.root().join("docker")),
];

/// Places of the other formats; the storage is made by a run.
const MADE: [(&str, &str, bool); 9] = [
    ("dir", "team/app:v1/version", true),
    ("dir", "team/app:v1/manifest.json", true),
    ("dir", "team/app:v1/LAYER", true),
    ("dir", "team/app:v1", false),
    ("dir", "team", false),
    ("oci", "oci-layout", true),
    ("oci", "index.json", true),
    ("oci", "blobs/sha256/LAYER", true),
    ("oci", "blobs/sha256", false),
];

fn name(path: &Path) -> &Path {
    Path::new(path.file_name().expect("a name"))
}

fn up(path: &Path, levels: usize) -> PathBuf {
    path.ancestors()
        .nth(levels)
        .expect("it is deep enough")
        .to_owned()
}

/// The canary's file that fits: a link for links, content for the rest.
fn beside(guarded: &Guarded, path: &Path) -> PathBuf {
    canary(guarded).join(if path.ends_with("link") {
        "link"
    } else {
        "data"
    })
}

/// `../../…/canary`, as seen from the folder of a file.
fn climbing(guarded: &Guarded, path: &Path) -> PathBuf {
    let below = path
        .strip_prefix(guarded.folder())
        .expect("in the folder of the test")
        .components()
        .count()
        - 1;
    Path::new(&"../".repeat(below)).join("canary")
}

/// Moves a folder out of the storage; answers where it is.
fn aside(guarded: &Guarded, path: &Path) -> PathBuf {
    let aside = guarded.path("aside");
    fs::rename(path, &aside).unwrap();
    aside
}

fn chain(guarded: &Guarded, end: &Path) -> PathBuf {
    let mut target = end.to_owned();
    for number in 0..TOO_MANY_LINKS {
        let step = guarded.path(format!("step-{number}"));
        symlink(&target, &step).unwrap();
        target = step;
    }
    target
}

fn link_to(path: &Path, target: &Path) {
    if path.symlink_metadata().is_ok() {
        faults::remove(path);
    }
    symlink(target, path).unwrap();
}

/// A run under a kernel that answers `openat2` so.
fn run(kernel: Option<&str>, source: &str, output: &Path) -> (Outcome, Duration) {
    let mut command = match kernel {
        None => regcarve(),
        Some(errno) => {
            let mut strace = Command::new("strace");
            strace
                .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat2"])
                .args(["-e", &format!("inject=openat2:error={errno}")])
                .arg(regcarve().get_program())
                .stdin(Stdio::null());
            strace
        }
    };
    command.args(RUN).arg(source).arg(registry(output));
    let began = Instant::now();
    (command.reported(), began.elapsed())
}

/// The exit code and the damage in the report, for comparing kernels.
fn verdict(outcome: &Outcome) -> (i32, Vec<String>) {
    let rows = outcome.report()["damaged"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let row =
        |row: &serde_json::Value| format!("{} {} {}", row["reference"], row["path"], row["cause"]);
    // The same call has another name there.
    let mut rows: Vec<_> = rows
        .iter()
        .map(|one| row(one).replace("openat2", "openat"))
        .collect();
    rows.sort();
    (outcome.code, rows)
}

/// One thing in one place, under some kernels; answers all that is not as it must be.
fn check(case: &Case, kernels: &[Option<&str>]) -> Vec<String> {
    let Case {
        guarded, source, ..
    } = case;
    let mut problems = Vec::new();
    let mut verdicts = Vec::new();
    // Not with a file of 1 TiB: a snapshot reads all of it.
    let before = case
        .says
        .as_ref()
        .map(|_| Snapshot::take(guarded.storage.root()));
    for kernel in kernels {
        let output = guarded.path("output");
        let (mut outcome, mut took) = run(*kernel, source, &output);
        if took > LIMIT {
            // A busy machine is slow once; what waits for something does so again.
            (outcome, took) = run(*kernel, source, &output);
        }
        let said = outcome.everything();
        problems.extend(breaches(guarded, &said));
        if outcome.code != 4 || outcome.stderr.contains("panicked") || took > LIMIT {
            problems.push(format!("after {took:?}, {kernel:?}: {said}"));
        }
        if !is_clean(&output) {
            problems.push(format!("{kernel:?}: something was left"));
        }
        problems.extend(misleading(case, &outcome.stderr));
        verdicts.push(verdict(&outcome));
    }
    if verdicts.iter().any(|one| *one != verdicts[0]) {
        problems.push(format!("the kernels differ: {verdicts:#?}"));
    }
    if let Some(before) = before {
        problems.extend(before.differences(&before.again()));
    }
    problems
}

/// Everything that is wrong with the message of a case.
fn misleading(case: &Case, said: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if said.contains(['\x1b', '\0']) {
        problems.push("the message holds control characters".into());
    }
    if let Some((place, causes)) = &case.says
        && !(said.contains(place) && causes.iter().any(|cause| said.contains(cause)))
    {
        problems.push(format!(
            "it does not say {place:?} and one of {causes:?}: {said}"
        ));
    }
    problems
}

fn plants(is_file: bool) -> &'static [Plant] {
    if is_file { &FOR_FILES } else { &FOR_FOLDERS }
}

/// One thing in one place.
struct Case {
    name: String,
    guarded: Guarded,
    /// The storage, as the command line names it.
    source: String,
    /// The place that the message has to name, and words for the cause, one of which it has to have.
    says: Option<(String, &'static [&'static str])>,
}

/// Places whose path, or name, has to be in the message.
const NAMED: [&str; 10] = [
    "tag link",
    "revision link",
    "layer link",
    "manifest",
    "layer",
    "folder of a layer",
    "tag",
    "repository",
    "team",
    "blobs",
];

/// The place and the words for the cause that the message must have, for a plant in a place.
fn says(plant: &str, place: &str, path: &Path) -> Option<(String, &'static [&'static str])> {
    let is_file = path.ends_with("link") || path.ends_with("data");
    let causes: &[&str] = match plant {
        "absolute symlink" => &["symlink", "symbolic link"],
        "FIFO" | "folder" if is_file => &["file", "type"],
        _ => return None,
    };
    let text = path.to_str().expect("a path of a test");
    let below = text.find("/repositories/").or_else(|| text.find("/blobs/"));
    let named = match below {
        Some(start) if is_file => text[start + 1..].to_owned(),
        // Of a folder the message may name any path that leads through it.
        _ => name(path).display().to_string(),
    };
    NAMED.contains(&place).then_some((named, causes))
}

/// Every plant in every place.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (place, is_file, path) in PLACES {
        for (plant, put) in plants(is_file) {
            let guarded = guarded_storage();
            let path = path(&guarded);
            put(&guarded, &path);
            cases.push(Case {
                name: format!("{plant} for {place}"),
                source: guarded.source(),
                guarded,
                says: says(plant, place, &path),
            });
        }
    }
    let hex = Digest::of(LAYER).hex().to_owned();
    for (format, place, is_file) in MADE {
        let made = format!("{format}:made");
        for (plant, put) in plants(is_file) {
            let guarded = guarded_storage();
            regcarve()
                .args(["run", "--durability", "none", "--all"])
                .args([guarded.source(), guarded.spec(&made)])
                .outcome()
                .assert_code(0);
            put(
                &guarded,
                &guarded.path("made").join(place.replace("LAYER", &hex)),
            );
            cases.push(Case {
                name: format!("{plant} for {format} {place}"),
                source: guarded.spec(&made),
                guarded,
                says: None,
            });
        }
    }
    cases
}

#[test]
fn what_is_planted_is_reported_and_never_followed() {
    if !tools::require(&["strace"]) {
        return;
    }
    let cases = cases();
    let mut failed = Vec::new();
    let mut runs = 0;
    for (number, case) in cases.iter().enumerate() {
        // Tracing is slow: every case under this kernel, some under all.
        let kernels = if number % long_or(1, 6) == 0 {
            &KERNELS[..]
        } else {
            &KERNELS[..1]
        };
        runs += kernels.len();
        let problems = check(case, kernels);
        if !problems.is_empty() {
            failed.push(format!("{}:\n  {}", case.name, problems.join("\n  ")));
        }
    }
    println!(
        "{} planted cases, {runs} runs, {} failed",
        cases.len(),
        failed.len()
    );
    assert_none(&failed, cases.len());
}

/// A link file is at most as long as the longest digest; no more than one byte over that is ever read.
#[test]
fn no_more_of_a_link_file_is_read_than_a_digest_can_be_long() {
    if !tools::require(&["strace"]) {
        return;
    }
    for (place, _, path) in &PLACES[..4] {
        let guarded = guarded_storage();
        let link = path(&guarded);
        faults::remove(&link);
        File::create(&link).unwrap().set_len(GIANT).unwrap();
        let trace = guarded.path("trace");
        Command::new("strace")
            .args([
                "-f",
                "-qq",
                "-y",
                "-e",
                "trace=read,readv,pread64,mmap,copy_file_range,sendfile",
                "-o",
            ])
            .arg(&trace)
            .arg(regcarve().get_program())
            .args(["run", "--image", "team/app:v1"])
            .args([guarded.source(), guarded.spec("registry:output")])
            .stdin(Stdio::null())
            .outcome()
            .assert_code(4);
        let text = fs::read_to_string(&trace).unwrap();
        let end = format!(
            "{}>",
            link.strip_prefix(guarded.folder()).unwrap().display()
        );
        let reads: Vec<&str> = text.lines().filter(|line| line.contains(&end)).collect();
        let read = |line: &&str| line.rsplit_once("= ").unwrap().1.parse::<u64>().unwrap();
        assert!(
            reads.iter().all(|line| line.contains("read(")),
            "{place}: {reads:?}"
        );
        let sum: u64 = reads.iter().map(read).sum();
        assert!(
            (1..=137).contains(&sum),
            "{place}: {sum} bytes read: {reads:?}"
        );
    }
}
