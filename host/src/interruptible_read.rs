//! Reading what may be a long time in coming, such as a list that somebody types, without being deaf to signals.
//!
//! The kernel restarts a `read` that one of our signals interrupts, and the signal may be another thread's. So it is
//! only read what is there, and between looks there is time to notice that the run was asked to stop.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::signals;

/// How long a signal may go unnoticed.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};
/// How much is read at once: what a pipe holds.
const PIECE: usize = 64 << 10;

/// Opens a file for [`read_to_end`]: one without a writer, if it is a FIFO, is not waited for here.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    File::options().read(true).custom_flags(flags).open(path)
}

/// Reads all that comes, at most `limit` bytes; what came until then where the run is asked to stop.
pub(super) fn read_to_end(mut file: impl Read + AsFd, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; PIECE];
    while signals::caught().is_none() && (bytes.len() as u64) < limit {
        let ready = poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&LOOK));
        match ready {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(errno.into()),
        }
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                ) => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{open, read_to_end};

    #[test]
    fn pipes_and_files_are_read_to_their_end_or_limit() {
        let (from, mut into) = std::io::pipe().unwrap();
        let writer = std::thread::spawn(move || {
            for _ in 0..3 {
                std::thread::sleep(std::time::Duration::from_millis(120));
                into.write_all(&[b'x'; 40_000]).unwrap();
            }
        });
        assert_eq!(read_to_end(from, u64::MAX).unwrap().len(), 120_000);
        writer.join().unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'y'; 200_000]).unwrap();
        let read = |limit| {
            read_to_end(open(file.path()).unwrap(), limit)
                .unwrap()
                .len()
        };
        assert_eq!(
            [read(10), read(200_000), read(u64::MAX)],
            [10, 200_000, 200_000]
        );
        let folder = open(&std::env::temp_dir()).unwrap();
        assert!(read_to_end(folder, 10).is_err());
    }
}
