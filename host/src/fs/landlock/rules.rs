//! The rules of the Landlock sandbox, and the call that puts them in force.

use std::fmt::Display;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, LandlockStatus,
    PathBeneath, RestrictSelfAttr as _, Ruleset as KernelRuleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::io::Errno;

use super::super::{OsError, OsResultExt as _, retry};

/// The newest version of Landlock that is used. An older kernel enforces less, a newer one not more.
const KNOWN: ABI = ABI::V10;

/// The use of Landlock that the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Sandbox {
    /// Fail where the kernel cannot do it
    Require,
    /// Where the kernel can do it
    #[default]
    Auto,
    /// Not at all
    Off,
}

/// Access that stays allowed in a directory and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading, and linking files to other directories.
    ReadAndLink,
    /// Adding files and links, and removing names.
    Link,
    /// Like [`Self::Link`], and writing.
    Write,
    /// Renaming and removing directories.
    Publish,
    /// Listing and removing.
    Delete,
}

/// How many trees an output is built in; see the documentation of [`landlock`](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputTrees {
    /// One for everything.
    One,
    /// One for links and one for written files.
    Two,
}

/// A kernel that cannot confine the process, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("this kernel cannot enforce the Landlock sandbox: {0}")]
pub struct Unavailable(&'static str);

/// Rules that are not in force yet.
#[derive(Debug)]
pub struct Ruleset {
    sandbox: Sandbox,
    /// `None`: the process will not be confined.
    ruleset: Option<RulesetCreated>,
}

/// The extent to which the process is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforced {
    /// The version of Landlock that the kernel has. `None`: the process is not confined.
    pub abi: Option<i32>,
}

impl Ruleset {
    /// Makes a ruleset that allows nothing yet. Fails with [`LandlockError::Unavailable`] where the sandbox is required
    /// and the kernel cannot enforce it.
    pub fn plan(sandbox: Sandbox) -> Result<Self, LandlockError> {
        // Without `Refer` (Linux 5.19) the kernel refuses every link between directories; without `Truncate` (Linux
        // 6.2) the source's files can be truncated.
        let needed = match sandbox {
            Sandbox::Off => None,
            Sandbox::Auto => Some(AccessFs::Refer),
            Sandbox::Require => Some(AccessFs::Truncate),
        };
        let possible = needed.is_some_and(is_supported);
        if sandbox == Sandbox::Require && !possible {
            return Err(Unavailable(why_unavailable()).into());
        }
        let ruleset = possible
            .then(|| handle_all().map_err(|error| os_error("landlock_create_ruleset", &error)))
            .transpose()?;
        Ok(Self { sandbox, ruleset })
    }

    /// How many trees an output has to be built in under these rules.
    pub fn output_trees(&self) -> OutputTrees {
        match self.ruleset {
            Some(_) => OutputTrees::Two,
            None => OutputTrees::One,
        }
    }

    /// Allows access to a directory and all below it. `path` is for messages.
    pub(crate) fn allow_path(
        &mut self,
        directory: impl AsFd,
        access: Access,
        path: impl Display,
    ) -> Result<(), LandlockError> {
        let Some(ruleset) = &mut self.ruleset else {
            return Ok(());
        };
        let added = retry(|| {
            let rule = PathBeneath::new(&directory, access.rights());
            let added = ruleset.add_rule(rule);
            added.map(drop).map_err(|error| errno(&error))
        });
        Ok(added.during("fstat or landlock_add_rule", path)?)
    }

    /// Puts the rules in force for this thread and for all that it starts, for good. To be called while there is no other
    /// thread; with [`Sandbox::Require`] that is checked, unless the kernel can confine all threads at once.
    pub fn restrict(self) -> Result<Enforced, LandlockError> {
        let Some(ruleset) = self.ruleset else {
            return Ok(Enforced { abi: None });
        };
        let single = self.sandbox != Sandbox::Require || is_single_threaded();
        let status = ruleset
            .all_threads(true)
            .and_then(RulesetCreated::restrict_self)
            .map_err(|error| os_error("landlock_restrict_self", &error))?;
        if !single && !status.all_threads {
            return Err(LandlockError::OtherThreads);
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

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
pub enum LandlockError {
    /// The sandbox is required, and the kernel cannot enforce it.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A system call failed.
    #[error(transparent)]
    OsError(#[from] OsError),
    /// A thread is running that the rules would not bind.
    #[error("a thread was started before the Landlock sandbox")]
    OtherThreads,
}

impl Access {
    /// The rights that the kernel grants for this.
    fn rights(self) -> BitFlags<AccessFs> {
        use AccessFs::{
            MakeReg, ReadDir, ReadFile, Refer, RemoveDir, RemoveFile, Truncate, WriteFile,
        };
        match self {
            Self::Read => ReadFile | ReadDir,
            Self::ReadAndLink => ReadFile | ReadDir | Refer,
            Self::Link => ReadDir | RemoveDir | RemoveFile | MakeReg | Refer,
            // Truncating a file that may be written anyway is harmless, and with it the kernel decides sooner.
            Self::Write => Self::Link.rights() | ReadFile | WriteFile | Truncate,
            Self::Publish => RemoveDir.into(),
            Self::Delete => ReadDir | RemoveDir | RemoveFile,
        }
    }
}

/// A ruleset that forbids everything that Landlock knows, but making directories.
fn handle_all() -> Result<RulesetCreated, RulesetError> {
    KernelRuleset::default()
        .handle_access(AccessFs::from_all(KNOWN) & !BitFlags::from(AccessFs::MakeDir))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()
}

/// Tells whether the kernel can control this right.
fn is_supported(access: AccessFs) -> bool {
    KernelRuleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(access)
        .is_ok()
}

/// Asks the kernel why it cannot confine the process. This may confine it; the run ends here anyway.
fn why_unavailable() -> &'static str {
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

/// Tells whether there is only one thread. A thread that has done its work (the compiler's have) may take a moment to be gone.
/// `true` where there is no `/proc` to ask.
fn is_single_threaded() -> bool {
    /// Two for the directory itself, and one for each thread.
    const LINKS: u64 = 3;
    const MAX_WAIT: Duration = Duration::from_secs(2);
    let deadline = Instant::now() + MAX_WAIT;
    loop {
        let links = std::fs::metadata("/proc/self/task").map_or(LINKS, |task| task.nlink());
        if links <= LINKS || Instant::now() > deadline {
            return links <= LINKS;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn os_error(call: &'static str, error: &RulesetError) -> LandlockError {
    OsError::new(call, "", errno(error)).into()
}

/// The error number at the bottom of the library's chain of errors.
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
