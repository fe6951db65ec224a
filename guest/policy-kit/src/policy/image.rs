//! What is known of an image, one call each.

use std::collections::BTreeMap;

use super::Image;
use super::created::Timestamp;
use super::inside::Inside;

impl Image {
    /// Its tag; empty where it has none, which no tag is.
    pub fn tag(&self) -> &str {
        self.tag.as_deref().unwrap_or_default()
    }

    /// What it consists of. Asks the host, and reads nothing.
    pub fn inside(&self) -> Result<Inside, String> {
        Inside::of(self)
    }

    /// Reads the labels of each of its parts, which are one for each platform. An artifact has a part without any.
    pub fn labels(&self) -> Result<Vec<BTreeMap<String, String>>, String> {
        self.inside()?.parts().map(|part| part.labels()).collect()
    }

    /// Reads the annotations of each of its parts: those of its manifest and, of the rest, those of the index.
    pub fn annotations(&self) -> Result<Vec<BTreeMap<String, String>>, String> {
        let inside = self.inside()?;
        let above = inside.index_annotations()?;
        let both = |of_part| {
            let mut all = above.clone();
            all.extend(of_part);
            all
        };
        let parts = inside.parts();
        parts.map(|part| part.annotations().map(both)).collect()
    }

    /// Reads when it was made: when the newest of its parts was. None where none says so, or says a time at which there
    /// were no images yet, as builds do that are to be the same every time.
    pub fn created(&self) -> Result<Option<Timestamp>, String> {
        self.inside()?.created()
    }
}
