#!/usr/bin/env bash
# Runs the tests of other crates that build on `tokio::time`, with tokio's timers and with ours, and compares
# which tests pass. It takes the crates from cargo's registry and changes their imports in target/downstream,
# so the repository has no code of theirs. tests/downstream/recipes.py lists the crates and further changes.
#
# tests/downstream.sh [CRATE…]: runs the tests of these crates, or of all. `--lock` updates
# tests/downstream/Cargo.lock, which has the versions of all dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 -B tests/downstream "$@"
