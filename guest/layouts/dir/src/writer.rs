//! Images into a tree of folders.

use regcarve_formats::dir::{File, Version, folder_of};
use regcarve_layout_kit::raw::{ClosureEntry, Failure, Level, log};
use regcarve_layout_kit::raw::{ImageSummary, PlacedImage, Writer, output};
use regcarve_layout_kit::{invalid, uses};
use regcarve_types::{Algorithm, Digest, Reference, Repository, Tag};

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct DirWriter;

impl Writer for DirWriter {
    fn place(&mut self, image: PlacedImage) -> Result<(), Failure> {
        let folder = folder_of(&reference(&image)?).map_err(invalid)?;
        let files = files(&image.entries)?;
        if files.top.algorithm() != Algorithm::Sha256 {
            let digest = files.top;
            log(
                Level::Warn,
                &format!(
                    "{folder}: tools that read this format compute a sha256 where the image had {digest}"
                ),
            );
        }
        let version = Version::for_digests(files.others.iter().map(|(digest, _)| digest));
        output::write_file(
            &format!("{folder}/{}", File::Version),
            version.text().as_bytes(),
        )?;
        output::hard_link(
            &files.top.to_string(),
            &format!("{folder}/{}", File::Manifest),
        )?;
        for (digest, file) in files.others {
            output::hard_link(&digest.to_string(), &format!("{folder}/{file}"))?;
        }
        Ok(())
    }

    fn finish(&mut self, _images: Vec<ImageSummary>) -> Result<(), Failure> {
        Ok(())
    }
}

/// The name of an image: its digest is part of it only where there is no tag.
fn reference(image: &PlacedImage) -> Result<Reference, Failure> {
    let repository = Repository::parse(&image.repository).map_err(invalid)?;
    Ok(match &image.tag {
        Some(tag) => Reference::tagged(repository, Tag::parse(tag).map_err(invalid)?),
        None => Reference::pinned(repository, Digest::parse(&image.digest).map_err(invalid)?),
    })
}

/// What goes into the folder of an image, besides `version`.
struct Files {
    top: Digest,
    others: Vec<(Digest, File)>,
}

fn files(contents: &[ClosureEntry]) -> Result<Files, Failure> {
    let Some(top) = contents.first() else {
        return Err(invalid("an image without contents"));
    };
    let top = Digest::parse(&top.digest).map_err(invalid)?;
    let mut others = Vec::with_capacity(contents.len());
    for (content, uses) in contents.iter().zip(uses(contents)) {
        let digest = Digest::parse(&content.digest).map_err(invalid)?;
        if uses.manifest && digest != top {
            others.push((digest, File::Child(digest)));
        }
        if uses.blob {
            others.push((digest, File::Blob(digest)));
        }
    }
    Ok(Files { top, others })
}

#[cfg(test)]
mod tests {
    use regcarve_layout_kit::raw::Kind;

    use super::*;

    fn content(digest: Digest, kind: Kind) -> ClosureEntry {
        ClosureEntry {
            digest: digest.to_string(),
            media_type: String::new(),
            size: 1,
            kind,
            platform: None,
            describes: None,
            children: Vec::new(),
        }
    }

    #[test]
    fn files_by_kind() {
        let digests: Vec<_> = (1..=4).map(|byte| Digest::sha256([byte; 32])).collect();
        let kinds = [Kind::Index, Kind::Manifest, Kind::Config, Kind::Layer];
        let contents: Vec<_> = digests
            .iter()
            .zip(kinds)
            .map(|(digest, kind)| content(*digest, kind))
            .collect();
        let files = files(&contents).expect("well formed");
        assert_eq!(files.top, digests[0]);
        let expected = [
            File::Child(digests[1]),
            File::Blob(digests[2]),
            File::Blob(digests[3]),
        ];
        assert_eq!(
            files
                .others
                .iter()
                .map(|(_, file)| *file)
                .collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn nothing_is_no_image() {
        assert!(files(&[]).is_err());
    }

    #[test]
    fn folders_are_named_like_images() {
        let digest = Digest::sha256([1; 32]);
        let mut image = PlacedImage {
            repository: "team/app".into(),
            tag: Some("v1".into()),
            digest: digest.to_string(),
            entries: Vec::new(),
        };
        assert_eq!(
            folder_of(&reference(&image).expect("a name")).as_deref(),
            Ok("team/app:v1")
        );
        image.tag = None;
        assert_eq!(
            folder_of(&reference(&image).expect("a name")),
            Ok(format!("team/app@{digest}"))
        );
    }
}
