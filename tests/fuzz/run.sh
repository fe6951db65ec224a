#!/usr/bin/env bash
# Fuzzes everything that parses the input of strangers, and the answers of components.
#
#   tests/fuzz/run.sh            a sample: 10 seconds for each target, without sanitizer
#   tests/fuzz/run.sh long       10 minutes for each, with the address sanitizer
#   tests/fuzz/run.sh long path  one of them: list, reference, manifest, path, or answers
#
# Needs a C++ compiler and `cargo install cargo-fuzz`, which is installed where it is missing. The corpus in the tree is small: seeds,
# and inputs that once failed. The corpus that a run learns stays in target/fuzz and is tried again by the next one.
set -euo pipefail
cd "$(dirname "$0")/../.."

form=${1:-short}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(list reference manifest path answers)
case $form in
    short) seconds=10 sanitizer=none answers=5 ;;
    long) seconds=600 sanitizer=address answers=600 ;;
    *) echo "usage: $0 [short|long] [TARGET]…" >&2; exit 2 ;;
esac

# The compiler's switches for fuzzing are not stable yet.
export RUSTC_BOOTSTRAP=1
fuzz() { cargo fuzz "$@"; }
if [[ " ${targets[*]} " != " answers " ]] && ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install cargo-fuzz --locked
fi

found=0
for target in "${targets[@]}"; do
    printf '\n== %s\n' "$target"
    if [ "$target" = answers ]; then
        # Through the real sandbox: see tests/plugins/guest_answers_fuzz.
        env -u RUSTC_BOOTSTRAP REGCARVE_FUZZ_SECONDS=$answers cargo test --release --locked --test guest_answers_fuzz || found=1
        continue
    fi
    learnt=target/fuzz/corpus/$target
    mkdir -p "$learnt" "target/fuzz/found/$target"
    # An input that takes a second, or a GiB, is a finding too.
    fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer "$sanitizer" "$target" \
        "$learnt" "tests/fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -timeout=1 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
        -dict="tests/fuzz/words.dict" -artifact_prefix="target/fuzz/found/$target/" -verbosity=0 || found=1
done
exit $found
