//! Overlay file systems, on which containers run: files of a lower layer must not be linked.
//!
//! Linking such a file first copies all its data into the upper layer, without a word. The link is made, but of the
//! copy, which also takes the place of the source's file.
//!
//! `stat` does not tell the layer of a file. But the overlay names each inode by a handle, and a flag in it says
//! whether the inode is in the upper layer (`OVL_FH_FLAG_PATH_UPPER` in the kernel's `fs/overlayfs/overlayfs.h`, since
//! Linux 6.6 for every overlay). `/proc` shows the handle of an inode that `inotify` watches, so no privilege is needed.

use std::io::Read as _;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use data_encoding::HEXLOWER;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{CWD, Mode, OFlags};

use super::retry::retry;

/// `OVERLAYFS_SUPER_MAGIC` in the kernel's `linux/magic.h`.
const OVERLAY: u64 = 0x794c_7630;
/// `OVL_FILEID_V1`: the type of handle that has the flag.
const HANDLE_TYPE: &str = "fhandle-type:f8";
/// Position of the flags in a handle, after three bytes of padding, version, magic number and length.
const FLAGS_AT: usize = 6;
/// The magic number, right before the length.
const MAGIC: u8 = 0xfb;
/// The flag of an inode in the upper layer.
const UPPER: u8 = 1 << 2;

/// Tells whether a directory is on an overlay file system.
pub(super) fn is_overlay(dir: BorrowedFd<'_>) -> bool {
    retry(|| rustix::fs::fstatfs(dir)).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(OVERLAY))
}

/// Tells whether a file on an overlay is in a lower layer. `false` where the kernel does not tell.
pub(super) fn is_lower(file: BorrowedFd<'_>) -> bool {
    handle(file).is_some_and(|handle| handle.get(FLAGS_AT).is_some_and(|flags| flags & UPPER == 0))
}

/// The handle by which the overlay names a file.
fn handle(file: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let watch = inotify::init(CreateFlags::CLOEXEC).ok()?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    inotify::add_watch(&watch, path, WatchFlags::DELETE_SELF).ok()?;
    parse(&fd_info(&watch)?)
}

/// The text in `/proc` about a file descriptor.
fn fd_info(watch: &OwnedFd) -> Option<String> {
    let path = format!("/proc/self/fdinfo/{}", watch.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()?;
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Reads the handle out of the line of a watch.
fn parse(fd_info: &str) -> Option<Vec<u8>> {
    let line = fd_info.lines().find(|line| line.contains(HANDLE_TYPE))?;
    let (_, digits) = line.split_once("f_handle:")?;
    let handle = HEXLOWER.decode(digits.trim().as_bytes()).ok()?;
    (handle.get(FLAGS_AT - 2) == Some(&MAGIC)).then_some(handle)
}

#[cfg(test)]
mod tests {
    use super::{FLAGS_AT, UPPER, is_lower, parse};
    use std::os::fd::AsFd as _;

    /// As Linux 6.18 shows them.
    #[test]
    fn the_layer_is_read_from_the_line_of_a_watch() {
        let flags = |handle: &str| {
            let line = format!(
                "pos:\t0\ninotify wd:1 ino:17 sdev:27 mask:400 ignored_mask:0 fhandle-bytes:24 {handle}\n"
            );
            parse(&line).map(|handle| handle[FLAGS_AT] & UPPER != 0)
        };
        let rest = "a88240073f45b5b3575294b8e61302e8806f941100000000000000";
        assert_eq!(
            flags(&format!(
                "fhandle-type:f8 f_handle:00000000fb2100011d{rest}"
            )),
            Some(false)
        );
        assert_eq!(
            flags(&format!(
                "fhandle-type:f8 f_handle:00000000fb2104011d{rest}"
            )),
            Some(true)
        );
        assert_eq!(
            flags("fhandle-type:1 f_handle:e8806f941100000000000000"),
            None
        );
        assert_eq!(flags("fhandle-type:f8 f_handle:00000000fa2104011d"), None);
        assert_eq!(flags("fhandle-type:f8 f_handle:zz"), None);
    }

    #[test]
    fn a_file_on_another_file_system_is_not_in_a_lower_layer() {
        assert!(!is_lower(tempfile::tempfile().unwrap().as_fd()));
    }
}
