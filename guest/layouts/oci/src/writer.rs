//! Images into a layout.

use regcarve_formats::ManifestType;
use regcarve_formats::oci::{
    self, BLOBS, INDEX_FILE, LAYOUT_CONTENT, LAYOUT_FILE, MAX_INDEX_BYTES, blob_path,
};
use regcarve_layout_kit::{Failure, Level, Placed, Summary, Writer, cannot_store, log, output};
use regcarve_types::Algorithm;

/// See the header of this crate.
#[derive(Default)]
pub(crate) struct OciWriter;

impl Writer for OciWriter {
    fn place(&mut self, image: &Placed) -> Result<(), Failure> {
        // Which blobs other images have placed already the host knows best, since it sees all instances.
        for entry in &image.entries {
            output::hard_link(entry.digest, &blob_path(entry.digest))?;
        }
        Ok(())
    }

    fn finish(&mut self, images: &[Summary]) -> Result<(), Failure> {
        let entries = images.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        for old in entries.iter().filter(|entry| is_schema1(entry.media_type)) {
            let what = format!(
                "{} is of the first schema, which skopeo and others do not read here",
                old.reference
            );
            log(Level::Warn, &what);
        }
        let index = oci::write_index(&entries).map_err(cannot_store)?;
        if index.len() > MAX_INDEX_BYTES {
            return Err(cannot_store(format!(
                "`{INDEX_FILE}` would have {} bytes, but no more than {MAX_INDEX_BYTES} are read again: carve the \
                 images into several layouts",
                index.len(),
            )));
        }
        output::make_directory(&format!("{BLOBS}/{}", Algorithm::Sha256))?;
        output::write_file(INDEX_FILE, &index)?;
        output::write_file(LAYOUT_FILE, LAYOUT_CONTENT.as_bytes())
    }
}

const fn is_schema1(kind: ManifestType) -> bool {
    matches!(kind, ManifestType::Schema1 | ManifestType::Schema1Signed)
}

fn entry(image: &Summary) -> Result<oci::Entry, Failure> {
    let reference = image.reference();
    let Some(media_type) = ManifestType::from_media_type(&image.media_type) else {
        return Err(cannot_store(format!(
            "{reference} has the media type {:?}, which is none of an image",
            image.media_type
        )));
    };
    Ok(oci::Entry {
        reference,
        media_type,
        digest: image.digest,
        size: image.size,
    })
}

#[cfg(test)]
mod tests {
    use regcarve_types::{Digest, Repository, Tag};

    use super::*;

    #[test]
    fn entries() {
        let digest = Digest::sha256([1; 32]);
        let mut image = Summary {
            repository: Repository::parse("team/app").expect("a name"),
            tag: Some(Tag::parse("v1").expect("a tag")),
            digest,
            media_type: ManifestType::OciIndex.as_str().into(),
            size: 7,
        };
        let made = entry(&image).expect("well formed");
        assert_eq!(made.reference.to_string(), "team/app:v1");
        assert_eq!(
            (made.media_type, made.digest, made.size),
            (ManifestType::OciIndex, digest, 7)
        );
        image.tag = None;
        assert_eq!(
            entry(&image).expect("well formed").reference.to_string(),
            format!("team/app@{digest}")
        );
        image.media_type = "text/plain".into();
        assert!(entry(&image).is_err());
    }
}
