//! File systems of our own, mounted for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regcarve_test_support::tools;

/// Whether this test may mount, and has these programs. The reason is printed if not.
pub(crate) fn possible(programs: &[&str]) -> bool {
    if !rustix::process::geteuid().is_root() {
        tools::skip("only root can mount");
        return false;
    }
    tools::require(programs)
}

/// Runs a command that must succeed.
#[track_caller]
pub(crate) fn must(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Something mounted; gone with this value.
pub(crate) struct Mount {
    pub(crate) path: PathBuf,
}

impl Mount {
    /// `mount` with these arguments and a folder, which is made.
    #[track_caller]
    pub(crate) fn new(path: &Path, arguments: &[&str]) -> Self {
        fs::create_dir_all(path).unwrap();
        let text = path.to_str().unwrap();
        must("mount", &[arguments, &[text]].concat());
        Self {
            path: path.to_owned(),
        }
    }

    /// A fresh file system in a file beside the folder.
    #[track_caller]
    pub(crate) fn disk(path: &Path, megabytes: u64, make: &[&str]) -> Self {
        let image = image(path);
        fs::File::create(&image)
            .unwrap()
            .set_len(megabytes << 20)
            .unwrap();
        let image = image.to_str().unwrap();
        must(make[0], &[&make[1..], &[image]].concat());
        Self::new(path, &["-o", "loop", image])
    }

    /// Takes it away and mounts it again, as after a restart of the machine.
    #[track_caller]
    pub(crate) fn again(&self) {
        let path = self.path.to_str().unwrap();
        must("umount", &[path]);
        must(
            "mount",
            &["-o", "loop", image(&self.path).to_str().unwrap(), path],
        );
    }
}

fn image(path: &Path) -> PathBuf {
    path.with_extension("img")
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Whatever still uses it: the mount point is not seen any more.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status();
    }
}
