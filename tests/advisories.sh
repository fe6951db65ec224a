#!/usr/bin/env bash
# Looks for published advisories (RustSec) against anything in the lock files.
#
#     tests/advisories.sh [DATABASE]
#
# DATABASE is a clone of https://github.com/rustsec/advisory-db; also by the environment, ADVISORY_DB. No package registry
# has it, so that a machine may lack it. Then this only makes sure that an advisory would be noticed, and says so.
# Needs `cargo-deny`, by the environment: CARGO_DENY. Nothing is fetched over a network.
set -euo pipefail
cd "$(dirname "$0")/.."
database=${1:-${ADVISORY_DB:-}}
[ -z "$database" ] || database=$(cd "$database" && pwd)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# advisories DATABASE MANIFEST
advisories() {
    rm -rf target/advisory-dbs
    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$1.insteadOf" GIT_CONFIG_VALUE_0=https://github.com/rustsec/advisory-db \
        "${CARGO_DENY:-cargo-deny}" --locked --manifest-path "$2" --config deny.toml check advisories
}

# A database with one advisory, against whatever is there of one package.
mkdir -p "$scratch/sample/crates/anyhow"
cat >"$scratch/sample/crates/anyhow/RUSTSEC-2026-0000.md" <<'END'
```toml
[advisory]
id = "RUSTSEC-2026-0000"
package = "anyhow"
date = "2026-01-01"

[versions]
patched = []
```

# A sample

Nothing is wrong with this package.
END
git -C "$scratch/sample" init --quiet --initial-branch main
git -C "$scratch/sample" add .
git -C "$scratch/sample" -c user.name=sample -c user.email=sample@localhost commit --quiet --message sample
if answer=$(advisories "$scratch/sample" Cargo.toml 2>&1) || [[ $answer != *RUSTSEC-2026-0000* ]]; then
    printf '%s\n' "$answer" "an advisory against anyhow was not noticed" >&2
    exit 1
fi

if [ -z "$database" ]; then
    echo "not checked: advisories, for want of their database (see $0)"
    exit 0
fi
for manifest in Cargo.toml guest/policies/where/Cargo.toml tests/fuzz/Cargo.toml; do
    advisories "$database" "$manifest"
done
