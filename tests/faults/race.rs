//! Many runs that want the same name.

use std::fs;
use std::process::Stdio;

use crate::long_or;
use crate::world::{World, quick_folder};
use regcarve_test_support::tree::staging_beside;

/// Exactly one gets it, the others say that it is taken, and nothing is left. Among them are those that look for what
/// killed runs left in the moment in which another has made its staging folder and not locked it yet.
fn one_name(runs: usize, rounds: usize) {
    let folder = quick_folder();
    let world = World::small(folder.path());
    let output = world.output("output");
    for _ in 0..rounds {
        let children: Vec<_> = (0..runs)
            .map(|_| world.run(&output).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let mut codes = Vec::new();
        let mut said = String::new();
        for child in children {
            let ended = child.wait_with_output().unwrap();
            codes.push(ended.status.code());
            let stderr = String::from_utf8_lossy(&ended.stderr);
            match ended.status.code() {
                Some(0) => {}
                Some(6) => {
                    let exists = format!("{} exists already", output.display());
                    assert!(stderr.contains(&exists), "{stderr}");
                }
                _ => said += &stderr,
            }
        }
        codes.sort_unstable();
        assert_eq!(codes[0], Some(0), "{said}");
        assert!(
            codes[1..].iter().all(|code| *code == Some(6)),
            "{codes:?}\n{said}"
        );
        assert_eq!(world.is_whole(&output), Ok(true));
        assert_eq!(staging_beside(&output), Vec::<String>::new());
        assert_eq!(world.source_is_unchanged(), Ok(()));
        fs::remove_dir_all(&output).unwrap();
    }
    eprintln!(
        "{runs} runs to one name, {rounds} times: 1 complete, {} refused each time, nothing left",
        runs - 1
    );
}

#[test]
fn a_hundred_runs_to_one_name() {
    one_name(100, long_or(10, 1));
}
