//! The shipped layout `oci`: one OCI image layout that holds all images.
//!
//! ```text
//!   oci-layout              the version of the layout
//!   index.json              an entry for each image, with its name
//!   blobs/sha256/<hex>      manifests, configs and layers, each once for all images
//! ```
//!
//! Paths and names are those of `regcarve_formats::oci`.
//!
//! | reading                                             | writing                                  |
//! |-----------------------------------------------------|------------------------------------------|
//! | full names, in either annotation                    | the full name in both: `name:tag`, or `name@digest` without a tag |
//! | entries without a repository, see below             | none                                     |
//! | an entry without its manifest is damaged            | `blobs/sha256` even if nothing is in it  |
//! | a referrer without a name travels with its subject  | as `name@digest`                         |
//!
//! **Entries without a repository.** oras, and skopeo when told so, write a tag alone; others write no name, or
//! one with the host of a registry. Which repository that is only the user can say, and a guess could put the
//! wrong image under a good name. So such an entry is in no catalogue, which is reported, and is had by
//! asking for its digest: `team/app:v1@sha256:…` gives it that name, and the digest makes sure that it is the
//! right one.

mod blobs;
mod layout;
mod reader;
mod writer;

use reader::OciCatalog;
use writer::OciWriter;

regcarve_layout_kit::layout!(OciCatalog, OciWriter, audit);
