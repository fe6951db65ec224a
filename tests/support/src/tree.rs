//! Draws a tree as text, and checks the inode rules of a carve.
//!
//! ```text
//! blobs/sha256/0c/0c1f…/data 2048 shared
//! repositories/app/_manifests/tags/v1/current/link 71 written sha256:0c1f…
//! repositories/empty/_layers/
//! ```

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Size of a link file: `sha256:` and 64 digits, and no newline.
const LINK_SIZE: u64 = 71;
/// Size of a link file for a sha512.
const LONG_LINK_SIZE: u64 = 135;

/// Every name below a root with what `lstat` says, sorted by path, the root itself left out.
pub fn walk(root: &Path) -> Vec<(PathBuf, Metadata)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("read a folder").path();
            let meta = path.symlink_metadata().expect("look at a name");
            if meta.is_dir() {
                waiting.push(path.clone());
            }
            let name = path.strip_prefix(root).expect("below the root").to_owned();
            found.push((name, meta));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

/// The files of a tree, one a line, and the folders that are empty.
///
/// A file with more than one name is `shared`, one with a single name `written`; of link files
/// the content is shown.
pub fn draw(root: &Path) -> String {
    let names = walk(root);
    let mut text = String::new();
    for (position, (name, meta)) in names.iter().enumerate() {
        let line = if meta.is_dir() {
            // The content of a folder comes right behind it.
            if names
                .get(position + 1)
                .is_some_and(|(next, _)| next.starts_with(name))
            {
                continue;
            }
            format!("{}/", name.display())
        } else if meta.is_file() {
            draw_file(root, name, meta)
        } else {
            format!("{} NEITHER FILE NOR FOLDER", name.display())
        };
        let _ = writeln!(text, "{line}");
    }
    text
}

fn draw_file(root: &Path, name: &Path, meta: &Metadata) -> String {
    let how = if meta.nlink() > 1 {
        "shared"
    } else {
        "written"
    };
    let line = format!("{} {} {how}", name.display(), meta.size());
    if name.ends_with("link") {
        let content = fs::read(root.join(name)).expect("read a link");
        format!("{line} {}", content.escape_ascii())
    } else {
        line
    }
}

/// Fails with all that is wrong with a carved registry storage; see [`carve_problems`].
#[track_caller]
pub fn assert_carved(source: &Path, output: &Path) {
    let problems = carve_problems(source, output);
    assert!(
        problems.is_empty(),
        "{} breaks {} inode rules:\n  {}",
        output.display(),
        problems.len(),
        problems.join("\n  ")
    );
}

/// Everything that is wrong with a carved registry storage, looking at inodes only.
///
/// Every `data` is an inode of the source, the one at the same path if there is one; every `link` is new, has one
/// name and the right size, there is nothing else but folders, and no staging is left beside.
pub fn carve_problems(source: &Path, output: &Path) -> Vec<String> {
    let inodes: HashMap<PathBuf, (u64, u64)> = walk(source)
        .into_iter()
        .filter(|(_, meta)| meta.is_file())
        .map(|(name, meta)| (name, (meta.dev(), meta.ino())))
        .collect();
    let all: HashSet<(u64, u64)> = inodes.values().copied().collect();
    let mut problems = Vec::new();
    for (name, meta) in walk(output) {
        if meta.is_dir() {
            continue;
        }
        let wrong = if !meta.is_file() {
            Some("is neither file nor folder".to_owned())
        } else if name.ends_with("data") {
            data_problem(&meta, inodes.get(&name), &all)
        } else if name.ends_with("link") {
            link_problem(&name, &meta)
        } else {
            Some("has a name that no registry reads".to_owned())
        };
        problems.extend(wrong.map(|wrong| format!("{}: {wrong}", name.display())));
    }
    problems.extend(
        staging_beside(output)
            .iter()
            .map(|name| format!("left beside: {name}")),
    );
    problems
}

/// `path` has the inode of the same path in the source, if that path is there.
fn data_problem(
    meta: &Metadata,
    path: Option<&(u64, u64)>,
    all: &HashSet<(u64, u64)>,
) -> Option<String> {
    let inode = (meta.dev(), meta.ino());
    match path {
        Some(there) if *there != inode => Some("is another inode than in the source".to_owned()),
        // Under a name that the source has not: content that is named by another algorithm.
        None if !all.contains(&inode) => Some("is not in the source".to_owned()),
        _ => None,
    }
}

fn link_problem(name: &Path, meta: &Metadata) -> Option<String> {
    let is_long = name.iter().any(|part| part == "sha512");
    let size = if is_long { LONG_LINK_SIZE } else { LINK_SIZE };
    if meta.nlink() != 1 {
        Some(format!("has {} names, must have 1", meta.nlink()))
    } else if meta.size() != size {
        Some(format!("has {} bytes, must have {size}", meta.size()))
    } else {
        None
    }
}

/// Names of staging folders (`.<name>.partial-…`) of this output that are left beside it.
pub fn staging_beside(output: &Path) -> Vec<String> {
    let folder = output.parent().expect("an output has a folder");
    let name = output
        .file_name()
        .expect("an output has a name")
        .to_string_lossy();
    let start = format!(".{name}.partial-");
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(&start))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_shared_written_and_empty() {
        let folder = tempfile::tempdir().unwrap();
        let (source, output) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir_all(source.join("b")).unwrap();
        fs::create_dir_all(output.join("b")).unwrap();
        fs::create_dir_all(output.join("b-empty")).unwrap();
        fs::write(source.join("b/data"), "1234").unwrap();
        fs::hard_link(source.join("b/data"), output.join("b/data")).unwrap();
        fs::write(output.join("link"), "sha256:0c\n").unwrap();
        assert_eq!(
            draw(&output),
            "b/data 4 shared\nb-empty/\nlink 10 written sha256:0c\\n\n"
        );
        let problems = carve_problems(&source, &output);
        assert_eq!(problems, ["link: has 10 bytes, must have 71"]);
    }

    #[test]
    fn finds_copies_strangers_and_staging() {
        let folder = tempfile::tempdir().unwrap();
        let (source, output) = (folder.path().join("in"), folder.path().join("out"));
        fs::create_dir_all(&source).unwrap();
        fs::create_dir_all(&output).unwrap();
        fs::create_dir(folder.path().join(".out.partial-1-x")).unwrap();
        fs::write(source.join("data"), "1").unwrap();
        fs::write(output.join("data"), "1").unwrap();
        fs::write(output.join("report.json"), "1").unwrap();
        std::os::unix::fs::symlink("data", output.join("soft")).unwrap();
        assert_eq!(carve_problems(&source, &output).len(), 4);
    }
}
