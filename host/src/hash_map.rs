//! Maps and sets for digests and paths, of which a run looks up some hundred thousand.
//!
//! Their hash is keyed afresh in every run, which is enough where whoever chooses the keys cannot see how long a
//! look-up takes.

/// A map.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// A set.
pub(crate) type HashSet<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;
