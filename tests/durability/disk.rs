//! File systems of our own, mounted for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regcarve_test_support::tools;

/// Tells whether this test may mount, and has these programs. The reason is printed if not.
pub(crate) fn possible(programs: &[&str]) -> bool {
    if !rustix::process::geteuid().is_root() {
        tools::skip("only root can mount");
        return false;
    }
    tools::require(programs)
}

/// Runs a command that must succeed, and gives what it printed.
#[track_caller]
pub(crate) fn must(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Something mounted; gone with this value.
pub(crate) struct Mount {
    pub(crate) path: PathBuf,
    /// The device that a file system in a file is mounted from. It stays when the file system is mounted again, so that
    /// files keep their device number, whatever other tests mount meanwhile.
    device: Option<String>,
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
            device: None,
        }
    }

    /// A fresh file system in a file beside the folder.
    #[track_caller]
    pub(crate) fn disk(path: &Path, megabytes: u64, make: &[&str]) -> Self {
        let image = path.with_extension("img");
        fs::File::create(&image)
            .unwrap()
            .set_len(megabytes << 20)
            .unwrap();
        let image = image.to_str().unwrap();
        must(make[0], &[&make[1..], &[image]].concat());
        let device = must("losetup", &["--find", "--show", image]);
        let device = device.trim().to_owned();
        let mut mount = Self::new(path, &[&device]);
        mount.device = Some(device);
        mount
    }

    /// Takes it away and mounts it again, as after a restart of the machine.
    #[track_caller]
    pub(crate) fn again(&self) {
        let path = self.path.to_str().unwrap();
        must("umount", &[path]);
        must("mount", &[self.device.as_deref().unwrap(), path]);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Whatever still uses it: the mount point is not seen any more.
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(&self.path)
            .status();
        if let Some(device) = &self.device {
            // Gone as soon as it is not in use.
            let _ = Command::new("losetup").args(["--detach", device]).status();
        }
    }
}
