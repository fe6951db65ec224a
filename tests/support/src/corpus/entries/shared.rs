//! Content that many images, tags and repositories share.

use std::slice;

use super::{decoy, selected};
use crate::corpus::Image;
use crate::shapes::{self, Flavour, layer};

pub(super) fn images() -> Vec<Image> {
    let base = layer("shared base");
    let on_base = |name: &str| {
        let layers = [base.clone(), layer(name)];
        shapes::image_of(Flavour::Oci, name, "linux/amd64", &layers)
    };
    let child = on_base("shared child").on("linux/amd64");
    let other = on_base("other child").on("linux/arm64");
    let both = shapes::index(Flavour::Oci, &[child.clone(), other]);
    let one = shapes::index(Flavour::Oci, slice::from_ref(&child));
    vec![
        selected(
            "apps/one:v1",
            "layer shared in a repository",
            on_base("one v1"),
        ),
        selected(
            "apps/one:v2",
            "layer shared in a repository",
            on_base("one v2"),
        ),
        selected(
            "apps/two:v1",
            "layer shared across repositories",
            on_base("two v1"),
        ),
        selected(
            "apps/three:v1",
            "same image in another repository",
            on_base("one v1"),
        ),
        selected(
            "apps/four:1.0",
            "same image under two tags",
            on_base("four"),
        ),
        selected("apps/four:1", "same image under two tags", on_base("four")),
        decoy(
            "apps/four:latest",
            "another tag of a wanted image",
            on_base("four"),
        ),
        selected("apps/five:both", "child shared by two indexes", both),
        selected("apps/five:one", "child shared by two indexes", one),
        decoy(
            "apps/five:child",
            "tag of a child that is wanted only as a child",
            child,
        ),
        decoy("apps/six:v1", "shares a layer", on_base("six")),
    ]
}
