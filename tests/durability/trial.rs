//! A storage that is carved while something goes wrong, and what has to be true after each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::fixture::{Fixture, program, registry};
use regcarve_test_support::media;
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tree::{draw, staging_beside};
use serde_json::json;

/// How a run is asked to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Hard links to a name that is free.
    Link,
    /// Hard links in place of an output that is there.
    Replace,
    /// Copies, and a report.
    Copy,
}

/// The content of an output that is to be replaced.
const OLD: &str = "old";

/// A storage that is carved while something goes wrong, and what a whole carve of it looks like.
pub(crate) struct Trial {
    fixture: Fixture,
    before: Snapshot,
    whole: String,
    way: Way,
}

impl Trial {
    /// Two repositories, an image and an index. Most tests are about calls and not about disks, so it is in memory.
    pub(crate) fn small() -> Self {
        Self::small_in(Fixture::in_memory())
    }

    /// The storage of [`Self::small`] in another place.
    pub(crate) fn small_in(fixture: Fixture) -> Self {
        let storage = &fixture.storage;
        storage.image("a", "1", &[b"base"], &json!({ "os": "linux" }));
        let config = storage.blob(br#"{"for":"arm64"}"#).typed(media::OCI_CONFIG);
        let layer = storage.blob(b"arm").typed(media::OCI_LAYER);
        let image = storage
            .image_of("b", None, &config, &[layer])
            .on("linux/arm64");
        storage.index("b", Some("1"), &[image]);
        Self::of(fixture)
    }

    /// Many images, so that a run takes a while; each has a layer of its own.
    pub(crate) fn large_in(fixture: Fixture, images: usize) -> Self {
        for number in 0..images {
            let layer = format!("layer {number}");
            let repository = format!("team/app{}", number / 10);
            let config = json!({ "number": number });
            let tag = format!("v{number}");
            let layers = [layer.as_bytes()];
            fixture.storage.image(&repository, &tag, &layers, &config);
        }
        Self::of(fixture)
    }

    fn of(fixture: Fixture) -> Self {
        let mut trial = Self {
            before: Snapshot::take(fixture.storage.root()),
            fixture,
            whole: String::new(),
            way: Way::Link,
        };
        let output = trial.path("whole");
        let done = trial.run(&output).status().unwrap();
        assert!(done.success(), "a run without any fault fails");
        trial.whole = draw(&output);
        fs::remove_dir_all(output).unwrap();
        trial
    }

    /// This trial, carved in another way.
    pub(crate) fn carved(self, way: Way) -> Self {
        Self { way, ..self }
    }

    pub(crate) fn source(&self) -> &Path {
        self.fixture.storage.root()
    }

    pub(crate) fn output(&self) -> PathBuf {
        self.fixture.output()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.fixture.path(name)
    }

    /// The time of a run in which nothing goes wrong.
    pub(crate) fn usual_time(&self) -> Duration {
        let clock = Instant::now();
        assert!(self.run(&self.output()).status().unwrap().success());
        let usual = clock.elapsed();
        fs::remove_dir_all(self.output()).unwrap();
        usual
    }

    /// A run that takes everything. What it replaces is put there.
    pub(crate) fn run(&self, output: &Path) -> Command {
        let mut command = run(self.source(), output);
        match self.way {
            Way::Link => &mut command,
            Way::Replace => {
                fs::create_dir(output).unwrap();
                fs::write(output.join(OLD), OLD).unwrap();
                command.arg("--replace")
            }
            Way::Copy => {
                let report = output.with_extension("json");
                command.args(["--link", "copy", "--report"]).arg(report)
            }
        };
        command
    }

    /// Tells whether a new output is there, and not the one to replace; fails if it is there and not whole.
    pub(crate) fn is_whole(&self, output: &Path) -> Result<bool, String> {
        if output.symlink_metadata().is_err() {
            return Ok(false);
        }
        let there = draw(output);
        let whole = match self.way {
            Way::Link | Way::Replace => self.whole.clone(),
            Way::Copy => self.whole.replace(" shared", " written"),
        };
        if self.way == Way::Replace && there == "old 3 written\n" {
            Ok(false)
        } else if there == whole {
            Ok(true)
        } else {
            Err(format!("a part of an output is there:\n{there}"))
        }
    }

    /// Says what has changed in the source.
    pub(crate) fn source_is_unchanged(&self) -> Result<(), String> {
        let changes = self.before.differences(&Snapshot::take(self.source()));
        if changes.is_empty() {
            Ok(())
        } else {
            Err(format!("the source has changed: {changes:?}"))
        }
    }

    /// Checks all that has to be true after every run that was not killed: the source as it was, no staging, the output
    /// whole after 0 and absent after anything else, no panic. Answers whether it is whole.
    pub(crate) fn clean(&self, output: &Path, outcome: &Outcome) -> Result<bool, String> {
        self.source_is_unchanged()?;
        let left = staging_beside(output);
        if !left.is_empty() {
            return Err(format!("left beside the output: {left:?}"));
        }
        if outcome.stderr.contains("panicked") {
            return Err("it panicked".into());
        }
        let whole = self.is_whole(output)?;
        if whole != (outcome.code == 0) {
            return Err(format!("the output is there: {whole}"));
        }
        Ok(whole)
    }
}

/// `regcarve run --all` from one registry storage into another.
pub(crate) fn run(source: &Path, output: &Path) -> Command {
    let mut command = program("run");
    command
        .arg("--all")
        .args([registry(source), registry(output)]);
    command
}

/// A few numbers that are the same in every run of a test, and look like chance.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `limit`. (SplitMix64.)
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }
}
