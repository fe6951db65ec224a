//! The corpus, and inputs near it.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A target's name and function.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 4] = [
    ("list", crate::list),
    ("reference", crate::reference),
    ("manifest", crate::manifest),
    ("path", crate::path),
];

/// Inputs for each target.
const INPUTS: usize = 200_000;
/// Changes that are made to one.
const CHANGES: usize = 6;

#[test]
fn nothing_panics_near_the_corpus() {
    let words = words();
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        for seed in &corpus {
            target(seed);
        }
        // Other inputs each time, unless a seed is given.
        let seed = std::env::var("REGCARVE_FUZZ_SEED")
            .map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..INPUTS {
            let mut input = corpus[random.usize(..corpus.len())].clone();
            for _ in 0..random.usize(1..=CHANGES) {
                change(&mut input, &corpus, &words, &mut random);
            }
            let done = catch_unwind(AssertUnwindSafe(|| target(&input)));
            assert!(
                done.is_ok(),
                "{name}, REGCARVE_FUZZ_SEED={seed}: {:?}",
                String::from_utf8_lossy(&input)
            );
        }
    }
}

/// The sample would not notice much if its inputs were all refused at their first byte.
#[test]
fn changes_are_small_and_many() {
    let (corpus, words) = (corpus("reference"), words());
    let mut random = fastrand::Rng::with_seed(1);
    let inputs: std::collections::BTreeSet<_> = (0..1000)
        .map(|_| {
            let mut input = corpus[0].clone();
            change(&mut input, &corpus, &words, &mut random);
            input
        })
        .collect();
    assert!(inputs.len() > 300, "{}", inputs.len());
    let near = inputs
        .iter()
        .filter(|input| input.starts_with(&corpus[0][..7]));
    assert!(near.count() > 100);
}

/// All files of a target's corpus.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus for {target}");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The fuzzer's dictionary: `"word"`, one a line.
fn words() -> Vec<Vec<u8>> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("words.dict"));
    let words: Vec<_> = text
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once('"')?.1.strip_suffix('"').map(Vec::from))
        .collect();
    assert!(!words.is_empty());
    words
}

/// One change of the kinds that fuzzers make.
fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[Vec<u8>], random: &mut fastrand::Rng) {
    let at = random.usize(..=input.len());
    let end = random.usize(at..=input.len());
    match random.u8(..8) {
        0 if at < input.len() => input[at] ^= 1 << random.u8(..8),
        1 if at < input.len() => input[at] = random.u8(..),
        2 => drop(input.drain(at..end)),
        3 => input.truncate(at),
        4 => {
            let part = input[at..end].to_vec();
            input.splice(end..end, part);
        }
        5 => {
            let other = &corpus[random.usize(..corpus.len())];
            let part = other[random.usize(..=other.len())..].to_vec();
            input.splice(at..end, part);
        }
        _ => {
            let word = words[random.usize(..words.len())].clone();
            input.splice(at..at, word);
        }
    }
}
