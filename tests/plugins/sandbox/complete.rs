//! Every program in `tests/programs` has a row in one of the tables, and is built.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::case::Case;
use super::{policies, readers, selectors, writers};

/// Each folder of programs, and the rows for it.
const ROLES: [(&str, &[Case]); 4] = [
    ("policy", policies::CASES),
    ("reader", readers::CASES),
    ("selector", selectors::CASES),
    ("writer", writers::CASES),
];

#[test]
fn every_guest_program_has_a_verdict() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/programs");
    let built = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for (role, cases) in ROLES {
        let programs: BTreeSet<_> = fs::read_dir(folder.join(role))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| format!("{role}-{}", path.file_stem().unwrap().to_str().unwrap()))
            .collect();
        let rows: BTreeSet<_> = cases.iter().map(|case| case.program.to_owned()).collect();
        assert_eq!(
            rows, programs,
            "the rows in tests/plugins/sandbox, the files in tests/programs/{role}"
        );
        assert_eq!(rows.len(), cases.len(), "a row occurs twice");
        for name in &programs {
            let file = name.replacen('-', "/", 1);
            assert!(
                folder.join(format!("{file}.wat")).is_file()
                    || built.contains(&format!("\"{file}.rs\"")),
                "{file}.rs is not built: give it its line in tests/programs/Cargo.toml"
            );
        }
    }
}
