//! The shipped layout `registry`: the storage directory of a distribution registry.
//!
//! The drawing is in `regcarve_formats::registry`. This component follows it in both directions:
//!
//! | reading                                       | writing                                             |
//! |-----------------------------------------------|-----------------------------------------------------|
//! | tag → `current/link` → revision link → blob   | the current digest only, no history                 |
//! | a blob's link may name another digest         | every link names its own digest                     |
//! | manifests linked in `_layers` (registry 2.1)  | always a revision link, for every manifest          |
//! | `_uploads` is never looked at                 | and never made                                      |
//! |                                               | `_layers` in every repository: without it garbage collection of registry 3 fails |

mod collect;
mod inspect;
mod links;
mod model;
mod reader;
mod writer;

use reader::RegistryCatalog;
use writer::RegistryWriter;

regcarve_layout_kit::layout!(RegistryCatalog, RegistryWriter, audit);
