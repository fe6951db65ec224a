//! The second wall: what the kernel still lets this process do once it stands (Landlock).
//!
//! The types beside this file decide what a run touches. Should a guest break out of its sandbox, or should a
//! defect lead one of these types astray, this wall is what is left: the kernel refuses, whoever asks.
//!
//! ```text
//! place                      stays allowed                         so that
//! source                     read; be linked from                  no file of it is written, cut, removed or added to
//! staging, links             add links and files' names, remove    a link can never be opened for writing
//! staging, written files     the same, and write                   nothing can be linked into it: see below
//! folder of an output        rename or remove directories          the output gets its name
//! an output to be replaced   list, remove                          it goes when the new one has its name
//! everything else            making directories                    see below
//! ```
//!
//! - The kernel refuses a link that would make a file writable where it was not (`EXDEV`). So written files are born in
//!   a tree of their own, and what is linked can not get there.
//! - Directories can be made anywhere: half of the entries of an output are directories, and watching them costs more
//!   than watching all the rest. Nothing can be put into one.
//! - Files that were opened before the wall stands stay open as they are: standard streams, the report.
//! - No TCP port is bound or connected to (Linux 6.7), no signal sent to and no abstract socket connected to outside of
//!   this process (Linux 6.12), no UDP, no named socket (as kernels learn it).
//! - Landlock does not watch `chmod`, `chown`, `utimensat` and `setxattr`.
//!
//! A wall holds for the thread that raises it and for those that it starts later. So it is raised before there is a
//! second one, or for all of them at once where the kernel can do that (Linux 7.0).

use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    PathBeneath, RestrictSelfAttr as _, Ruleset as KernelRuleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::io::Errno;

use super::{OsError, retry};

pub mod merge_trees;
pub mod split_output;

/// What is known here of Landlock; kernels that know less do less, kernels that know more do no more.
const KNOWN: ABI = ABI::V10;

/// The use of Landlock, as `--sandbox` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Sandbox {
    /// Fail where the kernel lacks Landlock
    Require,
    /// Use Landlock where the kernel has it
    #[default]
    Auto,
    /// Do not use Landlock
    Off,
}

/// What stays allowed in a place and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading, and giving files more names elsewhere.
    ReadAndLink,
    /// Giving files names here, and removing names.
    Link,
    /// The same, and writing.
    Write,
    /// Renaming and removing directories.
    Publish,
    /// Listing and removing.
    Delete,
}

/// Why there can be no wall.
#[derive(Debug, Clone, thiserror::Error)]
#[error("this kernel cannot fence the run in: {0}")]
pub struct Unavailable(&'static str);

/// A wall that does not stand yet.
#[derive(Debug)]
pub struct Ruleset {
    wanted: Sandbox,
    /// `None`: there will be no wall.
    ruleset: Option<RulesetCreated>,
}

/// A wall that stands, or the lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforced {
    /// The version of Landlock that the kernel has. `None`: there is no wall.
    pub abi: Option<i32>,
}

impl Ruleset {
    /// Finds out what the kernel has.
    pub fn plan(wanted: Sandbox) -> Result<Self, LandlockError> {
        // Without `Refer` (Linux 5.19) the kernel refuses every link between directories; without `Truncate` (Linux
        // 6.2) the source's files can be cut.
        let needed = match wanted {
            Sandbox::Off => None,
            Sandbox::Auto => Some(AccessFs::Refer),
            Sandbox::Require => Some(AccessFs::Truncate),
        };
        let possible = needed.is_some_and(knows);
        if wanted == Sandbox::Require && !possible {
            return Err(Unavailable(why_not()).into());
        }
        let ruleset = possible
            .then(|| ruleset().map_err(|error| fault("landlock_create_ruleset", &error)))
            .transpose()?;
        Ok(Self { wanted, ruleset })
    }

    /// Whether there will be a wall.
    pub fn will_stand(&self) -> bool {
        self.ruleset.is_some()
    }

    /// Leaves a door: what stays allowed below a directory. `shown` is for messages.
    pub(crate) fn allow(
        &mut self,
        directory: impl AsFd,
        grant: Access,
        shown: &str,
    ) -> Result<(), LandlockError> {
        let Some(ruleset) = &mut self.ruleset else {
            return Ok(());
        };
        retry(|| {
            let door = PathBeneath::new(&directory, grant.rights());
            let added = ruleset.add_rule(door);
            added.map(drop).map_err(|error| errno(&error))
        })
        .map_err(|errno| OsError::new("fstat or landlock_add_rule", shown, errno).into())
    }

    /// Raises it. From here on there is no way back, for this thread and for all that it starts.
    pub fn raise(self) -> Result<Enforced, LandlockError> {
        let Some(ruleset) = self.ruleset else {
            return Ok(Enforced { abi: None });
        };
        let alone = self.wanted != Sandbox::Require || alone();
        let fail = |error| fault("landlock_restrict_self", &error);
        let status = ruleset
            .all_threads(true)
            .and_then(RulesetCreated::restrict_self)
            .map_err(fail)?;
        if !alone && !status.all_threads {
            return Err(LandlockError::Threads);
        }
        let abi = match status.landlock {
            LandlockStatus::Available {
                effective_abi,
                kernel_abi,
            } if status.ruleset != RulesetStatus::NotEnforced => {
                Some(kernel_abi.unwrap_or(effective_abi as i32))
            }
            _ => None,
        };
        Ok(Enforced { abi })
    }
}

/// Why a wall could not be raised.
#[derive(Debug, thiserror::Error)]
pub enum LandlockError {
    /// It was demanded, and there is none to be had.
    #[error(transparent)]
    Missing(#[from] Unavailable),
    /// The system refused a step.
    #[error(transparent)]
    OsError(#[from] OsError),
    /// EntryKind is a thread that it would not hold.
    #[error("a thread was started before the wall")]
    Threads,
}

impl Access {
    fn rights(self) -> BitFlags<AccessFs> {
        use AccessFs::{
            MakeReg, ReadDir, ReadFile, Refer, RemoveDir, RemoveFile, Truncate, WriteFile,
        };
        match self {
            Self::Read => ReadFile | ReadDir,
            Self::ReadAndLink => ReadFile | ReadDir | Refer,
            Self::Link => ReadDir | RemoveDir | RemoveFile | MakeReg | Refer,
            // Cutting a file that may be written gives nothing away, and with it the kernel finds its answer sooner.
            Self::Write => Self::Link.rights() | ReadFile | WriteFile | Truncate,
            Self::Publish => RemoveDir.into(),
            Self::Delete => ReadDir | RemoveDir | RemoveFile,
        }
    }
}

/// Everything that the kernel is to watch.
fn ruleset() -> Result<RulesetCreated, RulesetError> {
    KernelRuleset::default()
        .handle_access(AccessFs::from_all(KNOWN) & !BitFlags::from(AccessFs::MakeDir))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()
}

/// Whether the kernel can watch this.
fn knows(access: AccessFs) -> bool {
    KernelRuleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(access)
        .is_ok()
}

/// Asks the kernel for its reason. Where there is no Landlock this changes nothing but that the process can gain no
/// privileges any more, and the run ends here.
fn why_not() -> &'static str {
    let status = KernelRuleset::default()
        .handle_access(AccessFs::Execute)
        .and_then(KernelRuleset::create)
        .and_then(RulesetCreated::restrict_self)
        .map(|status| status.landlock);
    match status {
        Ok(LandlockStatus::NotEnabled) => "Landlock is switched off (see `lsm=` of its boot line)",
        Ok(LandlockStatus::Available { .. }) => "its Landlock is too old; Linux 6.2 is needed",
        _ => "it has no Landlock, or a filter of the container refuses it",
    }
}

/// Whether this is the only thread. One that has done its work (the compiler's have) may take a moment to be gone.
/// Where there is no `/proc` to ask, nobody contradicts.
fn alone() -> bool {
    /// Two for the directory itself, and one for each thread.
    const LINKS: u64 = 3;
    const PATIENCE: Duration = Duration::from_secs(2);
    let until = Instant::now() + PATIENCE;
    loop {
        let links = std::fs::metadata("/proc/self/task").map_or(LINKS, |task| task.nlink());
        if links <= LINKS || Instant::now() > until {
            return links <= LINKS;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn fault(call: &'static str, error: &RulesetError) -> LandlockError {
    OsError::new(call, "", errno(error)).into()
}

/// What the system answered, below all that the library says about it.
fn errno(error: &RulesetError) -> Errno {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut errno = Errno::INVAL;
    while let Some(error) = cause {
        if let Some(found) = error
            .downcast_ref::<std::io::Error>()
            .and_then(Errno::from_io_error)
        {
            errno = found;
        }
        cause = error.source();
    }
    errno
}
