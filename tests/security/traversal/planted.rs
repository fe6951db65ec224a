//! Things that are not what a storage holds, in every kind of place of a storage, under three kinds of kernel: one that has
//! `openat2`, one that does not, one whose filter forbids it. The verdict is the same, word for word.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Outcome, Runs as _, regcarve};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::faults;
use regcarve_test_support::tools;
use regcarve_test_support::tree::staging_beside;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{BINARY, LAYER, World, is_long, spec};

/// How a kernel answers `openat2`: as it does, or with this error.
const KERNELS: [Option<&str>; 3] = [None, Some("ENOSYS"), Some("EPERM")];

/// No case takes longer; more is a call that waits.
const LIMIT: Duration = Duration::from_secs(2);

/// More links than any kernel follows.
const TOO_MANY_LINKS: usize = 41;

const GIANT: u64 = 1 << 40;

type Plant = (&'static str, fn(&World, &Path));

/// What stands where a file should be. `beside` is the canary's file that would fit.
const FOR_FILES: [Plant; 15] = [
    ("absolute symlink", |world, path| {
        link_to(path, &beside(world, path))
    }),
    ("relative symlink", |world, path| {
        link_to(
            path,
            &climbing(world, path).join(name(&beside(world, path))),
        )
    }),
    ("symlink that climbs far", |world, path| {
        let up = "../".repeat(40);
        link_to(
            path,
            Path::new(&format!(
                "{up}{}",
                beside(world, path).strip_prefix("/").unwrap().display()
            )),
        );
    }),
    ("symlink to a symlink", |world, path| {
        let step = world.path("step");
        symlink(beside(world, path), &step).unwrap();
        link_to(path, &step);
    }),
    ("41 symlinks", |world, path| {
        link_to(path, &chain(world, &beside(world, path)))
    }),
    ("symlink to itself", |_, path| link_to(path, path)),
    ("symlink to its own name", |_, path| {
        link_to(path, name(path))
    }),
    ("symlink to nothing", |world, path| {
        link_to(path, &world.path("nothing"))
    }),
    ("magic link to the root", |world, path| {
        link_to(
            path,
            Path::new(&format!("/proc/self/root{}", beside(world, path).display())),
        );
    }),
    ("magic link to a handle", |_, path| {
        link_to(path, Path::new("/proc/self/fd/0"))
    }),
    ("FIFO", |_, path| faults::fifo_in_place(path)),
    ("socket", |world, path| {
        // Names of sockets are short; it is made elsewhere and moved.
        let short = world.path("s");
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

/// What stands where a folder should be; what it held is still there, in another place.
const FOR_FOLDERS: [Plant; 9] = [
    ("absolute symlink", |world, path| {
        link_to(path, &aside(world, path))
    }),
    ("relative symlink", |world, path| {
        let aside = aside(world, path);
        link_to(path, &climbing(world, path).join("..").join(name(&aside)));
    }),
    ("symlink with a slash", |world, path| {
        link_to(path, &aside(world, path).join(""))
    }),
    ("symlink with a dot", |world, path| {
        link_to(path, &aside(world, path).join("."))
    }),
    ("symlink to the canary", |world, path| {
        link_to(path, &world.canary())
    }),
    ("41 symlinks", |world, path| {
        let aside = aside(world, path);
        link_to(path, &chain(world, &aside));
    }),
    ("symlink to itself", |_, path| link_to(path, path)),
    ("magic link to the root", |world, path| {
        let aside = aside(world, path);
        link_to(
            path,
            Path::new(&format!("/proc/self/root{}", aside.display())),
        );
    }),
    ("FIFO", |_, path| faults::fifo_in_place(path)),
];

/// The place of a file or of a folder.
type Place = (&'static str, bool, fn(&World) -> PathBuf);

const PLACES: [Place; 21] = [
    ("tag link", true, |w| w.storage.tag_path("team/app", "v1")),
    ("revision link", true, |w| {
        w.storage.revision_link_path("team/app", &w.top)
    }),
    ("layer link", true, |w| {
        w.storage.layer_link_path("team/app", &Digest::of(LAYER))
    }),
    ("link of a config", true, |w| {
        w.storage.layer_link_path("team/app", &w.config.digest)
    }),
    ("manifest", true, |w| w.storage.blob_path(&w.top)),
    ("layer", true, |w| w.storage.blob_path(&Digest::of(LAYER))),
    ("config", true, |w| w.storage.blob_path(&w.config.digest)),
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
        up(&w.storage.revision_link_path("team/app", &w.top), 1)
    }),
    ("revisions", false, |w| {
        up(&w.storage.revision_link_path("team/app", &w.top), 2)
    }),
    ("_layers", false, |w| {
        up(&w.storage.layer_link_path("team/app", &w.top), 3)
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
fn beside(world: &World, path: &Path) -> PathBuf {
    world.canary().join(if path.ends_with("link") {
        "link"
    } else {
        "data"
    })
}

/// `../../…/canary`, as seen from the folder of a file.
fn climbing(world: &World, path: &Path) -> PathBuf {
    let below = path
        .strip_prefix(world.folder.path())
        .expect("in the world")
        .components()
        .count()
        - 1;
    Path::new(&"../".repeat(below)).join("canary")
}

/// Moves a folder out of the storage; answers where it is.
fn aside(world: &World, path: &Path) -> PathBuf {
    let aside = world.path("aside");
    fs::rename(path, &aside).unwrap();
    aside
}

fn chain(world: &World, end: &Path) -> PathBuf {
    let mut target = end.to_owned();
    for number in 0..TOO_MANY_LINKS {
        let step = world.path(&format!("step-{number}"));
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
        None => regcarve(BINARY),
        Some(errno) => {
            let mut strace = Command::new("strace");
            strace
                .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat2"])
                .args(["-e", &format!("inject=openat2:error={errno}")])
                .arg(regcarve(BINARY).get_program())
                .stdin(Stdio::null());
            strace
        }
    };
    command
        .args([
            "run",
            "--durability",
            "none",
            "--image",
            "team/app:v1",
            source,
        ])
        .arg(spec("registry", output));
    let began = Instant::now();
    (command.reported(), began.elapsed())
}

/// What was said, for comparing kernels.
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
fn check(world: &World, source: &str, kernels: &[Option<&str>]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut verdicts = Vec::new();
    for kernel in kernels {
        let output = world.path("output");
        let (mut outcome, mut took) = run(*kernel, source, &output);
        if took > LIMIT {
            // A busy machine is slow once; what waits for something does so again.
            (outcome, took) = run(*kernel, source, &output);
        }
        let said = outcome.everything();
        problems.extend(world.breaches(&said));
        if outcome.code != 4 || outcome.stderr.contains("panicked") || took > LIMIT {
            problems.push(format!("after {took:?}, {kernel:?}: {said}"));
        }
        if output.symlink_metadata().is_ok() || !staging_beside(&output).is_empty() {
            problems.push(format!("{kernel:?}: something was left"));
        }
        verdicts.push(verdict(&outcome));
    }
    if verdicts.iter().any(|one| *one != verdicts[0]) {
        problems.push(format!("the kernels differ: {verdicts:#?}"));
    }
    problems
}

fn plants(is_file: bool) -> &'static [Plant] {
    if is_file { &FOR_FILES } else { &FOR_FOLDERS }
}

/// Names of plants and places, with the world that has them.
fn cases() -> Vec<(String, World, String)> {
    let mut cases = Vec::new();
    for (place, is_file, path) in PLACES {
        for (plant, put) in plants(is_file) {
            let world = World::new();
            put(&world, &path(&world));
            let source = spec("registry", world.storage.root());
            cases.push((format!("{plant} for {place}"), world, source));
        }
    }
    let hex = Digest::of(LAYER).hex().to_owned();
    for (format, place, is_file) in MADE {
        for (plant, put) in plants(is_file) {
            let world = World::new();
            let made = world.path("made");
            regcarve(BINARY)
                .args(["run", "--durability", "none", "--all"])
                .args([spec("registry", world.storage.root()), spec(format, &made)])
                .outcome()
                .assert_code(0);
            put(&world, &made.join(place.replace("LAYER", &hex)));
            cases.push((
                format!("{plant} for {format} {place}"),
                world,
                spec(format, &made),
            ));
        }
    }
    cases
}

#[test]
fn what_is_planted_is_found_and_never_followed() {
    if !tools::require(&["strace"]) {
        return;
    }
    let cases = cases();
    let mut failed = Vec::new();
    let mut runs = 0;
    for (number, (name, world, source)) in cases.iter().enumerate() {
        // Tracing is slow: every case under this kernel, some under all.
        let kernels = if is_long() || number % 6 == 0 {
            &KERNELS[..]
        } else {
            &KERNELS[..1]
        };
        runs += kernels.len();
        let problems = check(world, source, kernels);
        if !problems.is_empty() {
            failed.push(format!("{name}:\n  {}", problems.join("\n  ")));
        }
    }
    println!(
        "{} planted cases, {runs} runs, {} failed",
        cases.len(),
        failed.len()
    );
    let shown = failed
        .iter()
        .take(8)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n\n{shown}",
        failed.len(),
        cases.len()
    );
}

/// A link file is at most as long as the longest digest; no more than one byte over that is ever read.
#[test]
fn no_more_is_read_of_a_link_than_a_link_can_hold() {
    if !tools::require(&["strace"]) {
        return;
    }
    for (place, _, path) in &PLACES[..4] {
        let world = World::new();
        let link = path(&world);
        faults::remove(&link);
        File::create(&link).unwrap().set_len(GIANT).unwrap();
        let trace = world.path("trace");
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
            .arg(regcarve(BINARY).get_program())
            .args([
                "run",
                "--image",
                "team/app:v1",
                &spec("registry", world.storage.root()),
            ])
            .arg(spec("registry", &world.path("output")))
            .stdin(Stdio::null())
            .outcome()
            .assert_code(4);
        let text = fs::read_to_string(&trace).unwrap();
        let end = format!(
            "{}>",
            link.strip_prefix(world.folder.path()).unwrap().display()
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
