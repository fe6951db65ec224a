//! One run with one component of arbitrary answers.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::Parser as _;
use regcarve::cli::{Cli, Command};
use regcarve::{Error, commands};
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::programs::lay_out_flat;
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::tree::{staging_beside, walk};
use serde_json::json;

/// Storages that runs read, and the component.
pub(crate) struct Case {
    fixture: Fixture,
    program: String,
}

impl Case {
    pub(crate) fn new(program: &str) -> Self {
        let fixture = Fixture::in_memory();
        let storage = &fixture.storage;
        let config = json!({ "os": "linux", "architecture": "amd64" });
        storage.image("team/app", "v1", &[b"base", b"app 1"], &config);
        storage.image("team/tool", "v1", &[b"base", b"tool"], &config);
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| {
            let config = storage.blob(platform.as_bytes());
            let layers = [storage.blob(b"base")];
            storage
                .image_of("team/app", None, &config, &layers)
                .on(platform)
        });
        storage.index("team/app", Some("v2"), &platforms);
        lay_out_flat(&fixture);
        fixture.write("flat/folder/file", "");
        Self {
            fixture,
            program: program.into(),
        }
    }

    /// Makes a run. The code that the program would exit with, or what must not be.
    pub(crate) fn run(&self, role: &str, bytes: &[u8]) -> Result<u8, String> {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let shown = |name: &str| self.fixture.path(name).display().to_string();
        let (source, output) = (self.fixture.source(), self.fixture.spec("registry:output"));
        let program = &self.program;
        let arguments = match role {
            "selector" => {
                fs::write(self.fixture.path("fuzz.list"), &text).expect("a list");
                let list = shown("fuzz.list");
                vec![
                    "--selector".into(),
                    program.clone(),
                    "--list".into(),
                    list,
                    source,
                    output,
                ]
            }
            "reader" => {
                fs::write(self.fixture.path("flat/fuzz"), bytes).expect("the bytes of a reader");
                let wanted: &[&str] = match bytes[0] % 4 {
                    0 => &["--all"],
                    1 => &["--image", "team/*:*"],
                    2 => &[
                        "--image",
                        "team/app@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
                    ],
                    _ => &["--image", "team/app:v1", "--image", "team/app:v2"],
                };
                let source = format!("{program}:{}", shown("flat"));
                let wanted = wanted.iter().map(ToString::to_string);
                wanted.chain([source, output]).collect()
            }
            "policy" => {
                let policy = format!("{program}={}", json!({ "bytes": text }));
                vec!["--all".into(), "--policy".into(), policy, source, output]
            }
            _ => {
                let mut tag = String::new();
                for byte in bytes {
                    let _ = write!(tag, "{byte:02x}");
                }
                let layer = self.fixture.storage.blob(b"base");
                let config = self.fixture.storage.blob(b"{}");
                self.fixture
                    .storage
                    .image_of("team/app", Some(&tag), &config, &[layer]);
                let output = format!("{program}:{}", shown("output"));
                let wanted = [
                    "--image",
                    &format!("team/app:{tag}"),
                    "--image",
                    "team/*:v2",
                ];
                let wanted = wanted.into_iter().map(str::to_owned);
                wanted.chain([source, output]).collect()
            }
        };
        let before =
            ["source", "flat", "secret"].map(|name| Snapshot::take(self.fixture.path(name)));
        let result = carve(&arguments);
        let problems = before
            .iter()
            .flat_map(|before| before.differences(&before.again()))
            .collect::<Vec<_>>();
        let verdict = self.judge(role, result, &arguments);
        fs::remove_dir_all(self.fixture.path("output")).ok();
        if role == "writer" {
            let tags = self
                .fixture
                .storage
                .repository_path("team/app")
                .join("_manifests/tags");
            for entry in fs::read_dir(tags)
                .expect("tags")
                .map(|entry| entry.expect("a tag"))
            {
                if entry.file_name().len() > 2 {
                    fs::remove_dir_all(entry.path()).expect("forget a tag");
                }
            }
        }
        if problems.is_empty() {
            verdict
        } else {
            Err(format!("the source changed: {problems:?}"))
        }
    }

    fn judge(
        &self,
        role: &str,
        result: Result<(), Error>,
        arguments: &[String],
    ) -> Result<u8, String> {
        let output = self.fixture.path("output");
        let code = match &result {
            Ok(()) => 0,
            Err(error) => error.exit_code(),
        };
        let said = result.as_ref().err().map(ToString::to_string);
        let problem = |what: &str| Err(format!("{what} with {code}: {said:?} {arguments:?}"));
        // The system has no reason to refuse anything here.
        if code == 1 || code > 5 {
            return problem("ended");
        }
        if output.symlink_metadata().is_ok() != (code == 0) {
            return problem("published or not");
        }
        if !staging_beside(&output).is_empty() {
            return problem("staging was left");
        }
        if code == 0 {
            let secret = fs::read(self.fixture.path("secret")).expect("the secret");
            for (name, meta) in walk(&output) {
                if meta.is_symlink() {
                    return problem("a symbolic link in the output");
                }
                if meta.is_file() && fs::read(output.join(name)).is_ok_and(|bytes| bytes == secret)
                {
                    return problem("the secret in the output");
                }
            }
            // What a writer of arbitrary answers leaves out is its own affair.
            if role != "writer"
                && let Some(link) = dangling(&output)
            {
                return problem(&format!("{link} names nothing in the output"));
            }
            // All that a selector can choose is whole; what the others give need not even be an image.
            if role == "selector"
                && let Err(error) = verify(&output)
            {
                return problem(&format!("an output that is not whole: {error}"));
            }
        }
        Ok(code)
    }
}

/// Runs `regcarve run` with these arguments, in this process.
fn carve(arguments: &[String]) -> Result<(), Error> {
    let fixed = ["--durability", "none", "--guest-time", "5"].map(str::to_owned);
    match command("run", fixed.iter().chain(arguments)) {
        Command::Run(run) => commands::run::run(run).map_err(own),
        _ => unreachable!("that is what was asked for"),
    }
}

/// The program's own error.
fn own(error: anyhow::Error) -> Error {
    error
        .downcast()
        .expect("every error of a command is the program's own")
}

/// Runs `regcarve verify` on a registry, in this process.
fn verify(registry: &Path) -> Result<(), Error> {
    let storage = format!("registry:{}", registry.display());
    match command("verify", [&storage]) {
        Command::Verify(verify) => commands::verify::verify(verify).map_err(own),
        _ => unreachable!("that is what was asked for"),
    }
}

fn command<'a>(name: &str, arguments: impl IntoIterator<Item = &'a String>) -> Command {
    // The restriction would hold for all later runs of this process.
    let fixed = ["regcarve", name, "--sandbox", "off"].map(str::to_owned);
    Cli::parse_from(fixed.into_iter().chain(arguments.into_iter().cloned())).command
}

/// A link of a registry whose content is not there.
fn dangling(registry: &Path) -> Option<String> {
    let all = walk(registry);
    let files: BTreeSet<_> = all.iter().filter_map(|(name, _)| name.to_str()).collect();
    let links = files.iter().filter(|name| name.ends_with("/link"));
    let mut broken = links.filter(|link| {
        let text = fs::read_to_string(registry.join(link)).unwrap_or_default();
        let (algorithm, hex) = text.split_once(':').unwrap_or_default();
        let folder = hex.get(..2).unwrap_or_default();
        let data = format!("docker/registry/v2/blobs/{algorithm}/{folder}/{hex}/data");
        !files.contains(data.as_str())
    });
    broken.next().map(ToString::to_string)
}
