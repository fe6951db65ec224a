//! What `run` and `plan` share: from the command line to a plan.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use regcarve_types::{Pattern, Platform};
use rlimit::{Resource, getrlimit};
use rustix::io::Errno;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::cli::{PlatformMode, Release};
use crate::error::Error;
use crate::fs::{Access, Enforced, OsError, Ruleset, Sandbox, SourceTree, retry_io};
use crate::interruptible_read;
use crate::options::ComponentOptions;
use crate::pipeline::decide;
use crate::pipeline::open_files::{self, OpenFileBudget};
use crate::pipeline::resolve::{Resolved, Resolver};
use crate::pipeline::select::{Catalog, Selection};
use crate::pipeline::suggest;
use crate::pipeline::workers::Jobs;
use crate::progress::Progress;
use crate::release::plan::Plan;
use crate::release::problem::{Problem, Severity};
use crate::release::request::{Origin, Request};
use crate::report::{ComponentRow, Report, SandboxRow, milliseconds};
use crate::signals;
use crate::spec::{ComponentSpec, PolicySpec, StorageSpec};
use crate::text;
use crate::wasm::roles::policy::Policy;
use crate::wasm::roles::reader::Reader;
use crate::wasm::roles::selector::Selector;
use crate::wasm::{Component, Engine, Limits, LogLevel, Role};

/// The longest list, in bytes: about a million lines.
const MAX_LIST: u64 = 64 << 20;

/// Engine, source and progress: what every command with a storage needs.
///
/// First everything is opened and read that lies outside of the storages: components, lists, settings. Then
/// [`Session::fence`] raises the wall, and only then a component is started.
pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) source: Arc<SourceTree>,
    pub(super) reader: Component,
    pub(super) progress: Progress,
    require_pins: bool,
    handles: OpenFileBudget,
    /// Until it is raised.
    wall: Option<Ruleset>,
}

impl Session {
    pub(super) fn open(source: &StorageSpec, options: &ComponentOptions) -> Result<Self, Error> {
        // First of all: see there.
        let handles = OpenFileBudget::of_process()?;
        let wall = Ruleset::plan(options.sandbox)?;
        let progress = Progress::new(true);
        let engine = engine(options, &progress)?;
        let tree = SourceTree::open(&source.path).map_err(Error::system("open the source"))?;
        let reader = Component::load(&engine, Role::Reader, &source.format, options.require_pins)?;
        Ok(Self {
            engine,
            source: Arc::new(tree),
            reader,
            progress,
            require_pins: options.require_pins,
            handles,
            wall: Some(wall),
        })
    }

    /// The wall, to leave doors in it; `None` once it stands.
    pub(super) fn wall(&mut self) -> Option<&mut Ruleset> {
        self.wall.as_mut()
    }

    /// Raises the wall. Nothing outside of the storages can be opened any more.
    pub(super) fn fence(&mut self, grant: Access) -> Result<SandboxRow, Error> {
        let Some(mut wall) = self.wall.take() else {
            return Ok(SandboxRow::default());
        };
        self.source.allow(&mut wall, grant)?;
        let raised = raise(wall)?;
        Ok(SandboxRow {
            landlock_abi: raised.abi.unwrap_or(0),
        })
    }

    pub(super) fn load(&self, role: Role, spec: &ComponentSpec) -> Result<Component, Error> {
        Ok(Component::load(
            &self.engine,
            role,
            spec,
            self.require_pins,
        )?)
    }

    pub(super) fn start_reader(&self) -> Result<Reader, Error> {
        Reader::start(&self.reader, &self.source)
    }
}

/// Raises the wall around a command that has no storage: nothing can be opened any more.
pub(super) fn fence(sandbox: Sandbox) -> Result<(), Error> {
    raise(Ruleset::plan(sandbox)?).map(drop)
}

fn raise(wall: Ruleset) -> Result<Enforced, Error> {
    // What is read from the system for good, while it can be.
    cpus();
    Ok(wall.restrict()?)
}

/// An engine whose components log to standard error.
pub(super) fn engine(options: &ComponentOptions, progress: &Progress) -> Result<Engine, Error> {
    let verbose = options.verbose;
    let progress = progress.clone();
    let sink = Arc::new(move |level: LogLevel, name: &str, line: &str| {
        if level < LogLevel::Debug || verbose {
            progress.message(&format!("{name}: {line}"));
        }
    });
    Engine::new(options.limits.clone(), sink, !options.no_cache)
}

/// An engine with the limits that hold where the user says nothing.
pub(super) fn default_engine(progress: &Progress) -> Result<Engine, Error> {
    let progress = progress.clone();
    let sink = Arc::new(move |_: LogLevel, name: &str, line: &str| {
        progress.message(&format!("{name}: {line}"))
    });
    Engine::new(Limits::default(), sink, true)
}

/// How many jobs there are while they mostly wait for the disk. With more a cold disk is no faster.
const WAITING_JOBS: usize = 32;

/// How many jobs there are: as many as the user says; or as many as the machine has CPUs, and more while they wait. Each of
/// them must be able to have enough open files.
pub(super) fn jobs(wanted: Option<std::num::NonZeroUsize>) -> Jobs {
    let possible = open_files::most_jobs();
    match wanted {
        Some(wanted) => Jobs::exactly(possible.min(wanted.into())),
        None if address_space_is_limited() => Jobs::exactly(possible.min(cpus())),
        None => Jobs::growing(possible.min(cpus()), possible.min(WAITING_JOBS)),
    }
}

/// Whether there is a limit of addresses (`ulimit -v`). Each job takes many at once, for memory that a component may never
/// use, and the run ends where there are none left.
fn address_space_is_limited() -> bool {
    getrlimit(Resource::AS).is_ok_and(|(current, _)| current != rlimit::INFINITY)
}

/// The CPUs that this process may use.
fn cpus() -> usize {
    static CPUS: OnceLock<usize> = OnceLock::new();
    *CPUS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Texts that the user gives, each read once: a pipe gives its text only once, and a file may change.
pub(super) struct Inputs {
    /// Names and texts of the lists.
    pub(super) lists: Vec<(String, String)>,
    /// The settings of each policy in the [`chain`], as JSON.
    pub(super) settings: Vec<String>,
    /// Lists that are no text.
    wrong: Vec<Problem>,
}

impl Inputs {
    fn read(policies: &[PolicySpec], paths: &[PathBuf]) -> Result<Self, Error> {
        let settings = policies.iter().map(settings).collect::<Result<_, _>>()?;
        let (mut lists, mut wrong) = (Vec::new(), Vec::new());
        for list in paths {
            match read_list(list) {
                Ok(read) => lists.push(read),
                Err(Error::Problems(problems)) => wrong.extend(problems),
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            lists,
            settings,
            wrong,
        })
    }
}

/// What a release needs from outside of the storages.
pub(super) struct Prepared {
    /// Policies in the order in which they are asked, and their settings.
    policies: Vec<(Component, String)>,
    selector: Option<Component>,
    /// Names and texts.
    lists: Vec<(String, String)>,
    wrong: Vec<Problem>,
    took: Duration,
}

impl Prepared {
    /// Loads components, reads settings and lists if they are not given yet. No component is started.
    pub(super) fn read(session: &Session, release: &Release) -> Result<Self, Error> {
        let began = Instant::now();
        if release.lists.is_empty() && release.images.is_empty() && !release.all {
            return Err(Error::Usage(
                "nothing is asked for\n  hint: give --list FILE, --image REF or --all".into(),
            ));
        }
        if release.all && !(release.lists.is_empty() && release.images.is_empty()) {
            return Err(Error::Usage(
                "--all takes everything; leave out --list and --image".into(),
            ));
        }
        let chain = chain(release);
        let load = |spec: &PolicySpec| session.load(Role::Policy, &spec.component);
        let policies = chain.iter().map(load).collect::<Result<Vec<_>, _>>()?;
        let selector = match release.lists.as_slice() {
            [] => None,
            _ => Some(session.load(Role::Selector, &release.selector)?),
        };
        let given = Inputs::read(&chain, &find_lists(&release.lists)?)?;
        Ok(Self {
            policies: policies.into_iter().zip(given.settings).collect(),
            selector,
            lists: given.lists,
            wrong: given.wrong,
            took: began.elapsed(),
        })
    }
}

/// A plan, and all that is wrong with the release.
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) problems: Vec<Problem>,
}

/// From the command line to a plan, with all that is learnt on the way in `report`. Nothing is written.
pub(super) fn plan(
    session: &Session,
    release: &Release,
    outside: Prepared,
    report: &mut Report,
) -> Result<Planned, Error> {
    let began = Instant::now();
    report.components.push(ComponentRow::new(&session.reader));
    let mut policies = Vec::new();
    for (component, settings) in &outside.policies {
        report.components.push(ComponentRow::new(component));
        let mut policy = Policy::start(component, Arc::clone(&session.source))?;
        policy.configure(settings)?;
        policies.push(policy);
    }
    report.timing_ms.start = milliseconds(outside.took + began.elapsed());
    let (resolved, mut problems) = resolve(session, release, outside, report)?;

    let clock = Instant::now();
    session.progress.stage("deciding", resolved.images.len());
    let (plan, refused) = decide::decide(
        resolved.images,
        resolved.contents,
        &mut policies,
        &session.progress,
    )?;
    problems.extend(refused);
    problems.sort_by(|a, b| {
        (&a.origin, &a.reference, &a.path).cmp(&(&b.origin, &b.reference, &b.path))
    });
    report.timing_ms.decide = milliseconds(clock.elapsed());
    Ok(Planned { plan, problems })
}

/// From the command line to images, before any policy is asked, and all that is wrong with them.
pub(super) fn resolve(
    session: &Session,
    release: &Release,
    outside: Prepared,
    report: &mut Report,
) -> Result<(Resolved, Vec<Problem>), Error> {
    let clock = Instant::now();
    let mut reader = session.start_reader()?;
    let (requests, mut problems) = requests(release, outside, report)?;
    let mut catalog = Catalog::new(&mut reader);
    let selection = if release.all {
        let all = catalog.everything(&Origin::Flag("--all"))?;
        problems.extend(all.is_empty().then(nothing_there));
        all
    } else {
        let (selection, unmatched) = catalog.expand(&requests)?;
        problems.extend(unmatched);
        selection
    };
    report.timing_ms.requests = milliseconds(clock.elapsed());

    let clock = Instant::now();
    session.progress.stage("resolving", selection.len());
    let resolver = Resolver {
        component: &session.reader,
        source: &session.source,
        jobs: jobs(release.jobs),
        attached: !release.no_attached,
        handles: &session.handles,
    };
    let mut resolved = resolver.resolve(&selection, reader, &session.progress)?;
    hints(session, &mut resolved)?;
    problems.append(&mut resolved.problems);
    report.timing_ms.resolve = milliseconds(clock.elapsed());
    Ok((resolved, problems))
}

/// Whether a release with these problems may go on.
pub(super) fn acceptable(problems: &[Problem], allow_missing: bool) -> bool {
    problems
        .iter()
        .all(|problem| allow_missing && problem.severity == Severity::Missing)
}

/// All that lists and flags ask for, and what in them nobody can understand.
fn requests(
    release: &Release,
    outside: Prepared,
    report: &mut Report,
) -> Result<(Vec<Request>, Vec<Problem>), Error> {
    let mut requests = Vec::new();
    let mut wrong = outside.wrong;
    for image in &release.images {
        match Pattern::parse(image) {
            Ok(pattern) => requests.push(Request {
                pattern,
                origin: Origin::Flag("--image"),
            }),
            Err(error) => wrong.push(malformed(Origin::Flag("--image"), &error.to_string())),
        }
    }
    if let Some(component) = outside.selector {
        report.components.push(ComponentRow::new(&component));
        let mut selector = Selector::start(&component)?;
        for (name, content) in outside.lists {
            let (more, bad) = selector.parse(&name, &content)?;
            requests.extend(more);
            wrong.extend(
                bad.into_iter()
                    .map(|line| malformed(line.origin, &line.message)),
            );
        }
    }
    if requests.is_empty() && wrong.is_empty() && !release.all {
        return Err(Error::Usage(
            "the lists ask for nothing: every line is blank or a comment".into(),
        ));
    }
    Ok((requests, wrong))
}

/// A release of everything in a source that has nothing is most often a wrong path, and never what is meant.
fn nothing_there() -> Problem {
    Problem {
        severity: Severity::Missing,
        reference: "every image".into(),
        origin: Some(Origin::Flag("--all")),
        path: None,
        cause: "the source has no image with a tag".into(),
        hint: Some("are the format and the path of the source right?".into()),
    }
}

/// A line, or a flag, that is no reference: whatever it meant is not in the release.
fn malformed(origin: Origin, cause: &str) -> Problem {
    Problem {
        severity: Severity::Malformed,
        reference: "not a reference".into(),
        origin: Some(origin),
        path: None,
        cause: cause.into(),
        hint: None,
    }
}

/// Files as they are, folders as every `*.list` below them, sorted.
pub(super) fn find_lists(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut lists = Vec::new();
    for path in paths {
        lists.extend(files_below(path, "list")?);
    }
    Ok(lists)
}

/// A folder as all files below it with this ending, sorted; anything else as it is.
pub(super) fn files_below(path: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let there = (path.as_os_str() != "-").then(|| retry_io(|| std::fs::metadata(path)));
    // What is not there is found out when it is opened.
    if !there.is_some_and(|there| there.is_ok_and(|there| there.is_dir())) {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| no_folder(path, ending, &error))?;
        let ends = entry.path().extension().is_some_and(|its| its == ending);
        if ends && !entry.file_type().is_dir() {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        return Err(Error::Usage(format!(
            "there is no *.{ending} below {}",
            path.display()
        )));
    }
    Ok(files)
}

fn no_folder(path: &Path, ending: &str, error: &walkdir::Error) -> Error {
    let path = error.path().unwrap_or(path).display().to_string();
    let what = format!("look for *.{ending}");
    match error.io_error() {
        Some(error) => Error::system(what)(OsError::from_io("getdents64", path, error)),
        None => Error::Usage(format!("cannot {what}: {error}")),
    }
}

/// The name of a list for messages, and its text without byte order mark.
fn read_list(path: &Path) -> Result<(String, String), Error> {
    let name = path.display().to_string();
    let fail = |what: String| Error::Usage(format!("the list {name} {what}"));
    let bytes = if path.as_os_str() == "-" {
        interruptible_read::read_to_end(std::io::stdin().lock(), MAX_LIST + 1)
    } else {
        interruptible_read::open(path)
            .and_then(|file| interruptible_read::read_to_end(file, MAX_LIST + 1))
    };
    signals::check()?;
    let bytes =
        bytes.map_err(
            |error| match error.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::NOENT | Errno::ISDIR | Errno::NOTDIR | Errno::ACCESS) | None => {
                    fail(format!("cannot be read: {error}"))
                }
                Some(errno) => Error::system("read a list")(OsError::new("read", &*name, errno)),
            },
        )?;
    if bytes.len() as u64 > MAX_LIST {
        return Err(fail(format!("is longer than {}", text::bytes(MAX_LIST))));
    }
    let content = match String::from_utf8(bytes) {
        Ok(content) => content,
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            let byte = error.as_bytes()[good.len()];
            let origin = Origin::Line {
                list: name.into(),
                line: u32::try_from(line).unwrap_or(u32::MAX),
            };
            let cause = format!(
                "the byte 0x{byte:02x} at position {column} is not UTF-8; save the list as UTF-8"
            );
            return Err(Error::problem(malformed(origin, &cause)));
        }
    };
    let content = content
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(content);
    Ok((name, content))
}

/// All policies in the order in which they are asked. `--platform` comes last: what another policy drops need not
/// have the platforms.
pub(super) fn chain(release: &Release) -> Vec<PolicySpec> {
    let mut chain = release.policies.clone();
    if !release.platforms.is_empty() {
        let platforms: Vec<_> = release.platforms.iter().map(Platform::to_string).collect();
        let mode = match release.platform_mode {
            PlatformMode::Sparse => "sparse",
            PlatformMode::Strip => "strip",
        };
        chain.push(PolicySpec {
            component: ComponentSpec::Shipped("platforms".into()),
            settings: Some(json!({ "platforms": platforms, "mode": mode }).to_string()),
        });
    }
    chain
}

/// The settings of a policy as a JSON text.
pub(super) fn settings(spec: &PolicySpec) -> Result<String, Error> {
    let wrong = |what: String| Error::Usage(format!("the settings of {} {what}", spec.component));
    let Some(text) = spec.settings.as_deref() else {
        return Ok("{}".into());
    };
    let Some(path) = settings_file(spec) else {
        return as_json(text).map_err(|error| wrong(format!("are no JSON: {error}")));
    };
    let bytes = interruptible_read::open(Path::new(path))
        .and_then(|file| interruptible_read::read_to_end(file, MAX_LIST));
    signals::check()?;
    let text = bytes
        .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other))
        .map_err(|error| wrong(format!("in {path} cannot be read: {error}")))?;
    as_json(&text).map_err(|error| wrong(format!("in {path} are no JSON: {error}")))
}

/// The file that holds the settings of a policy.
fn settings_file(spec: &PolicySpec) -> Option<&str> {
    spec.settings.as_deref()?.strip_prefix('@')
}

/// JSON as it is, and any other text as a JSON string: a short form that only the policy understands. What begins
/// like an object or a list was meant to be one.
fn as_json(text: &str) -> Result<String, serde_json::Error> {
    let text = text.trim();
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(text.into()),
        Err(error) if text.starts_with(['{', '[']) => Err(error),
        Err(_) => serde_json::to_string(text),
    }
}

/// So many missing images get a hint: it is looked for among all names of a repository, and where more are missing, it is
/// the list or the source that is wrong and not a letter.
const HINTS: usize = 100;

/// For what is missing, the nearest names that there are.
fn hints(session: &Session, resolved: &mut Resolved) -> Result<(), Error> {
    if resolved.missing.is_empty() {
        return Ok(());
    }
    // The same ones in every run, however many readers found them missing.
    resolved.missing.sort_unstable();
    let mut reader = session.start_reader()?;
    let mut catalog = Catalog::new(&mut reader);
    let missing = std::mem::take(&mut resolved.missing);
    for (repository, wanted, problem) in missing.into_iter().take(HINTS) {
        signals::check()?;
        resolved.problems[problem].hint = match suggest::hint(&mut catalog, &repository, &wanted) {
            Ok(hint) => hint,
            // Where there is no list of names at all, that is most likely why.
            Err(Error::Problems(problems)) => problems.into_iter().next().map(|first| first.cause),
            // A hint is no reason to fail.
            Err(_) => None,
        };
    }
    Ok(())
}

/// Everything in a storage.
pub(super) fn everything(reader: &mut Reader) -> Result<Selection, Error> {
    Catalog::new(reader).everything(&Origin::Flag("--all"))
}

#[cfg(test)]
mod tests {
    use super::as_json;

    #[test]
    fn settings_become_json() {
        for (text, expected) in [
            (r#" {"count": 3} "#, Some(r#"{"count": 3}"#)),
            ("3", Some("3")),
            (r#""quoted""#, Some(r#""quoted""#)),
            (
                "linux/amd64,linux/arm64",
                Some(r#""linux/amd64,linux/arm64""#),
            ),
            (r#"image.tag == "1""#, Some(r#""image.tag == \"1\"""#)),
            ("20GiB\n", Some(r#""20GiB""#)),
            ("", Some(r#""""#)),
            (r#"{"count": }"#, None),
            ("[1,", None),
        ] {
            assert_eq!(as_json(text).ok().as_deref(), expected, "{text}");
        }
        let error = as_json("{\n  'count': 3}").unwrap_err().to_string();
        assert!(error.contains("line 2 column 3"), "{error}");
    }
}
