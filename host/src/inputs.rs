//! Inputs: lists, settings of policies and standard input, each read once, since a pipe gives its text only once and a file
//! may change.
//!
//! All of them are read before a run makes anything: until then a signal simply ends the process, also while a list is
//! still being typed.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use regcarve_types::Platform;
use rustix::io::Errno;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::cli::{PlatformMode, Release};
use crate::error::Error;
use crate::fs::{OsError, retry_io};
use crate::release::problem::Problem;
use crate::release::request::{ListText, Origin};
use crate::spec::{ComponentSpec, PolicySpec};
use crate::text;

/// The longest list, in bytes: about a million lines.
const MAX_LIST: u64 = 64 << 20;

/// The inputs of a release.
pub struct Inputs {
    /// The lists, in the order of the command line.
    pub lists: Vec<ListText>,
    /// The policies in the order in which they are asked, each with its settings as JSON.
    pub policies: Vec<(ComponentSpec, String)>,
    /// Lists that are not UTF-8.
    pub problems: Vec<Problem>,
}

impl Inputs {
    /// Reads all lists and settings that a command line names.
    pub fn read(release: &Release) -> Result<Self, Error> {
        check_asked(release)?;
        let policies = policy_chain(release)
            .into_iter()
            .map(|spec| Ok((spec.component.clone(), settings(&spec)?)))
            .collect::<Result<_, Error>>()?;
        let (mut lists, mut problems) = (Vec::new(), Vec::new());
        for path in &release.lists {
            for list in files_below(path, "list")? {
                match read_list(&list) {
                    Ok(list) => lists.push(list),
                    Err(Error::Problems(more)) => problems.extend(more),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self {
            lists,
            policies,
            problems,
        })
    }
}

/// A release of nothing is a mistake, and `--all` leaves nothing to ask for.
fn check_asked(release: &Release) -> Result<(), Error> {
    let named = !(release.lists.is_empty() && release.images.is_empty());
    match (named, release.all) {
        (false, false) => Err(Error::Usage(
            "nothing is asked for\n  hint: give --list FILE, --image REF or --all".into(),
        )),
        (true, true) => Err(Error::Usage(
            "--all takes everything; leave out --list and --image".into(),
        )),
        _ => Ok(()),
    }
}

/// All policies in the order in which they are asked. `--platform` comes last: images that another policy drops need not
/// have the platforms.
fn policy_chain(release: &Release) -> Vec<PolicySpec> {
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

/// A folder as all files below it with this extension, sorted; anything else as it is.
pub fn files_below(path: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
    // A path that does not exist fails when it is opened.
    let is_folder = path.as_os_str() != "-"
        && retry_io(|| std::fs::metadata(path)).is_ok_and(|found| found.is_dir());
    if !is_folder {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry.map_err(|error| cannot_list(path, extension, &error))?;
        let matches = entry.path().extension().is_some_and(|its| its == extension);
        if matches && !entry.file_type().is_dir() {
            files.push(entry.into_path());
        }
    }
    if files.is_empty() {
        return Err(Error::Usage(format!(
            "there is no *.{extension} below {}",
            path.display()
        )));
    }
    Ok(files)
}

fn cannot_list(path: &Path, extension: &str, error: &walkdir::Error) -> Error {
    let path = error.path().unwrap_or(path).display().to_string();
    let what = format!("look for *.{extension}");
    match error.io_error() {
        Some(error) => Error::system(what)(OsError::from_io("getdents64", path, error)),
        None => Error::Usage(format!("cannot {what}: {error}")),
    }
}

/// Reads at most `limit` bytes of a file, or of standard input for `-`.
fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        let file = retry_io(|| std::fs::File::open(path))?;
        file.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Reads a list.
///
/// # Errors
///
/// [`Error::Problems`] where it is not UTF-8.
fn read_list(path: &Path) -> Result<ListText, Error> {
    let name = path.display().to_string();
    let bytes = read_limited(path, MAX_LIST + 1).map_err(|error| cannot_read(&name, &error))?;
    if bytes.len() as u64 > MAX_LIST {
        return Err(Error::Usage(format!(
            "the list {name} is longer than {}",
            text::bytes(MAX_LIST)
        )));
    }
    let text = decode(&name, bytes)?;
    Ok(ListText { name, text })
}

fn cannot_read(name: &str, error: &io::Error) -> Error {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::ISDIR | Errno::NOTDIR | Errno::ACCESS) | None => {
            Error::Usage(format!("cannot read the list {name}: {error}"))
        }
        Some(errno) => Error::system("read a list")(OsError::new("read", name, errno)),
    }
}

/// The text of a list without byte order mark, or the line that is not UTF-8.
fn decode(name: &str, bytes: Vec<u8>) -> Result<String, Error> {
    let text = String::from_utf8(bytes).map_err(|error| {
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
        Error::problem(Problem::malformed(origin, cause))
    })?;
    match text.strip_prefix('\u{feff}') {
        Some(text) => Ok(text.to_owned()),
        None => Ok(text),
    }
}

/// The settings of a policy as a JSON text.
pub fn settings(spec: &PolicySpec) -> Result<String, Error> {
    let wrong = |what: String| Error::Usage(format!("the settings of {} {what}", spec.component));
    let Some(text) = spec.settings.as_deref() else {
        return Ok("{}".into());
    };
    let Some(path) = text.strip_prefix('@') else {
        return as_json(text).map_err(|error| wrong(format!("are no JSON: {error}")));
    };
    let file = retry_io(|| std::fs::File::open(path));
    let mut bytes = Vec::new();
    let text = file
        .and_then(|file| file.take(MAX_LIST).read_to_end(&mut bytes))
        .and_then(|_| String::from_utf8(bytes).map_err(io::Error::other))
        .map_err(|error| wrong(format!("in {path} cannot be read: {error}")))?;
    as_json(&text).map_err(|error| wrong(format!("in {path} are no JSON: {error}")))
}

/// JSON as it is, and any other text as a JSON string: a short form that only the policy understands. A text that begins
/// like an object or a list was meant to be one.
fn as_json(text: &str) -> Result<String, serde_json::Error> {
    let text = text.trim();
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Ok(text.into()),
        Err(error) if text.starts_with(['{', '[']) => Err(error),
        Err(_) => serde_json::to_string(text),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{as_json, decode, read_limited};

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

    #[test]
    fn files_are_read_to_their_end_or_limit() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'y'; 200_000]).unwrap();
        let read = |limit| read_limited(file.path(), limit).unwrap().len();
        assert_eq!(
            [read(10), read(200_000), read(u64::MAX)],
            [10, 200_000, 200_000]
        );
        assert!(read_limited(&std::env::temp_dir(), 10).is_err());
    }

    #[test]
    fn a_list_that_is_not_utf8_names_its_line() {
        assert_eq!(decode("l", b"\xef\xbb\xbfa:1\n".into()).unwrap(), "a:1\n");
        let problem = decode("l", b"a:1\nb\xff".into()).unwrap_err();
        assert_eq!(problem.origin.unwrap().to_string(), "l:2");
        assert!(problem.cause.starts_with("the byte 0xff at position 2"));
    }
}
