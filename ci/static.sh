#!/usr/bin/env bash
# Runs the checks that need no build: formats, the lists in ARCHITECTURE.md and tests/README.md, and the headers of the
# tables of figures.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fmt --all --check
cargo fmt --manifest-path fuzz/Cargo.toml --check
cargo fmt --manifest-path tests/kqueue-on-linux/Cargo.toml --check
cargo fmt --manifest-path tests/paused-elsewhere/Cargo.toml --check
for script in .ci/run ci/*.sh tests/*.sh; do
    bash -n "$script"
done
tests/unsafe.py
tests/promises.py
ci/figures.sh --check
echo 'checked: 4 formats'
