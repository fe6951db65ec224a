//! Overlay file systems, on which containers run: files of a lower layer must not be linked.
//!
//! Linking such a file first copies all its data into the upper layer. The link is made, but it is a copy made in
//! silence, and one that also takes the place of the source's file.
//!
//! Nothing that `stat` says tells the layer. But the overlay names each inode by a handle, and a flag in it says
//! whether the upper layer has it (`OVL_FH_FLAG_PATH_UPPER` in the kernel's `fs/overlayfs/overlayfs.h`, since Linux
//! 6.6 for every overlay). `/proc` shows the handle of an inode that `inotify` watches, and so no privilege is
//! needed.

use std::io::Read as _;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{CWD, Mode, OFlags};

use super::retry::retry;

/// `OVERLAYFS_SUPER_MAGIC` in the kernel's `linux/magic.h`.
const OVERLAY: u64 = 0x794c_7630;
/// `OVL_FILEID_V1`: the kind of handle that has the flag.
const KIND: &str = "fhandle-type:f8";
/// Where in a handle the flags are: behind three bytes of padding, version, magic number and length.
const FLAGS_AT: usize = 6;
/// The magic number, right before the length.
const MAGIC: u8 = 0xfb;
const UPPER: u8 = 1 << 2;

/// Whether a directory is on an overlay.
pub(super) fn is_overlay(dir: BorrowedFd<'_>) -> bool {
    retry(|| rustix::fs::fstatfs(dir)).is_ok_and(|stat| u64::try_from(stat.f_type) == Ok(OVERLAY))
}

/// Whether a file on an overlay is known to be in a lower layer. Where the kernel does not tell, it is not
/// known.
pub(super) fn is_lower(file: BorrowedFd<'_>) -> bool {
    handle(file).is_some_and(|handle| handle.get(FLAGS_AT).is_some_and(|flags| flags & UPPER == 0))
}

fn handle(file: BorrowedFd<'_>) -> Option<Vec<u8>> {
    let watch = inotify::init(CreateFlags::CLOEXEC).ok()?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    inotify::add_watch(&watch, path, WatchFlags::DELETE_SELF).ok()?;
    parse(&info(&watch)?)
}

fn info(watch: &OwnedFd) -> Option<String> {
    let path = format!("/proc/self/fdinfo/{}", watch.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()?;
    let mut text = String::new();
    std::fs::File::from(file).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The handle in the line of a watch.
fn parse(info: &str) -> Option<Vec<u8>> {
    let line = info.lines().find(|line| line.contains(KIND))?;
    let (_, digits) = line.split_once("f_handle:")?;
    let bytes: Option<Vec<u8>> = digits
        .trim()
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    bytes.filter(|bytes| bytes.get(FLAGS_AT - 2) == Some(&MAGIC))
}

#[cfg(test)]
mod tests {
    use super::{FLAGS_AT, UPPER, is_lower, parse};
    use std::os::fd::AsFd as _;

    /// As Linux 6.18 shows them.
    #[test]
    fn handles_are_found_in_the_lines_of_watches() {
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
    fn a_file_elsewhere_is_in_no_layer() {
        assert!(!is_lower(tempfile::tempfile().unwrap().as_fd()));
    }
}
