//! Images into a tree of folders.

use regcarve_formats::dir::{File, Version, folder_of};
use regcarve_layout_kit::{Failure, Level, Placed, Writer, cannot_store, log, output};
use regcarve_types::{Algorithm, Digest};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct DirWriter;

impl Writer for DirWriter {
    fn place(&mut self, image: &Placed) -> Result<(), Failure> {
        let folder = folder_of(&image.reference()).map_err(cannot_store)?;
        if image.digest.algorithm() != Algorithm::Sha256 {
            let digest = image.digest;
            log(
                Level::Warn,
                &format!(
                    "{folder}: tools that read this format compute a sha256 where the image had {digest}"
                ),
            );
        }
        let others = other_files(image);
        let version = Version::for_digests(others.iter().map(|(digest, _)| digest));
        let path = |file: File| format!("{folder}/{file}");
        output::write_file(&path(File::Version), version.text().as_bytes())?;
        output::hard_link(image.digest, &path(File::Manifest))?;
        for (digest, file) in others {
            output::hard_link(digest, &path(file))?;
        }
        Ok(())
    }
}

/// The files of an image besides `version` and its top manifest.
fn other_files(image: &Placed) -> Vec<(Digest, File)> {
    let mut files = Vec::with_capacity(image.entries.len());
    for entry in &image.entries {
        let digest = entry.digest;
        if entry.is_manifest && digest != image.digest {
            files.push((digest, File::Child(digest)));
        }
        if entry.is_blob {
            files.push((digest, File::Blob(digest)));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use regcarve_layout_kit::PlacedEntry;
    use regcarve_types::{Repository, Tag};

    use super::*;

    /// An image of an index, a manifest and two blobs.
    fn image(tag: Option<&str>) -> Placed {
        let entry = |byte| PlacedEntry {
            digest: Digest::sha256([byte; 32]),
            is_manifest: byte <= 2,
            is_blob: byte > 2,
        };
        Placed {
            repository: Repository::parse("team/app").expect("a name"),
            tag: tag.map(|tag| Tag::parse(tag).expect("a tag")),
            digest: Digest::sha256([1; 32]),
            entries: (1..=4).map(entry).collect(),
        }
    }

    #[test]
    fn files_by_kind() {
        let digest = |byte| Digest::sha256([byte; 32]);
        let files = other_files(&image(None));
        let expected = [
            (digest(2), File::Child(digest(2))),
            (digest(3), File::Blob(digest(3))),
            (digest(4), File::Blob(digest(4))),
        ];
        assert_eq!(files, expected);
    }

    #[test]
    fn folders_are_named_like_images() {
        let folder = |tag| folder_of(&image(tag).reference());
        assert_eq!(folder(Some("v1")).as_deref(), Ok("team/app:v1"));
        let digest = Digest::sha256([1; 32]);
        assert_eq!(folder(None), Ok(format!("team/app@{digest}")));
    }
}
