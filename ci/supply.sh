#!/usr/bin/env bash
# Checks the dependencies of the library and ticklab: licences, duplicates, sources, Rust versions, and whether the
# oldest versions that Cargo.toml allows are enough.
#
# `--all` adds the unit tests with those versions, more sets of features with the oldest Rust, and cargo-semver-checks
# against the published version.
#
# Not covered: known vulnerabilities and yanked versions. Their database is on GitHub, which not every machine can reach;
# .github/workflows/ci.yml checks them.
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
