//! `--platform` on real storages: which manifests travel, of every shape of an image that has several.
//!
//! | module | promise |
//! |---|---|
//! | `table` | sparse and strip, shape by shape, in all three formats |
//! | `pulled` | what a real client gets of a sparse release from a real registry |

mod pulled;
mod table;

use regcarve_test_support::binary::Outcome;
use regcarve_test_support::fixture::Fixture;
use regcarve_test_support::package::Package;
use regcarve_test_support::shapes::{self, Flavour};

const TWO: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// The repository of all images, with the name of the shape as tag.
const REPOSITORY: &str = "team/app";

/// Every shape of an image for several platforms, and some for one.
fn shapes() -> Shapes {
    let of = |flavour, name: &str, platform| {
        shapes::image_of(flavour, name, platform, &[shapes::layer(name)]).on(platform)
    };
    let mixed = [
        of(Flavour::Docker, "mixed docker", "linux/amd64"),
        of(Flavour::Oci, "mixed oci", "linux/arm64"),
    ];
    let attested = shapes::buildkit("inner", &TWO);
    let beside = of(Flavour::Oci, "beside", "linux/s390x");
    // Two indexes name the same manifest.
    let shared = of(Flavour::Oci, "shared", "linux/amd64");
    let lists = [
        shapes::multi(Flavour::Docker, "list in list", &TWO),
        of(Flavour::Docker, "beside list", "linux/s390x"),
    ];
    vec![
        ("docker-list", shapes::multi(Flavour::Docker, "list", &TWO)),
        ("oci-index", shapes::multi(Flavour::Oci, "index", &TWO)),
        ("mixed", shapes::index(Flavour::Oci, &mixed)),
        ("attested", shapes::buildkit("attested", &TWO)),
        ("nested", shapes::nested("nested", 2)),
        ("nested-twice", shapes::nested("nested twice", 3)),
        ("nested-lists", shapes::index(Flavour::Docker, &lists)),
        (
            "nested-attested",
            shapes::index(Flavour::Oci, &[attested, beside]),
        ),
        (
            "nested-shared",
            shapes::index(
                Flavour::Oci,
                &[
                    shapes::index(Flavour::Oci, std::slice::from_ref(&shared)),
                    shared,
                ],
            ),
        ),
        ("doubled", doubled()),
        ("single", shapes::image(Flavour::Oci, "single")),
    ]
}

/// An index that offers one manifest for two platforms.
fn doubled() -> Package {
    let of = |name: &str, platform| {
        shapes::image_of(Flavour::Oci, name, platform, &[shapes::layer(name)])
    };
    let arm = of("doubled arm", "linux/arm");
    shapes::index(
        Flavour::Oci,
        &[
            of("doubled", "linux/amd64").on("linux/amd64"),
            arm.clone().on("linux/arm/v6"),
            arm.on("linux/arm/v7"),
        ],
    )
}

/// The stored shapes, each with the tag that it has.
type Shapes = Vec<(&'static str, Package)>;

/// A storage with an image of each shape.
fn all_shapes() -> Fixture<Shapes> {
    Fixture::new().with(|fixture| {
        let images = shapes();
        for (shape, image) in &images {
            image.store(&fixture.storage, REPOSITORY, Some(shape));
        }
        images
    })
}

fn image<'a>(fixture: &'a Fixture<Shapes>, shape: &str) -> &'a Package {
    let found = fixture.made.iter().find(|(name, _)| *name == shape);
    &found.expect("a shape of the table").1
}

/// Carves one image for some platforms into these outputs, each `FORMAT:NAME`.
fn carve(
    fixture: &Fixture<Shapes>,
    shape: &str,
    platforms: &str,
    mode: &str,
    outputs: &[&str],
) -> Outcome {
    let flags = ["--platform", platforms, "--platform-mode", mode];
    carve_with(fixture, &flags, shape, outputs)
}

/// Carves one image with these flags.
fn carve_with(fixture: &Fixture<Shapes>, flags: &[&str], shape: &str, outputs: &[&str]) -> Outcome {
    let image = format!("{REPOSITORY}:{shape}");
    fixture.convert(
        &[flags, &["--image", &image]].concat(),
        "registry:source",
        outputs,
    )
}
