//! A carved registry storage, file by file, as `drawing.txt`.

use regcarve_test_support::tree::{assert_carved, draw};

use super::images::six_images;

#[test]
fn the_output_is_exactly_this_tree() {
    let fixture = six_images();
    fixture
        .carve(&["--image", "library/alpine:3.6", "--image", "team/app:v1"])
        .assert_code(0);
    assert_carved(fixture.storage.root(), &fixture.output());
    let expected = include_str!("drawing.txt");
    let drawn = draw(&fixture.output());
    assert!(
        drawn == expected,
        "the tree is not that of drawing.txt, but:\n{drawn}"
    );
}
