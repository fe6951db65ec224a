//! A real registry (`docker-registry`, distribution 2.8) over a storage.

use std::fs::{self, File};
use std::net::TcpListener;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;

/// The program, as Debian names it.
pub const PROGRAM: &str = "docker-registry";

/// How long a registry may take to answer for the first time.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How often another port is tried: the free one that was found can be taken meanwhile.
const PORT_TRIES: usize = 5;

/// A registry's right to change its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Takes pushes and deletes.
    Writable,
    /// Serves what is there and refuses to write.
    ReadOnly,
}

/// A running registry and the client that speaks to it; it ends when the value is dropped.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    client: Client,
    folder: TempDir,
}

impl Registry {
    /// Starts a registry over `root`, its `rootdirectory`, and waits until it answers.
    pub fn start(root: &Path, mode: Mode) -> Self {
        let mut last = String::new();
        for _ in 0..PORT_TRIES {
            match Self::try_start(root, mode) {
                Ok(registry) => return registry,
                Err(log) => last = log,
            }
        }
        panic!("{PROGRAM} did not start over {}:\n{last}", root.display());
    }

    fn try_start(root: &Path, mode: Mode) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("folder for a registry's configuration");
        let address = free_address();
        let config = folder.path().join("config.yml");
        fs::write(&config, configuration(root, &address, mode)).expect("write a configuration");
        let log = File::create(folder.path().join("log")).expect("log of a registry");
        let child = command()
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {PROGRAM}: {error}"));
        let client = Client::new(address);
        let mut registry = Self {
            child,
            client,
            folder,
        };
        let start = Instant::now();
        while start.elapsed() < START_LIMIT && !registry.has_ended() {
            if registry.answers() {
                return Ok(registry);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(registry.log())
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("ask for a child").is_some()
    }

    /// The registry's log so far, for messages.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Deref for Registry {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // A child that has ended by itself has nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program without settings from the environment, which would win over the file.
pub(crate) fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("REGISTRY_") {
            command.env_remove(name);
        }
    }
    command
}

/// No cache, no purging of uploads, no health checks: nothing but requests touches the storage.
/// Schema 1 is accepted, and so is any web address of a foreign layer.
pub(crate) fn configuration(root: &Path, address: &str, mode: Mode) -> String {
    // The registry cleans a path as text: `..` behind a symlink would lead elsewhere.
    let root: PathBuf = root.canonicalize().expect("path of a storage");
    let readonly = mode == Mode::ReadOnly;
    format!(
        r#"version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: {root:?}
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
    readonly:
      enabled: {readonly}
http:
  addr: {address}
  secret: regcarve-tests
compatibility:
  schema1:
    enabled: true
validation:
  manifests:
    urls:
      allow:
        - ^https?://
"#
    )
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener
        .local_addr()
        .expect("address of a listener")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::garbage::garbage_collect_dry_run;
    use crate::media;
    use crate::storage::Storage;
    use crate::tools;

    #[test]
    fn serves_a_storage_that_was_written_by_hand() {
        if !tools::require(&[PROGRAM]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(folder.path());
        let config = serde_json::json!({"os": "linux", "architecture": "amd64"});
        let digest = storage.image("team/app", "v1", &[b"one", b""], &config);
        storage.image("team/other", "v1", &[b"one"], &config);
        let registry = Registry::start(folder.path(), Mode::ReadOnly);
        assert_eq!(registry.catalog().unwrap(), ["team/app", "team/other"]);
        assert_eq!(registry.tags("team/app").unwrap(), ["v1"]);
        let served = registry.get_manifest("team/app", "v1").unwrap();
        assert_eq!(served.digest, digest.as_str());
        assert_eq!(Digest::of(&served.bytes), digest);
        let layer = Digest::of(b"one");
        assert_eq!(registry.get_blob("team/app", &layer).unwrap(), b"one");
        let refusal = registry.put_blob("team/app", &Digest::of(b"new"), b"new");
        assert!(refusal.is_err(), "read-only must refuse");
        let garbage = garbage_collect_dry_run(folder.path(), false).unwrap();
        assert!(garbage.blobs.is_empty(), "{}", garbage.output);
    }

    #[test]
    fn takes_pushes_and_sees_garbage() {
        if !tools::require(&[PROGRAM]) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::start(folder.path(), Mode::Writable);
        let (short, long) = (Digest::of(b"bytes"), Digest::sha512_of(b"bytes"));
        registry.put_blob("a", &long, b"bytes").unwrap();
        registry.put_blob("a", &Digest::of(b""), b"").unwrap();
        assert_eq!(registry.get_blob("a", &long).unwrap(), b"bytes");
        assert_eq!(registry.get_blob("a", &short).unwrap(), b"bytes");
        // Both are linked in a repository without manifests: nothing holds them.
        let wrong = registry.put_manifest("a", "v1", media::OCI_MANIFEST, b"{}");
        assert!(wrong.is_err());
        fs::create_dir_all(
            folder
                .path()
                .join("docker/registry/v2/repositories/a/_manifests/revisions"),
        )
        .unwrap();
        let garbage = garbage_collect_dry_run(folder.path(), false).unwrap();
        assert!(
            garbage.blobs.contains(&short.as_str().to_owned()),
            "{}",
            garbage.output
        );
    }
}
