//! The shipped layout `dir`: a tree of images in skopeo's `dir:` format, one folder each.
//!
//! ```text
//!   library/nginx:1.27/           the folder is named like the image
//!     version                     which revision of the format
//!     manifest.json               the top manifest
//!     <hex>.manifest.json         every other manifest, also those of nested indexes
//!     <hex>                       configs and layers
//!   library/nginx@sha256:0c1f…/   an image without tag
//! ```
//!
//! The files in the folder of an image are described in `regcarve_formats::dir`. Signatures, SBOMs and other referrers
//! are images of their own, under the tags that they have in a registry.
//!
//! | reading                                          | writing                                   |
//! |--------------------------------------------------|-------------------------------------------|
//! | nothing names `manifest.json`: its digest is computed | it is a hard link like everything else |
//! | `version` may be lacking, but not be newer than known | 1.1, or 1.2 where a digest is no sha256 |
//! | folders that no reference can name are reported  | none are made                             |
//! | signatures of skopeo (`signature-1`) are reported, no other format has a place for them | none are made |
//!
//! The digest of an image is always taken as sha256, as skopeo does. A top manifest that a registry keeps under
//! a sha512 goes into a tree, but the tree alone does not show it, except in the name of a folder.

mod folder;
mod reader;
mod store;
mod writer;

use reader::DirCatalog;
use writer::DirWriter;

regcarve_layout_kit::layout!(DirCatalog, DirWriter, audit);
