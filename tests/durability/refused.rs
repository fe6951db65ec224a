//! Where the system refuses hard links: found out before any work, with cause and remedy; and with `--link auto` the next
//! best thing is done, and counted.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::fixture::{Fixture, memory_folder, program, registry};
use regcarve_test_support::snapshot::{Snapshot, assert_same};
use regcarve_test_support::storage::Storage;
use regcarve_test_support::tools;
use regcarve_test_support::tree::{staging_beside, walk};
use serde_json::json;

use crate::disk::{Mount, must, possible};
use crate::order::{assert_probe_first, traced_failure};
use crate::trial::{Trial, run};

/// An ordinary user.
const USER: u32 = 1000;

/// A source and an output that cannot be linked, and why.
struct Setup {
    source: PathBuf,
    output: PathBuf,
    /// The run is that of [`USER`].
    as_user: bool,
    /// Words that the message must hold.
    says: &'static [&'static str],
    /// The method that `--link auto` chooses.
    method: &'static str,
}

impl Setup {
    fn run(&self, arguments: &[&str]) -> Command {
        let mut plain = run(&self.source, &self.output);
        plain.args(arguments);
        if !self.as_user {
            return plain;
        }
        let mut command = Command::new("setpriv");
        let user = USER.to_string();
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--"]);
        command.arg(plain.get_program()).args(plain.get_args());
        command
    }

    /// Refused within a second, by the probe, with nothing left; then not refused with `--link auto`.
    fn prove(&self) {
        let before = Snapshot::take(&self.source);
        let began = Instant::now();
        let outcome = self.run(&[]).outcome();
        let took = began.elapsed();
        outcome
            .assert_code(7)
            .assert_no_panic()
            .assert_says("--link auto");
        for text in self.says {
            outcome.assert_says(text);
        }
        assert!(took < Duration::from_secs(1), "it took {took:?}");
        self.assert_nothing(&outcome);
        if !self.as_user && self.says != ["lower layer"] {
            assert_probe_first(&traced_failure(&self.run(&[])));
        }
        self.prove_method(&["--link", "auto"]);
        assert_same(&before, &Snapshot::take(&self.source));
    }

    /// The run does not link, and counts what it does instead.
    fn prove_method(&self, arguments: &[&str]) {
        let outcome = self
            .run(&[arguments, &["--report", "-"]].concat())
            .outcome();
        let totals = &outcome.assert_code(0).report()["totals"];
        for method in ["linked", "reflinked", "copied"] {
            let count = if method == self.method {
                totals["blobs"].clone()
            } else {
                json!(0)
            };
            assert_eq!(totals[method], count, "{method}: {totals}");
        }
        outcome.assert_says(self.method);
        let shared = |(_, meta): &(_, fs::Metadata)| meta.is_file() && meta.nlink() > 1;
        assert!(!walk(&self.output).iter().any(shared));
    }

    fn assert_nothing(&self, outcome: &Outcome) {
        let there = self.output.exists() || !staging_beside(&self.output).is_empty();
        assert!(!there, "something was left\n{}", outcome.everything());
    }
}

#[test]
fn two_mounts_of_one_file_system_are_refused_or_copied() {
    if !possible(&["mount", "strace"]) {
        return;
    }
    let trial = Trial::small_in(Fixture::new());
    let root = trial.source().to_str().unwrap().to_owned();
    let there = trial.path("there");
    fs::create_dir(&there).unwrap();
    let source = Mount::new(&trial.path("bound"), &["--bind", &root]);
    let there = there.to_str().unwrap();
    let target = Mount::new(&trial.path("target"), &["--bind", there]);
    let number = |path: &Path| fs::metadata(path).unwrap().dev();
    assert_eq!(
        number(&source.path),
        number(&target.path),
        "the device numbers tell nothing"
    );
    let setup = Setup {
        source: source.path.clone(),
        output: target.path.join("output"),
        as_user: false,
        says: &[
            "linkat",
            "EXDEV",
            "different mounts",
            "two mounts of one disk",
        ],
        method: "copied",
    };
    setup.prove();
}

/// Often tried to protect the source. It is the mount that forbids links, and the message says so.
#[test]
fn a_read_only_mount_of_the_source_is_refused_or_copied() {
    if !possible(&["mount", "strace"]) {
        return;
    }
    let trial = Trial::small_in(Fixture::new());
    let root = trial.source().to_str().unwrap().to_owned();
    let source = Mount::new(&trial.path("bound"), &["--bind", "-o", "ro", &root]);
    let setup = Setup {
        source: source.path.clone(),
        output: trial.output(),
        as_user: false,
        says: &["EXDEV", "read-only mount of the source"],
        method: "copied",
    };
    setup.prove();
}

/// Also for a user who cannot mount: there is a file system in memory nearly everywhere.
#[test]
fn another_file_system_is_refused_or_copied() {
    if !tools::require(&["strace"]) {
        return;
    }
    let trial = Trial::small_in(Fixture::new());
    let memory = memory_folder();
    let number = |path: &Path| fs::metadata(path).unwrap().dev();
    if number(memory.path()) == number(trial.source()) {
        return tools::skip("there is no second file system in /dev/shm");
    }
    let setup = Setup {
        source: trial.source().to_owned(),
        output: memory.path().join("output"),
        as_user: false,
        says: &["linkat", "EXDEV", "different mounts"],
        method: "copied",
    };
    setup.prove();
    fs::remove_dir_all(&setup.output).unwrap();
    setup.prove_method(&["--link", "copy"]);
}

#[test]
fn another_subvolume_is_refused_or_reflinked() {
    if !possible(&["mount", "mkfs.btrfs", "btrfs", "strace"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Mount::disk(&folder.path().join("disk"), 200, &["mkfs.btrfs", "-q"]);
    let [one, other] = ["one", "other"].map(|name| {
        let path = disk.path.join(name);
        must(
            "btrfs",
            &["-q", "subvolume", "create", path.to_str().unwrap()],
        );
        path
    });
    let trial = Trial::small_in(Fixture::at(&one));
    let setup = Setup {
        source: trial.source().to_owned(),
        output: other.join("output"),
        as_user: false,
        says: &["EXDEV", "two subvolumes"],
        method: "reflinked",
    };
    setup.prove();
}

/// Linking would succeed there, and be a copy made in silence that also takes the place of the source's file.
#[test]
fn the_lower_layer_of_an_overlay_is_refused_or_copied() {
    if !possible(&["mount", "strace"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let memory = Mount::new(&folder.path().join("memory"), &["-t", "tmpfs", "none"]);
    let layer = |name: &str| {
        let path = memory.path.join(name);
        fs::create_dir(&path).unwrap();
        path
    };
    let (lower, upper, work) = (layer("lower"), layer("upper"), layer("work"));
    Trial::small_in(Fixture::at(&lower));
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    let merged = Mount::new(
        &folder.path().join("merged"),
        &["-t", "overlay", "none", "-o", &options],
    );
    let setup = Setup {
        source: merged.path.join("source"),
        output: merged.path.join("output"),
        as_user: false,
        says: &["lower layer"],
        method: "copied",
    };
    setup.prove();
    assert!(
        !upper.join("source").exists(),
        "files of the source were copied up"
    );
    // What was made in the container itself is in the upper layer, and is linked as anywhere.
    let own = merged.path.join("own");
    fs::create_dir(&own).unwrap();
    let trial = Trial::small_in(Fixture::at(&own));
    let outcome = trial.run(&trial.output()).args(["--report", "-"]).outcome();
    let totals = &outcome.assert_code(0).report()["totals"];
    assert_eq!(totals["linked"], totals["blobs"]);
}

#[test]
fn files_of_another_owner_are_refused_or_copied() {
    if !possible(&["setpriv"]) {
        return;
    }
    if fs::read_to_string("/proc/sys/fs/protected_hardlinks")
        .unwrap()
        .trim()
        != "1"
    {
        return tools::skip("fs.protected_hardlinks is off");
    }
    let fixture = Fixture::new();
    fs::set_permissions(fixture.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let trial = Trial::small_in(fixture);
    let own = trial.path("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(USER), Some(USER)).unwrap();
    let setup = Setup {
        source: trial.source().to_owned(),
        output: own.join("output"),
        as_user: true,
        says: &[
            "EPERM",
            "belongs to user 0",
            "this is user 1000",
            "fs.protected_hardlinks",
            "run as user 0",
        ],
        method: "copied",
    };
    setup.prove();
}

/// A flag of one file, so it is one file that is copied.
#[test]
fn one_immutable_blob_is_refused_or_copied() {
    if !possible(&["mount", "mkfs.ext4", "chattr"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Mount::disk(&folder.path().join("disk"), 64, &["mkfs.ext4", "-q", "-F"]);
    let (storage, blob) = one_marked_blob(&disk.path);
    must("chattr", &["+i", blob.to_str().unwrap()]);
    prove_one_copy(&storage, &blob, &["EPERM", "immutable", "chattr -i"]);
    must("chattr", &["-i", blob.to_str().unwrap()]);
}

/// The file system's limit for one file is no matter of the others, and its number of names stays.
#[test]
fn a_blob_with_all_names_that_ext4_allows_is_refused_or_copied() {
    /// The limit of ext4 (`EXT4_LINK_MAX`).
    const MOST: u64 = 65_000;
    if !possible(&["mount", "mkfs.ext4"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = Mount::disk(&folder.path().join("disk"), 64, &["mkfs.ext4", "-q", "-F"]);
    let (storage, blob) = one_marked_blob(&disk.path);
    let names = disk.path.join("names");
    fs::create_dir(&names).unwrap();
    for number in 1..MOST {
        fs::hard_link(&blob, names.join(number.to_string())).unwrap();
    }
    prove_one_copy(
        &storage,
        &blob,
        &["EMLINK", "has 65000 names", "remove old outputs"],
    );
    assert_eq!(fs::metadata(&blob).unwrap().nlink(), MOST);
}

/// A storage, and a blob in it that only one of its images has.
fn one_marked_blob(folder: &Path) -> (Storage, PathBuf) {
    let storage = Storage::create(folder.join("source"));
    storage.image("a", "1", &[b"base", b"one"], &json!({}));
    storage.image("a", "2", &[b"base", b"two"], &json!({}));
    let marked = storage.blob(b"two");
    let path = storage.blob_path(&marked.digest);
    (storage, path)
}

/// Refused by default with the blob's digest, and exactly this one is copied with `--link auto`. An image without it is
/// not touched by the matter.
fn prove_one_copy(storage: &Storage, blob: &Path, says: &[&str]) {
    let output = storage.root().with_file_name("output");
    let before = Snapshot::take(storage.root());
    let outcome = run(storage.root(), &output).outcome();
    outcome
        .assert_code(7)
        .assert_no_panic()
        .assert_says("--link auto");
    for text in says {
        outcome.assert_says(text);
    }
    let hex = blob
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap();
    outcome.assert_says(hex);
    assert!(!output.exists() && staging_beside(&output).is_empty());
    let outcome = run(storage.root(), &output)
        .args(["--link", "auto", "--report", "-"])
        .outcome();
    let totals = &outcome.assert_code(0).report()["totals"];
    let blobs = totals["blobs"].as_u64().unwrap();
    assert_eq!(
        [&totals["linked"], &totals["copied"]],
        [blobs - 1, 1],
        "{totals}"
    );
    outcome.assert_says("1 copied");
    let copy = output.join(blob.strip_prefix(storage.root()).unwrap());
    assert_eq!(fs::metadata(copy).unwrap().nlink(), 1);
    fs::remove_dir_all(&output).unwrap();
    program("run")
        .args(["--image", "a:1"])
        .args([registry(storage.root()), registry(&output)])
        .outcome()
        .assert_code(0);
    fs::remove_dir_all(&output).unwrap();
    assert_same(&before, &Snapshot::take(storage.root()));
}
