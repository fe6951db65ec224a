//! The whole corpus, with real tools at both ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use regcarve_test_support::corpus::{Corpus, Image};
use regcarve_test_support::digest::Digest;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::registry::{self, Mode, Registry};
use regcarve_test_support::snapshot::Snapshot;
use regcarve_test_support::{check, skopeo, tools, tree};

use super::images;

/// The words of old skopeos (1.9 of Debian 12) for an entry in `index.json` whose type is by Docker.
/// `getManifestDescriptor` in `oci/layout/oci_transport.go` of containers/image passes over every entry whose
/// `mediaType` is neither the manifest nor the index of the OCI before it looks at names. The OCI allows other types
/// there, and newer skopeos read them. A second entry that says something else of the same manifest would be found, but
/// untrue: a client that pushes by the type in the index would be refused by registries. What helps with an old skopeo
/// is a layout of one image, which it takes whatever its type if no name is given.
const NOT_FOUND_BY_NAME: &str = "no descriptor found for reference";

/// The words of skopeo for names with separators that its own grammar of layouts does not have. Registries have these
/// names, so ours writes them as they are.
const REFUSED_NAME: &str = "Invalid image";

/// Those in the corpus.
const ODD_NAMES: [&str; 2] = ["every separator in a name", "every letter in a tag"];

#[test]
fn every_image_of_the_corpus_keeps_its_digest_between_all_formats() {
    if !tools::require(&[registry::PROGRAM, skopeo::PROGRAM]) {
        return;
    }
    let fixture = Fixture::new();
    let first = Registry::start(&fixture.path("source"), Mode::Writable);
    let corpus = Corpus::push(&first, &fixture.path("source"));
    fs::write(fixture.path("release.list"), corpus.list()).unwrap();
    let before = Snapshot::take(fixture.path("source"));

    let mut problems = round_trips(&fixture, &corpus);
    let expected = corpus.expected(true);
    // Each starts a hundred processes that mostly wait.
    problems.extend(std::thread::scope(|scope| {
        let ours = || -> Vec<String> {
            let each = expected.iter().flat_map(|image| by_skopeo(&fixture, image));
            each.collect()
        };
        let parts = [
            scope.spawn(ours),
            scope.spawn(|| written_as_dir(&fixture, &first, &expected)),
            scope.spawn(|| written_as_oci(&fixture, &first, &expected)),
        ];
        let found = parts.map(|part| part.join().expect("a part of the test"));
        found.concat()
    }));
    problems.extend(before.differences(&Snapshot::take(fixture.path("source"))));
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// Out of a registry's storage into all three formats, and from the others back again on every way.
fn round_trips(fixture: &Fixture, corpus: &Corpus) -> Vec<String> {
    let list = fixture.path("release.list");
    let listed = ["--list", list.to_str().unwrap()];
    let direct = fixture.convert(
        &listed,
        "registry:source",
        &["registry:direct", "dir:trees", "oci:layout"],
    );
    direct.assert_code(0);
    let expected = corpus.expected(true);
    let mut problems = Vec::new();
    if images(&direct) != names(&expected) {
        problems.push("the report of the first carve is another".into());
    }
    for (source, output) in [
        ("dir:trees", "registry:by-dir"),
        ("oci:layout", "registry:by-oci"),
        ("dir:trees", "oci:dir-to-oci"),
        ("oci:dir-to-oci", "registry:by-both"),
        ("oci:layout", "dir:oci-to-dir"),
    ] {
        let outcome = fixture.convert(&listed, source, &[output]);
        if outcome.code != 0 {
            problems.push(outcome.everything());
        } else if images(&outcome) != images(&direct) {
            problems.push(format!("{source} → {output}: other images or digests"));
        }
    }
    for (one, other) in [
        ("direct", "by-dir"),
        ("direct", "by-oci"),
        ("direct", "by-both"),
        ("layout", "dir-to-oci"),
        ("trees", "oci-to-dir"),
    ] {
        problems.extend(differences(&fixture.path(one), &fixture.path(other)));
    }
    let source = fixture.path("source");
    problems.extend(check::files(
        &fixture.path("direct"),
        &corpus.expected_files(true),
    ));
    for end in ["by-dir", "by-oci"] {
        let root = fixture.path(end);
        problems.extend(tree::carve_problems(&source, &root));
        let second = Registry::start(&root, Mode::ReadOnly);
        problems.extend(check::names(&second, &corpus.expected_tags(true)));
        // The trees are the same: one of them is enough for the slow client.
        problems.extend(if end == "by-oci" {
            check::images(&second, &expected)
        } else {
            let each = expected
                .iter()
                .flat_map(|image| check::image(&second, image));
            each.collect()
        });
    }
    problems.extend(by_all(fixture, &expected));
    problems
}

/// `--all` takes every tag, whatever the format.
fn by_all(fixture: &Fixture, expected: &[&Image]) -> Vec<String> {
    let tagged: Vec<&Image> = expected
        .iter()
        .filter(|image| image.tag.is_some())
        .copied()
        .collect();
    let sources = ["registry:direct", "dir:trees", "oci:layout"];
    let wrong = sources.iter().enumerate().filter(|(number, source)| {
        let outcome = fixture.convert(&["--all"], source, &[&format!("oci:all-{number}")]);
        outcome.code != 0 || images(&outcome) != names(&tagged)
    });
    wrong
        .map(|(_, source)| format!("--all of {source} gives other images"))
        .collect()
}

fn names(images: &[&Image]) -> Vec<(String, String)> {
    let mut names: Vec<_> = images
        .iter()
        .map(|image| (image.reference(), image.digest().to_string()))
        .collect();
    names.sort();
    names
}

/// Names, sizes and contents of links in two trees; what is shared has the same inode in both.
fn differences(one: &Path, other: &Path) -> Vec<String> {
    let lines = |root: &Path| -> Vec<String> { tree::draw(root).lines().map(Into::into).collect() };
    let (ours, theirs) = (lines(one), lines(other));
    let only = |some: &[String], rest: &[String], at: &Path| -> Vec<String> {
        some.iter()
            .filter(|line| rest.binary_search(line).is_err())
            .map(|line| format!("only in {}: {line}", at.display()))
            .collect()
    };
    let (mut sorted_ours, mut sorted_theirs) = (ours.clone(), theirs.clone());
    sorted_ours.sort();
    sorted_theirs.sort();
    let mut found = only(&ours, &sorted_theirs, one);
    found.extend(only(&theirs, &sorted_ours, other));
    found
}

/// skopeo finds an image of ours under its name, in both formats, with the right bytes.
fn by_skopeo(fixture: &Fixture, image: &Image) -> Vec<String> {
    let name = image.reference();
    let mut problems = Vec::new();
    let folder = format!("dir:{}", fixture.path("trees").join(&name).display());
    let same = |found: Result<Vec<u8>, String>| match found {
        Ok(bytes) if Digest::of(&bytes) == *image.digest() => None,
        Ok(_) => Some("other bytes".to_owned()),
        Err(error) => Some(error),
    };
    problems.extend(same(skopeo::raw(&folder)));
    if image.skopeo {
        let copy = tempfile::tempdir().unwrap();
        match skopeo::copy(&folder, &format!("dir:{}", copy.path().display())) {
            Ok(()) => problems.extend(check::pulled(copy.path(), image)),
            Err(error) => problems.push(error),
        }
    }
    let entry = format!("oci:{}:{name}", fixture.path("layout").display());
    let is_by_docker = !image
        .package
        .descriptor
        .media_type
        .starts_with("application/vnd.oci.");
    let found = skopeo::raw(&entry);
    if is_by_docker
        && found
            .as_ref()
            .is_err_and(|error| error.contains(NOT_FOUND_BY_NAME))
    {
        let alone = format!("oci:alone-{}", image.digest().hex());
        let flags = ["--image", &name, "--no-attached"];
        fixture
            .convert(&flags, "oci:layout", &[&alone])
            .assert_code(0);
        problems.extend(same(skopeo::raw(&fixture.spec(&alone))));
    }
    problems.extend(
        same(found)
            .filter(|problem| !(is_by_docker && problem.contains(NOT_FOUND_BY_NAME)))
            .filter(|problem| {
                !(ODD_NAMES.contains(&image.shape) && problem.contains(REFUSED_NAME))
            }),
    );
    problems
        .iter()
        .map(|problem| format!("skopeo and our {name} ({}): {problem}", image.shape))
        .collect()
}

/// Ours reads folders that skopeo wrote.
fn written_as_dir(fixture: &Fixture, registry: &Registry, expected: &[&Image]) -> Vec<String> {
    let some = by_tag(expected);
    for image in &some {
        let folder = fixture.path("by-skopeo-dir").join(image.reference());
        fs::create_dir_all(&folder).unwrap();
        skopeo::pull(registry, &image.reference(), &folder).unwrap();
    }
    let wanted: BTreeMap<_, _> = names(&some).into_iter().collect();
    read_back(fixture, "dir:by-skopeo-dir", &wanted)
}

/// Ours reads a layout that skopeo wrote. It makes OCI manifests of those by Docker, so only it knows their digests.
fn written_as_oci(fixture: &Fixture, registry: &Registry, expected: &[&Image]) -> Vec<String> {
    let layout = fixture.path("by-skopeo-oci");
    let mut wanted = BTreeMap::new();
    let some = by_tag(expected).into_iter();
    for image in some.filter(|image| !ODD_NAMES.contains(&image.shape)) {
        let name = image.reference();
        let from = format!("docker://{}/{name}", registry.address());
        let to = format!("oci:{}:{name}", layout.display());
        let is_oci = image.package.manifests().iter().all(|one| {
            one.descriptor
                .media_type
                .starts_with("application/vnd.oci.")
        });
        let digest = if is_oci {
            skopeo::copy(&from, &to).unwrap();
            image.digest().to_string()
        } else {
            skopeo::convert(&from, &to).unwrap();
            Digest::of(&skopeo::raw(&to).unwrap()).to_string()
        };
        wanted.insert(name, digest);
    }
    read_back(fixture, "oci:by-skopeo-oci", &wanted)
}

/// Images with a tag that skopeo can pull; the tags of their referrers have to come along.
fn by_tag<'a>(expected: &[&'a Image]) -> Vec<&'a Image> {
    let fits = |image: &&&Image| image.skopeo && image.tag.is_some();
    expected.iter().filter(fits).copied().collect()
}

fn read_back(fixture: &Fixture, source: &str, wanted: &BTreeMap<String, String>) -> Vec<String> {
    let output = format!("registry:of-{}", &source[4..]);
    let outcome = fixture.convert(&["--all"], source, &[&output]);
    if outcome.code != 0 {
        return vec![outcome.everything()];
    }
    let found: BTreeMap<_, _> = images(&outcome).into_iter().collect();
    let differ = |(name, digest): (&String, &String)| match found.get(name) {
        Some(found) if found == digest => None,
        found => Some(format!("{source}: {name} is {found:?}, not {digest}")),
    };
    let mut problems: Vec<_> = wanted.iter().filter_map(differ).collect();
    if found.len() != wanted.len() {
        problems.push(format!(
            "{source}: {} images, not {}",
            found.len(),
            wanted.len()
        ));
    }
    let second = Registry::start(&fixture.path(&output["registry:".len()..]), Mode::ReadOnly);
    for (name, digest) in wanted {
        let (repository, tag) = name.split_once(':').unwrap();
        match second.get_manifest(repository, tag) {
            Ok(served) if served.digest == *digest => {}
            other => problems.push(format!("{source}: {name} is served as {other:?}")),
        }
    }
    problems
}
