//! `--link hard`, `copy` and `auto` give the same tree. What happens where links are refused is in
//! `tests/durability/refused.rs`.

use std::fs;

use regcarve_test_support::tree::draw;

use super::images::six_images;

#[test]
fn every_link_mode_gives_the_same_tree() {
    let fixture = six_images();
    let mut drawings = Vec::new();
    for mode in ["hard", "copy", "auto"] {
        fixture.carve(&["--all", "--link", mode]).assert_code(0);
        drawings.push(draw(&fixture.output()).replace(" shared", " written"));
        fs::remove_dir_all(fixture.output()).unwrap();
    }
    assert_eq!(drawings[0], drawings[1]);
    assert_eq!(drawings[0], drawings[2]);
}
