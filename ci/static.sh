#!/usr/bin/env bash
# What can be said without compiling: format, and that the lists in ARCHITECTURE.md and tests/README.md are true.
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
echo 'checked: 4 formats'
