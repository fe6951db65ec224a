//! An unchanged release is noticed and left alone.
//!
//! Pipelines run the same stage again and again, most often with nothing new. With `--replace` a run leaves a stamp
//! beside its output: what it was asked, every path of the source that it looked at, and everything that it made.
//! The next run that is asked the same looks at all these paths again ([`Witness`]), which takes a few milliseconds;
//! if each is as it was, the output is what this run would make, and stays as it is. Anything else, a stamp that
//! cannot be read included, and the run does its work.
//!
//! ```text
//! /srv/release                    the output
//! /srv/.release.regcarve/stamp    its stamp:
//!     regcarve stamp 1
//!     {"version": …}              what was asked, as JSON
//!     1764000000 5000 1764000001 0 42 4711    when reading began, when the output was complete; its device and inode
//!     {"images": …}               the report, as JSON
//!     source 4096                 a sheet of the source's journal, and its length in bytes
//!     …
//!     output 4096                 a sheet of the output's journal
//!     …
//!     9f86d0…                     sha256 of all lines above
//! ```
//!
//! Times are those of the file system, never of this machine: the stamp's mode is set to what it is, which changes nothing but
//! its `ctime`. Reading began at one such time. The output was complete before another one, which is later than any that it
//! shows: so what changes in it from then on is seen to be later. Clocks of file systems stand still for some milliseconds; one that
//! does for longer leaves no stamp, and neither does a source on another file system than the output, which may have another clock.
//!
//! A run opens the stamp before anything else, since behind the wall it could make no file there. It writes it last, when
//! nothing can fail any more: a run that fails leaves the stamp as it was, which still speaks of the output that is still
//! there. An empty one is removed, and the wall has a door for that: the stamp's folder, where there is nothing else.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use regcarve_names::Algorithm;
use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::capability::{
    FileTime, Grant, SourceTree, Wall, WallError, Witness, changed_of, open_root, read_sheet, retry,
};
use crate::hash;
use crate::pipeline::workers::{self, Jobs, Shift};
use crate::publish::split;

/// The first line; another version is another line.
const MAGIC: &str = "regcarve stamp 2";
/// The longest stamp, in bytes.
const MAX_STAMP: u64 = 256 << 20;

/// How long the clock of a file system is waited for, and how often it is looked at. It ticks at least 100 times a second, but where times are
/// kept in whole seconds.
const TICK: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_micros(500);

/// Its name in its folder.
const NAME: &str = "stamp";

/// A stamp's file, locked: only one run at a time has it.
struct Locked {
    file: File,
    folder: OwnedFd,
    /// Of the output and the stamp's folder alike.
    parent: Dir,
    /// Of the folder.
    name: String,
    /// The file system of all of them.
    device: u64,
}

impl Locked {
    /// Opens the stamp of an output, or an empty one. `None` where there can be none, or another run has it, or the
    /// output is not on this file system.
    fn open(output: &Path, device: u64) -> Option<Self> {
        let (parent, name) = split(output).ok()?;
        let parent = open_root(&parent).ok()?;
        if rustix::fs::fstat(&parent).ok()?.st_dev != device {
            return None;
        }
        let name = format!(".{name}.regcarve");
        match retry(|| rustix::fs::mkdirat(&parent, &name, Mode::from_raw_mode(0o755))) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(_) => return None,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = retry(|| rustix::fs::openat(&parent, &name, flags, Mode::empty())).ok()?;
        let Some(file) = lock(&folder) else {
            remove_folder(&parent, &name);
            return None;
        };
        Some(Self {
            file,
            folder,
            parent,
            name,
            device,
        })
    }

    /// What time it is on the file system.
    fn now(&self) -> Option<FileTime> {
        let mode = rustix::fs::fstat(&self.file).ok()?.st_mode;
        retry(|| rustix::fs::fchmod(&self.file, Mode::from_raw_mode(mode))).ok()?;
        changed_of(&self.file).ok()
    }

    /// A time after all that an output shows. `None` if it does not come.
    fn time_after(&self, output: &Dir) -> Option<FileTime> {
        // It was opened to others and got its name when all was in it.
        let newest = changed_of(output).ok()?;
        let began = Instant::now();
        while began.elapsed() < TICK {
            let now = self.now()?;
            if now > newest {
                return Some(now);
            }
            std::thread::sleep(LOOK);
        }
        None
    }
}

impl Drop for Locked {
    /// A stamp that says nothing does not stay.
    fn drop(&mut self) {
        if self.file.metadata().is_ok_and(|file| file.len() == 0) {
            let _ = retry(|| rustix::fs::unlinkat(&self.folder, NAME, AtFlags::empty()));
            remove_folder(&self.parent, &self.name);
        }
    }
}

/// Opens and locks the file in a stamp's folder.
fn lock(folder: &OwnedFd) -> Option<File> {
    let flags =
        OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o644);
    let file = retry(|| rustix::fs::openat(folder, NAME, flags, mode)).ok()?;
    retry(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)).ok()?;
    let there = rustix::fs::fstat(&file).ok()?;
    // Written in place, so that another name of it would be written too. Without any it was removed before it was locked.
    let is_ours =
        FileType::from_raw_mode(there.st_mode) == FileType::RegularFile && there.st_nlink == 1;
    is_ours.then(|| file.into())
}

/// Removes a stamp's folder, unless there is something in it.
fn remove_folder(parent: &Dir, name: &str) {
    let _ = retry(|| rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR));
}

/// The stamp of an output, as it was found.
pub struct Draft {
    stamp: Locked,
    output: PathBuf,
}

impl Draft {
    /// Opens the stamp of an output, or an empty one. `None` where there can be none: another run has it, or the output is not on
    /// the file system of the source, which is that `device`.
    pub fn open(output: &Path, device: u64) -> Option<Self> {
        Some(Self {
            stamp: Locked::open(output, device)?,
            output: output.to_owned(),
        })
    }

    /// From here on a run may read what its stamp will speak of.
    pub fn begin(self) -> Option<Pending> {
        Some(Pending {
            began: self.stamp.now()?,
            stamp: self.stamp,
        })
    }

    /// What it says, if it was made for what is asked now.
    pub fn read(&self, asked: &str) -> Option<Stamp> {
        let mut text = String::new();
        (&self.stamp.file)
            .take(MAX_STAMP)
            .read_to_string(&mut text)
            .ok()?;
        let lines = text.get(..text.rfind('\n')? + 1)?;
        let seal = hash::digest(Algorithm::Sha256, lines.as_bytes());
        if text[lines.len()..] != *seal.hex() {
            return None;
        }
        let mut lines = text.splitn(4, '\n');
        if lines.next()? != MAGIC || lines.next()? != asked {
            return None;
        }
        let numbers: Vec<i64> = lines
            .next()?
            .split(' ')
            .map(|number| number.parse().ok())
            .collect::<Option<_>>()?;
        let [
            began,
            nanoseconds,
            complete,
            more_nanoseconds,
            device,
            inode,
        ] = numbers[..]
        else {
            return None;
        };
        let output = open_root(&self.output).ok()?;
        Some(Stamp {
            began: (began, nanoseconds),
            complete: (complete, more_nanoseconds),
            device: self.stamp.device,
            inode: (device.cast_unsigned(), inode.cast_unsigned()),
            output,
            text,
        })
    }
}

/// A stamp that is to be written.
pub struct Pending {
    stamp: Locked,
    began: FileTime,
}

impl Pending {
    /// Leaves a door to it in the wall.
    pub fn allow(&self, wall: &mut Wall) -> Result<(), WallError> {
        wall.allow(&self.stamp.folder, Grant::Remove, &self.stamp.name)
    }

    /// Writes it, once the output has its name. Without notes it becomes one that says nothing. Trouble is not worth a
    /// word: the next run does all its work.
    pub fn finish(mut self, output: &Dir, asked: &str, report: &str, notes: Option<&Notes>) {
        let text = notes.and_then(|notes| self.text(output, asked, report, notes));
        let _ = self.write(&text.unwrap_or_default());
    }

    fn write(&mut self, text: &str) -> std::io::Result<()> {
        let file = &mut self.stamp.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text.as_bytes())
    }

    fn text(&self, output: &Dir, asked: &str, report: &str, notes: &Notes) -> Option<String> {
        let there = rustix::fs::fstat(output).ok()?;
        let (began, nanoseconds) = self.began;
        let (complete, more_nanoseconds) = self.stamp.time_after(output)?;
        let mut text = format!(
            "{MAGIC}\n{asked}\n{began} {nanoseconds} {complete} {more_nanoseconds} {} {}\n{report}\n",
            there.st_dev, there.st_ino
        );
        for (kind, sheets) in [("source", &notes.source), ("output", &notes.output)] {
            for sheet in sheets {
                text += &format!("{kind} {}\n{sheet}", sheet.len());
            }
        }
        let seal = hash::digest(Algorithm::Sha256, text.as_bytes());
        text += &seal.hex();
        Some(text)
    }
}

/// Sheets of the journals of a source and of an output.
pub struct Notes {
    /// What was looked at.
    pub source: Vec<String>,
    /// What was made.
    pub output: Vec<String>,
}

/// What an earlier run left.
pub struct Stamp {
    text: String,
    began: FileTime,
    complete: FileTime,
    /// The file system that the times are of.
    device: u64,
    /// Of the output.
    inode: (u64, u64),
    output: Dir,
}

impl Stamp {
    /// The report of the run that left it, as JSON.
    pub fn report(&self) -> &str {
        self.text.split('\n').nth(3).unwrap_or_default()
    }

    /// Whether all that it speaks of is as it was. So many threads look.
    pub fn holds(&self, source: &SourceTree, jobs: Jobs) -> bool {
        /// How many paths a thread looks at before it asks whether there should be more threads: on a cold disk that are some
        /// milliseconds.
        const AT_A_TIME: u32 = 32;
        let root = rustix::fs::fstat(&self.output);
        if !root.is_ok_and(|root| (root.st_dev, root.st_ino) == self.inode)
            || !changed_of(&self.output).is_ok_and(|changed| changed < self.complete)
        {
            return false;
        }
        let Some(sheets) = self.sheets() else {
            return false;
        };
        let jobs = jobs.for_pieces(sheets.len());
        let queue = Mutex::new(sheets);
        let holds = AtomicBool::new(true);
        let look = |shift: &Shift<'_>| {
            let mut of_source = Witness::of_source(source, self.device, self.began);
            let mut of_output = Witness::new(self.output.as_fd(), self.device, self.complete);
            let mut looks = 0_u32;
            while let Some(sheet) = next(&queue) {
                let (witness, text) = match sheet {
                    Sheet::Source(text) => (&mut of_source, text),
                    Sheet::Output(text) => (&mut of_output, text),
                };
                let same = read_sheet(text, |path, sight| {
                    looks = looks.wrapping_add(1);
                    if looks.is_multiple_of(AT_A_TIME) {
                        shift.pause();
                    }
                    holds.load(Ordering::Relaxed) && witness.still(path, sight)
                });
                if !same {
                    holds.store(false, Ordering::Relaxed);
                }
            }
            Ok(())
        };
        let looked = workers::share(jobs, look, look);
        looked.is_ok() && holds.into_inner()
    }

    /// All sheets; nothing if the stamp is malformed.
    fn sheets(&self) -> Option<Vec<Sheet<'_>>> {
        let mut rest = self.text.splitn(5, '\n').nth(4)?;
        let mut sheets = Vec::new();
        while let Some((head, behind)) = rest.split_once('\n') {
            let (kind, length) = head.split_once(' ')?;
            let (text, behind) = behind.split_at_checked(length.parse().ok()?)?;
            sheets.push(match kind {
                "source" => Sheet::Source(text),
                "output" => Sheet::Output(text),
                _ => return None,
            });
            rest = behind;
        }
        Some(sheets)
    }
}

/// A sheet and the root that its paths are relative to.
#[derive(Clone, Copy)]
enum Sheet<'a> {
    Source(&'a str),
    Output(&'a str),
}

fn next<'a>(queue: &Mutex<Vec<Sheet<'a>>>) -> Option<Sheet<'a>> {
    queue
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .pop()
}
