//! Recording: a policy's decisions on a real storage, with everything that it saw and read, as a test case.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::case::{Case, CaseBlob, CaseFile, CaseImage};
use super::verdict;
use crate::cli::Release;
use crate::cli::policy::Test;
use crate::commands::print;
use crate::commands::release;
use crate::error::{Error, SystemContext as _};
use crate::fs::{Access, OsError, OsResultExt as _};
use crate::inputs;
use crate::pipeline::{self, Timings};
use crate::release::problem::acceptable;
use crate::report::file::json;
use crate::spec::{ComponentSpec, PolicySpec, StorageSpec};
use crate::text;
use crate::wasm::Role;
use crate::wasm::roles::policy::Policy;

/// The name of the file.
const NAME: &str = "recorded.json";

/// Lets a policy decide on images of `source`, and writes that down as a test case.
pub(super) fn record(args: &Test, source: &StorageSpec, spec: &PolicySpec) -> Result<()> {
    let folder = args.cases.as_path();
    let release = Release::of(source.clone(), args.images.clone(), args.components.clone());
    let settings = inputs::settings(spec)?;
    let (mut session, prepared) = release::prepare(&release)?;
    let component = session.load(Role::Policy, &spec.component)?;
    let opened = open(folder).context("write the test cases")?;
    if let Some(ruleset) = session.ruleset() {
        ruleset.allow_path(&opened, Access::Write, folder.display())?;
    }
    session.restrict(Access::Read)?;

    let mut policy = Policy::start(&component, Arc::clone(&session.source))?;
    policy.configure(&settings)?;

    let (resolved, problems) = pipeline::images(&session, &prepared, &mut Timings::default())?;
    session.progress.done();
    if !acceptable(&problems, false) {
        bail!(Error::Problems(problems));
    }
    let blobs = Arc::new(resolved.blobs);

    policy.remember_reads();
    let mut recorded = Vec::new();
    // As in a run, policies do not decide on referrers.
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
    let read: BTreeMap<_, _> = policy
        .take_read()
        .into_iter()
        .filter_map(|(digest, bytes)| Some((digest.to_string(), CaseBlob::of(bytes?))))
        .collect();
    let summary = format!(
        "{}, {} read",
        text::count(recorded.len(), "image"),
        text::count(read.len(), "blob")
    );
    let case = Case {
        name: format!("recorded from {source}"),
        settings: serde_json::from_str(&settings)?,
        fails: None,
        images: recorded,
        blobs: read,
    };
    let path = folder.join(NAME);
    let policy = from_folder(&spec.component, folder);
    write(&path, &CaseFile::new(Some(policy), vec![case]))?;
    print(&format!("{}: {summary}", path.display()))?;
    Ok(())
}

/// Creates the folder if it is not there, and opens it.
fn open(folder: &Path) -> Result<std::fs::File, OsError> {
    std::fs::create_dir_all(folder).during("mkdir", folder.display())?;
    std::fs::File::open(folder).during("open", folder.display())
}

/// The name of the policy in a file in `folder`: a path from there, where there is one.
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

/// Writes a new file. An existing one may have been edited by hand, so it stays.
fn write(path: &Path, file: &CaseFile) -> Result<()> {
    let json = json(file)? + "\n";
    match std::fs::File::create_new(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => bail!(Error::Occupied {
            path: path.into(),
            hint: "rename or delete it to record anew",
        }),
        created => Ok(created
            .and_then(|mut file| file.write_all(json.as_bytes()))
            .during("write", path.display())
            .context("write the test cases")?),
    }
}
