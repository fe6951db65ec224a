//! Running test cases.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::case::{Case, CaseFile};
use super::verdict;
use crate::commands::print;
use crate::error::Error;
use crate::release::blob_table::BlobTable;
use crate::release::decision::Decision;
use crate::release::image::Image;
use crate::spec::{ComponentSpec, SpecError};
use crate::text;
use crate::wasm::roles::policy::Policy;
use crate::wasm::{Component, Engine, Role};

/// The numbers of cases that passed and failed.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

/// A file of cases with the policy that they test.
pub(super) struct Loaded {
    path: PathBuf,
    file: CaseFile,
    component: Component,
}

/// Reads a file of cases and loads its policy.
pub(super) fn load(
    engine: &Engine,
    path: PathBuf,
    policy: Option<&ComponentSpec>,
    require_pin: bool,
) -> Result<Loaded> {
    let file = CaseFile::read(&path)?;
    let spec = match policy {
        Some(spec) => spec.clone(),
        None => named(&file, &path)?,
    };
    let component = Component::load(engine, Role::Policy, &spec, require_pin)?;
    Ok(Loaded {
        path,
        file,
        component,
    })
}

/// Runs all cases of a file; prints a line for each, and the differences of those that fail.
pub(super) fn run(loaded: &Loaded, tally: &mut Tally) -> Result<()> {
    let Loaded {
        path,
        file,
        component,
    } = loaded;
    for case in &file.cases {
        let place = format!("{}: {}", path.display(), case.name);
        let differences = run_case(case, component).map_err(|error| at(&place, error))?;
        let mut lines = if differences.is_empty() {
            tally.passed += 1;
            vec![format!("ok    {place}")]
        } else {
            tally.failed += 1;
            vec![format!("FAIL  {place}")]
        };
        lines.extend(differences);
        let safe: Vec<_> = lines.iter().map(|line| text::visible(line)).collect();
        print(&safe.join("\n"))?;
    }
    Ok(())
}

/// The policy that a file names. Its path is relative to the file's folder.
fn named(file: &CaseFile, path: &Path) -> Result<ComponentSpec, Error> {
    let refuse =
        |cause: String| Error::Usage(format!("cannot test with {}: {cause}", path.display()));
    let Some(text) = &file.policy else {
        return Err(refuse(
            "no policy is named; write \"policy\", or give --policy".into(),
        ));
    };
    let spec = text
        .parse()
        .map_err(|error: SpecError| refuse(error.to_string()))?;
    Ok(match spec {
        ComponentSpec::File { path: named, pin } => {
            let folder = path.parent().unwrap_or(Path::new(""));
            let path = folder.join(named);
            ComponentSpec::File { path, pin }
        }
        shipped => shipped,
    })
}

/// Adds the file and the case to a defect of the file.
fn at(place: &str, error: Error) -> Error {
    match error {
        Error::Usage(text) => Error::Usage(format!("{place}: {text}")),
        other => other,
    }
}

/// Runs one case. Returns the differences, line by line: none if the case passes.
fn run_case(case: &Case, component: &Component) -> Result<Vec<String>, Error> {
    let (images, blobs) = images(case).map_err(Error::Usage)?;
    let mut policy = Policy::start_without_source(component)?;
    policy.remember_reads();
    let decided = decide(case, &mut policy, &Arc::new(blobs), &images);
    let mut differences = match (decided, &case.fails) {
        (Ok(decisions), None) => differences(&images, &decisions),
        (Ok(_), Some(text)) => vec![
            format!("  expected  to fail with: {text}"),
            "  found     decisions".into(),
        ],
        (Err(Error::Component(failure)), expected) => {
            let found = failure.to_string();
            let expected = expected.as_deref();
            if expected.is_some_and(|text| found.contains(text)) {
                return Ok(Vec::new());
            }
            let expected = expected.map_or_else(
                || "  expected  decisions".into(),
                |text| format!("  expected  to fail with: {text}"),
            );
            let mut lines = vec![expected];
            lines.extend(found.lines().map(|line| format!("  found     {line}")));
            lines
        }
        (Err(error), _) => return Err(error),
    };
    if !differences.is_empty() {
        let read = policy.take_read();
        let mut unknown: Vec<_> = read
            .iter()
            .filter(|(_, bytes)| bytes.is_none())
            .map(|(digest, _)| {
                format!("  note      the policy read {digest}, which is not in this case")
            })
            .collect();
        unknown.sort();
        differences.extend(unknown);
    }
    Ok(differences)
}

/// An image, and the decision expected on it.
type Expected<'a> = (Arc<Image>, &'a str);

/// The images of a case, sorted as in a run.
fn images(case: &Case) -> Result<(Vec<Expected<'_>>, BlobTable), String> {
    let mut blobs = BlobTable::default();
    let bytes = case.blobs()?;
    let mut images = Vec::new();
    for image in &case.images {
        let about = |cause: String| format!("{}: {cause}", image.reference);
        let made = image.to_image(&bytes, &mut blobs).map_err(about)?;
        let expect = match &image.expect {
            Some(expect) if verdict::is_known(expect) => expect,
            Some(other) => {
                return Err(about(format!(
                    "`expect` is `{other}`, which is not a decision; write keep, drop, missing, rename, keep-platforms or rewrite, with or without `: ` and details"
                )));
            }
            None if case.fails.is_some() => "",
            None => return Err(about("`expect` is missing".into())),
        };
        images.push((Arc::new(made), expect));
    }
    let key = |image: &Image| {
        (
            Arc::clone(&image.repository),
            image.tag.clone(),
            image.digest,
        )
    };
    images.sort_by_cached_key(|(image, _)| key(image));
    Ok((images, blobs))
}

/// Configures the policy, and lets it decide as in a run.
fn decide(
    case: &Case,
    policy: &mut Policy,
    blobs: &Arc<BlobTable>,
    images: &[(Arc<Image>, &str)],
) -> Result<Vec<Decision>, Error> {
    policy.configure(&case.settings.to_string())?;
    let images: Vec<_> = images.iter().map(|(image, _)| Arc::clone(image)).collect();
    let mut decisions = Vec::with_capacity(images.len());
    for images in images.chunk_by(|a, b| a.repository == b.repository) {
        let decided = policy.decide(blobs, &images[0].repository, images)?;
        decisions.extend(decided.decisions);
    }
    Ok(decisions)
}

fn differences(images: &[(Arc<Image>, &str)], decisions: &[Decision]) -> Vec<String> {
    let mut lines = Vec::new();
    for ((image, expected), decision) in images.iter().zip(decisions) {
        let found = verdict::of(decision);
        if !verdict::fits(expected, &found) {
            lines.push(format!("  {}", image.reference()));
            lines.push(format!("    expected  {expected}"));
            lines.push(format!("    found     {found}"));
        }
    }
    lines
}
