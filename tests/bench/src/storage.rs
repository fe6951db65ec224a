//! Makes a registry's storage with as many images as asked, fast and always the same from a seed.
//!
//! Shaped like what such storages hold in practice: the images of a family of repositories stand on
//! the same base layers, each image has some layers of its own, repositories have several tags, some
//! tags were pushed before with another digest, and `_uploads` folders lie about. Everything below the
//! root is written directly, as a registry would leave it; no registry takes part.
//!
//! ```text
//! catalogue   which repositories, tags and families there are   (no files, no bytes)
//! content     the bytes of layers, configs and manifests        (no files)
//! ```
//!
//! Each repository is written by one thread, so that threads meet only in `blobs`.

mod catalogue;
mod content;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use fastrand::Rng;

use regcarve_test_support::storage::Storage;

use catalogue::Repository;
use content::Layer;

/// The size and the shape of a storage.
#[derive(Clone, Debug, clap::Args)]
pub struct Shape {
    /// Number of images, those of `--include` not counted
    #[arg(long, default_value_t = 2_000)]
    pub images: usize,
    /// Layers of each image
    #[arg(long, default_value_t = 8)]
    pub layers: usize,
    /// How many of these layers are shared by all images of a family
    #[arg(long, default_value_t = 5)]
    pub shared_layers: usize,
    /// Tags of each repository
    #[arg(long, default_value_t = 10)]
    pub tags_per_repo: usize,
    /// Repositories of each family
    #[arg(long, default_value_t = 10)]
    pub repos_per_family: usize,
    /// Smallest size of a layer in bytes
    #[arg(long, default_value_t = 32)]
    pub min_layer: usize,
    /// Largest size of a layer in bytes
    #[arg(long, default_value_t = 2_048)]
    pub max_layer: usize,
    /// Seed of all bytes and names: one seed always gives the same ones
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads that write
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
}

impl Default for Shape {
    /// The values of the command line without options.
    fn default() -> Self {
        Self {
            images: 2_000,
            layers: 8,
            shared_layers: 5,
            tags_per_repo: 10,
            repos_per_family: 10,
            min_layer: 32,
            max_layer: 2_048,
            seed: 1,
            threads: 2,
        }
    }
}

/// Writes a storage below `root` and returns every `name:tag` in it.
///
/// `include` are further `name:tag` references that it shall hold besides the invented ones.
pub fn make(root: &Path, shape: &Shape, include: &[String]) -> Result<Vec<String>> {
    ensure!(
        shape.shared_layers <= shape.layers,
        "more shared layers than layers"
    );
    ensure!(
        shape.min_layer <= shape.max_layer,
        "the smallest layer is larger than the largest"
    );
    let repositories = catalogue::repositories(shape, include)?;
    ensure!(
        !root.join("docker").exists(),
        "{} holds a storage already",
        root.display()
    );
    let storage = Storage::create(root);

    let families = 1 + repositories.iter().map(|r| r.family).max().unwrap_or(0);
    let bases = on_threads(shape.threads, families, |family| {
        base_layers(&storage, shape, family)
    })?;
    on_threads(shape.threads, repositories.len(), |index| {
        let repository = &repositories[index];
        write_repository(
            &storage,
            shape,
            index,
            repository,
            &bases[repository.family],
        )
        .with_context(|| format!("cannot write repository {}", repository.name))
    })?;
    Ok(repositories
        .iter()
        .flat_map(Repository::references)
        .collect())
}

/// Every n-th of `references`, `count` of them, spread evenly.
pub fn select(references: &[String], count: usize) -> Vec<&str> {
    let count = count.min(references.len());
    (0..count)
        .map(|i| references[i * references.len() / count].as_str())
        .collect()
}

/// The references of a list as [`carve.sh`](crate::CARVE_SH) understands it.
pub fn references_of(list: &str) -> Vec<String> {
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '/']))
        .map(str::to_owned)
        .collect()
}

/// Writes the layers that all images of one family stand on.
fn base_layers(storage: &Storage, shape: &Shape, family: usize) -> Result<Vec<Layer>> {
    let mut random = random(shape.seed, 0, family);
    (0..shape.shared_layers)
        .map(|_| new_layer(storage, shape, &mut random))
        .collect()
}

fn new_layer(storage: &Storage, shape: &Shape, random: &mut Rng) -> Result<Layer> {
    let (layer, bytes) = content::layer(random, shape.min_layer..=shape.max_layer)?;
    storage.blob_as(&layer.content.digest, &bytes);
    Ok(layer)
}

/// Writes one repository with all its images.
fn write_repository(
    storage: &Storage,
    shape: &Shape,
    index: usize,
    repository: &Repository,
    base: &[Layer],
) -> Result<()> {
    let name = repository.name.as_str();
    let mut random = random(shape.seed, 1, index);
    fs::create_dir_all(storage.repository_path(name).join("_uploads"))?;
    for layer in base {
        storage.layer_link(name, &layer.content.digest);
    }
    for (number, tag) in repository.tags.iter().enumerate() {
        // A few tags were pushed before: their history must not be carried over.
        if number == 0 && index.is_multiple_of(4) {
            write_image(storage, name, tag, "before", base)?;
        }
        let mut layers = base.to_vec();
        while layers.len() < shape.layers {
            let layer = new_layer(storage, shape, &mut random)?;
            storage.layer_link(name, &layer.content.digest);
            layers.push(layer);
        }
        write_image(storage, name, tag, tag, &layers)?;
    }
    Ok(())
}

/// Writes config and manifest of one image whose layers are there, and tags it.
fn write_image(
    storage: &Storage,
    name: &str,
    tag: &str,
    version: &str,
    layers: &[Layer],
) -> Result<()> {
    let config = storage.blob(&content::config(name, version, layers)?);
    storage.layer_link(name, &config.digest);
    storage.manifest(name, Some(tag), &content::manifest(config, layers)?);
    Ok(())
}

/// A source of bytes that depends on nothing but the seed and what it is for.
fn random(seed: u64, kind: u64, index: usize) -> Rng {
    let mut mixer = Rng::with_seed(seed ^ (kind << 62) ^ index as u64);
    Rng::with_seed(mixer.u64(..) ^ mixer.u64(..).rotate_left(32))
}

/// Does `job` for 0, 1, … `count - 1` on some threads; the answers are in that order.
fn on_threads<T: Send>(
    threads: usize,
    count: usize,
    job: impl Fn(usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return Ok(done);
            }
            done.push((index, job(index)?));
        }
    };
    let mut all = Vec::with_capacity(count);
    std::thread::scope(|scope| -> Result<()> {
        let running: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        for thread in running {
            match thread.join() {
                Ok(done) => all.extend(done?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })?;
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Shape {
        Shape {
            images: 25,
            tags_per_repo: 5,
            ..Shape::default()
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_tree() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        make(&one, &small(), &[]).unwrap();
        let threads = 1;
        make(&two, &Shape { threads, ..small() }, &[]).unwrap();
        let differences = crate::tree::differences(&one, &two, |_| false).unwrap();
        assert_eq!(differences, Vec::<String>::new());
    }

    #[test]
    fn included_references_come_besides_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let include = ["library/a:1".to_owned(), "library/a:2".to_owned()];
        let all = make(folder.path(), &small(), &include).unwrap();
        assert_eq!(all.len(), 27);
        assert!(include.iter().all(|reference| all.contains(reference)));
    }

    #[test]
    fn a_selection_is_spread_and_without_doubles() {
        let all: Vec<String> = (0..2_000).map(|i| format!("r:{i}")).collect();
        let mut some = select(&all, 183);
        assert_eq!((some.len(), some[0]), (183, "r:0"));
        some.dedup();
        assert_eq!(some.len(), 183);
    }

    #[test]
    fn lists_are_read_as_the_script_reads_them() {
        let list = "# note\n/old\n\nlibrary/a:1\r\nlibrary/b:2";
        assert_eq!(references_of(list), ["library/a:1", "library/b:2"]);
    }
}
