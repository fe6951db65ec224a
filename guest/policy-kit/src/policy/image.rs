//! Methods of an image that a policy is asked about.

use std::collections::BTreeMap;

use regcarve_formats::ManifestType;

use super::Image;
use super::created::Timestamp;
use super::image_contents::ImageContents;

impl Image {
    /// The tag; empty if there is none.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or_default()
    }

    /// Returns true if the top of the image is an index.
    pub fn is_index(&self) -> bool {
        ManifestType::from_media_type(&self.media_type).is_some_and(ManifestType::is_index)
    }

    /// Asks the host for the contents of the image. Reads no blob.
    pub fn contents(&self) -> Result<ImageContents, String> {
        ImageContents::of(self)
    }

    /// Reads the labels of each platform. An artifact counts as one platform without labels.
    pub fn labels(&self) -> Result<Vec<BTreeMap<String, String>>, String> {
        let contents = self.contents()?;
        let images = contents.platform_images();
        images.map(|image| image.labels()).collect()
    }

    /// Reads the annotations of each platform: those of its manifest, then those of the index.
    pub fn annotations(&self) -> Result<Vec<BTreeMap<String, String>>, String> {
        let contents = self.contents()?;
        let above = contents.index_annotations()?;
        let both = |of_manifest| {
            let mut all = above.clone();
            all.extend(of_manifest);
            all
        };
        let images = contents.platform_images();
        images.map(|image| image.annotations().map(both)).collect()
    }

    /// Reads the time of creation, that of the newest platform. None where none is stated, or one at which there were no
    /// images yet, as reproducible builds do.
    pub fn created(&self) -> Result<Option<Timestamp>, String> {
        self.contents()?.created()
    }
}
