//! The cache of compiled code: whatever is wrong with it, the run goes on; and it is worth having.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use regcarve_test_support::binary::{Outcome, Runs as _};
use regcarve_test_support::digest::Digest;

use super::{kept_policy, program, projects};

/// A user with a cache of their own.
struct User(tempfile::TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("regcarve")
    }

    #[track_caller]
    fn check(&self, policy: &Path, more: &[&str]) -> Outcome {
        let mut program = program(&["policy", "check"]);
        program
            .args(more)
            .arg(policy)
            .env("XDG_CACHE_HOME", self.0.path());
        let outcome = program.outcome();
        outcome.assert_code(0).assert_no_panic();
        assert_eq!(
            outcome.stderr, "",
            "trouble with the cache is not worth a word"
        );
        outcome
    }

    /// The files of the cache, whatever their names.
    fn files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The one file that is there.
    #[track_caller]
    fn file(&self) -> PathBuf {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }
}

fn inode(path: &Path) -> u64 {
    fs::symlink_metadata(path).unwrap().ino()
}

#[test]
fn code_is_kept_for_this_user_alone_and_reused() {
    let user = User::new();
    user.check(&kept_policy(), &[]);
    let file = user.file();
    assert_eq!(fs::metadata(user.folder()).unwrap().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let name = file.file_name().unwrap().to_str().unwrap();
    let digest = Digest::of(&fs::read(kept_policy()).unwrap());
    assert!(
        name.starts_with(digest.hex()) && name.ends_with(".native"),
        "{name}"
    );
    let before = inode(&file);
    user.check(&kept_policy(), &[]);
    assert_eq!(inode(&user.file()), before, "it was compiled again");
}

#[test]
fn no_cache_neither_reads_nor_writes_it() {
    let user = User::new();
    user.check(&kept_policy(), &["--no-cache"]);
    assert!(!user.folder().exists());
    user.check(&kept_policy(), &[]);
    fs::write(user.file(), "what is here is not looked at").unwrap();
    user.check(&kept_policy(), &["--no-cache"]);
    assert_eq!(
        fs::read(user.file()).unwrap(),
        b"what is here is not looked at"
    );
}

#[test]
fn other_bytes_have_other_code() {
    let user = User::new();
    let copy = user.0.path().join("copy.wasm");
    fs::copy(kept_policy(), &copy).unwrap();
    user.check(&kept_policy(), &[]);
    user.check(&copy, &[]);
    user.file();
    // A custom section changes nothing but the bytes.
    let mut bytes = fs::read(kept_policy()).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    fs::write(&copy, bytes).unwrap();
    user.check(&copy, &[]);
    assert_eq!(user.files().len(), 2);
}

/// Files that are cut off, empty, foreign or changed at their start: compiled again, and put right.
#[test]
fn damaged_files_of_the_cache_are_replaced() {
    let user = User::new();
    user.check(&kept_policy(), &[]);
    let file = user.file();
    let good = fs::read(&file).unwrap();
    let mut magic = good.clone();
    magic[1] ^= 0xff;
    let mut cuts: Vec<_> = [0, 1, 63, 64, 4096, good.len() / 2, good.len() - 1]
        .map(|length| good[..length].to_vec())
        .into();
    cuts.extend([magic, b"something else".to_vec(), vec![0; good.len()]]);
    for bad in cuts {
        fs::write(&file, &bad).unwrap();
        user.check(&kept_policy(), &[]);
        assert!(
            fs::read(&file).unwrap() == good,
            "{} bytes were left as they were",
            bad.len()
        );
    }
}

#[test]
fn files_that_others_could_have_written_are_not_used() {
    let user = User::new();
    user.check(&kept_policy(), &[]);
    let file = user.file();
    let before = inode(&file);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
    user.check(&kept_policy(), &[]);
    assert_ne!(
        inode(&user.file()),
        before,
        "a file that all can write to was used"
    );

    let elsewhere = user.0.path().join("elsewhere");
    fs::rename(user.file(), &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    user.check(&kept_policy(), &[]);
    assert!(
        fs::symlink_metadata(&file).unwrap().is_file(),
        "a link was followed"
    );

    fs::set_permissions(user.folder(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(&file, "not looked at, not put right").unwrap();
    user.check(&kept_policy(), &[]);
    assert_eq!(fs::read(&file).unwrap(), b"not looked at, not put right");
}

#[test]
fn a_cache_that_cannot_be_made_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (cache, home) in [
        (Some(file.join("cache")), None),
        (Some(PathBuf::from("/proc/none")), None),
        (None, Some(file.clone())),
        (None, None),
    ] {
        let mut program = program(&["policy", "check"]);
        program
            .arg(kept_policy())
            .env_remove("XDG_CACHE_HOME")
            .env_remove("HOME");
        program.envs(cache.map(|path| ("XDG_CACHE_HOME", path)));
        program.envs(home.map(|path| ("HOME", path)));
        let outcome = program.outcome();
        outcome.assert_code(0);
        assert_eq!(outcome.stderr, "");
    }
}

/// Several at once: all end well, and one file is there.
#[test]
fn many_first_runs_at_once() {
    let user = User::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| user.check(&kept_policy(), &[]));
        }
    });
    user.file();
}

/// The milliseconds behind a word in what `policy bench` prints.
fn milliseconds(outcome: &Outcome, word: &str) -> f64 {
    let line = outcome
        .stdout
        .lines()
        .find(|line| line.starts_with(word))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_cached_rust_policy_loads_within_three_milliseconds() {
    let user = User::new();
    let load = || {
        let mut program = program(&["policy", "bench", "--images", "1"]);
        program
            .arg(kept_policy())
            .env("XDG_CACHE_HOME", user.0.path());
        let outcome = program.outcome();
        outcome.assert_code(0);
        milliseconds(&outcome, "load")
    };
    let first = load();
    // Other work on the machine only ever adds to it.
    let best = (0..20).map(|_| load()).fold(f64::INFINITY, f64::min);
    let size = fs::metadata(kept_policy()).unwrap().len() / 1024;
    eprintln!(
        "a policy of {size} KiB loads in {first:.1} ms at first, in {best:.2} ms from the cache"
    );
    assert!(best < 3.0, "{best} ms");
}

#[test]
fn a_python_policy_starts_again_within_150_milliseconds() {
    let Some(policy) = projects::python() else {
        return;
    };
    let user = User::new();
    let start = || {
        let clock = Instant::now();
        user.check(&policy, &[]);
        clock.elapsed().as_secs_f64() * 1e3
    };
    let first = start();
    let best = (0..10).map(|_| start()).fold(f64::INFINITY, f64::min);
    eprintln!("a Python policy starts in {first:.0} ms at first, in {best:.0} ms from the cache");
    assert!(best < 150.0, "{best} ms");
}
