#!/usr/bin/env bash
# Changes the code that matters most in small ways, one at a time, and looks whether a test notices.
#
#     tests/mutants.sh [digests] [paths] [limits] [publish] [-- OPTIONS OF CARGO-MUTANTS]
#
# Without a name all of them. Needs cargo-mutants (`cargo install --locked cargo-mutants`). A mutant of the digests or of the
# storage paths takes some seconds; one of the host up to two minutes, since the program is built anew each time. Those are tried in
# place, so that the compiler inside is not built again: nothing else may use this folder meanwhile, and all has to be
# committed. What survived is in target/mutants/AREA/mutants.out/missed.txt; tests/mutants.toml has those that change nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

# The second build of the host takes a quarter of the time then, and no mutant is worth the best code.
export CARGO_INCREMENTAL=1

areas=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do areas+=("$1"); shift; done
[ $# -eq 0 ] || shift
[ "${#areas[@]}" -gt 0 ] || areas=(digests paths limits publish)
options=("$@")
survived=0

# mutants AREA OPTION...
mutants() {
    mkdir -p "target/mutants/$1"
    # The tests as they are have passed before (tests that fail anyway would catch everything).
    cargo mutants --config tests/mutants.toml --baseline skip --profile release --timeout "${timeout:-60}" \
        --output "target/mutants/$1" "${@:2}" "${options[@]}" || survived=1
}

# A crate of guests alone.
crate() { mutants "$1" --package "$2" --test-package "$2" "${@:3}"; }

# host AREA TESTS FILE...: of all suites only these, and no package by name, for the reason in Cargo.toml.
host() {
    [ -z "$(git status --porcelain --untracked-files=no)" ] || { echo "commit first: files are changed in place" >&2; exit 2; }
    local tests=() files=()
    for test in $2; do tests+=(--cargo-arg="$test"); done
    for file in "${@:3}"; do files+=(--file "host/src/$file"); done
    timeout=300 mutants "$1" --in-place --test-workspace=true "${tests[@]}" "${files[@]}"
}

for area in "${areas[@]}"; do
    case "$area" in
    digests) crate digests regcarve-types --file guest/types/src/digest.rs --file 'guest/types/src/digest/*.rs' ;;
    paths)
        crate storage-paths regcarve-formats --file guest/formats/src/registry.rs --file 'guest/formats/src/registry/*.rs'
        host paths "--lib --test=security" fs/path.rs fs/open.rs
        ;;
    limits) host limits "--lib --test=plugins" wasm/engine/limits.rs wasm/engine/meter.rs ;;
    publish) host publish "--lib --test=e2e --test=durability" 'publish/*.rs' ;;
    *) echo "no area is called $area: digests, paths, limits, publish" >&2; exit 2 ;;
    esac
done
exit "$survived"
