//! Writing cases from a real storage: what a policy decides there now, and all that it saw and read for it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::case::{Blob, Case, CaseImage, File};
use super::verdict;
use crate::cli::Release;
use crate::commands::print;
use crate::commands::session::{self, Prepared, Session, acceptable};
use crate::error::Error;
use crate::fs::{Access, OsError};
use crate::options::ComponentOptions;
use crate::report::Report;
use crate::spec::{ComponentSpec, PolicySpec, StorageSpec};
use crate::text;
use crate::wasm::Role;
use crate::wasm::roles::policy::Policy;

/// The file that is written.
const NAME: &str = "recorded.json";

/// Asks a policy about images of a storage, and writes that down as a case in `folder`.
pub(super) fn record(
    folder: &Path,
    source: &StorageSpec,
    images: &[String],
    spec: &PolicySpec,
    options: &ComponentOptions,
) -> Result<(), Error> {
    let release = Release::of(source.clone(), images.to_vec(), options.clone());
    let mut session = Session::open(source, options)?;
    let component = session.load(Role::Policy, &spec.component)?;
    let settings = session::settings(spec)?;
    let outside = Prepared::read(&session, &release)?;
    std::fs::create_dir_all(folder).map_err(fault("mkdir", folder))?;
    let door = std::fs::File::open(folder).map_err(fault("open", folder))?;
    if let Some(wall) = session.wall() {
        wall.allow_path(&door, Access::Write, folder.display())?;
    }
    session.fence(Access::Read)?;

    let mut policy = Policy::start(&component, Arc::clone(&session.source))?;
    policy.configure(&settings)?;

    let mut report = Report::new(source.to_string());
    let (resolved, problems) = session::resolve(&session, &release, outside, &mut report)?;
    session.progress.done();
    if !acceptable(&problems, false) {
        return Err(Error::Problems(problems));
    }
    let blobs = Arc::new(resolved.contents);

    policy.remember_reads();
    let mut recorded = Vec::new();
    // As in a run: what only came along, because it speaks of an image, is not asked about.
    let asked: Vec<_> = resolved
        .images
        .into_iter()
        .filter(|image| image.subject.is_none())
        .collect();
    for images in asked.chunk_by(|a, b| a.repository == b.repository) {
        let decided = policy.decide(&blobs, &images[0].repository, images)?;
        recorded.extend(
            images
                .iter()
                .zip(&decided.decisions)
                .map(|(image, decision)| CaseImage::recorded(image, &blobs, verdict::of(decision))),
        );
    }
    let blobs: BTreeMap<_, _> = policy
        .take_read()
        .into_iter()
        .filter_map(|(digest, bytes)| Some((digest.to_string(), Blob::of(bytes?))))
        .collect();
    let said = format!(
        "{}, {} read",
        text::count(recorded.len(), "image"),
        text::count(blobs.len(), "blob")
    );
    let case = Case {
        name: format!("recorded from {source}"),
        settings: serde_json::from_str(&settings)
            .map_err(|error| Error::Internal(error.to_string()))?,
        fails: None,
        images: recorded,
        blobs,
    };
    let path = folder.join(NAME);
    let policy = from_folder(&spec.component, folder);
    write(&path, &File::new(Some(policy), vec![case]))?;
    print(&format!("{}: {said}", path.display()))
}

/// How a file in `folder` names the policy: a path from there, where there is one.
fn from_folder(spec: &ComponentSpec, folder: &Path) -> String {
    let ComponentSpec::File { path, .. } = spec else {
        return spec.to_string();
    };
    let absolute = |path: &Path| std::path::absolute(path).ok();
    absolute(path)
        .zip(absolute(folder))
        .and_then(|(path, folder)| pathdiff::diff_paths(path, folder))
        .map_or_else(|| spec.to_string(), |path| path.display().to_string())
}

/// Writes a new file. One that is there may have been changed by hand, so it stays.
fn write(path: &Path, file: &File) -> Result<(), Error> {
    let mut json =
        serde_json::to_string_pretty(file).map_err(|error| Error::Internal(error.to_string()))?;
    json.push('\n');
    match std::fs::File::create_new(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Error::Occupied {
            path: path.into(),
            hint: "rename or delete it to record anew",
        }),
        made => made
            .map_err(fault("open", path))?
            .write_all(json.as_bytes())
            .map_err(fault("write", path)),
    }
}

fn fault(call: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |error| Error::system("write the cases")(OsError::from_io(call, path, &error))
}
