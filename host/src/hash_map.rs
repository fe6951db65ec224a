//! Maps and sets with a fast hash, for digests and paths: a run looks up some hundred thousand.
//!
//! The hash gets a new secret in every run. That is enough against chosen keys, because a storage cannot see how long a
//! look-up takes.

/// A map with a fast hash.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// A set with a fast hash.
pub(crate) type HashSet<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;
