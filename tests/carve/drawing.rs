//! A carved tree, drawn.

use regcarve_test_support::tree::{assert_carved, draw};

use crate::world::World;

#[test]
fn the_output_is_exactly_this_tree() {
    let world = World::new();
    world
        .carve(&["--image", "library/alpine:3.6", "--image", "team/app:v1"])
        .assert_code(0);
    assert_carved(world.storage.root(), &world.output());
    let expected = include_str!("drawing.txt");
    let drawn = draw(&world.output());
    assert!(
        drawn == expected,
        "the tree is not that of drawing.txt, but:\n{drawn}"
    );
}
