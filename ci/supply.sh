#!/usr/bin/env bash
# What the library and ticklab are built from: licences, duplicates, sources; Rust versions; whether
# the versions that Cargo.toml asks for suffice.
#
# With `--all` also the unit tests with those versions, more sets of features by the oldest Rust, and what
# cargo-semver-checks says of the version that was published before.
#
# Not here: known vulnerabilities and yanked versions. Their database is on GitHub, which not every
# machine reaches; .github/workflows/ci.yml asks it.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
need python3
tool cargo-deny 0.20.2

cargo deny --locked check bans licenses sources
echo "covered: what the library's users compile: licences, no duplicates, no wildcards, build scripts, only crates.io"
cargo deny --locked --workspace --config ci/deny.toml check bans licenses sources
cargo deny --locked --manifest-path fuzz/Cargo.toml --config ci/deny.toml check sources
echo 'checked: 3 lists of dependencies'
echo "covered: all of Cargo.lock: licences, no wildcards, only crates.io; of the fuzzer's: only crates.io"

python3 ci/rust_versions.py
ci/msrv.sh "$@"
ci/minimal-versions.sh "$@"
[ "${1:-}" != --all ] || ci/semver.sh
