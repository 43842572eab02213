#!/usr/bin/env bash
# Runs the tests of other crates that build on `tokio::time`, with tokio's timers and with ours, and compares which
# have passed. Takes the crates from cargo's registry and changes their imports in target/downstream: nothing of theirs
# is kept in the repository. tests/downstream/recipes.py says which crates, and what else is changed.
#
# tests/downstream.sh [CRATE…]: these only. `--lock` writes tests/downstream/Cargo.lock anew, which has the versions
# of all that they are built with.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 -B tests/downstream "$@"
