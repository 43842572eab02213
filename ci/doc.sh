#!/usr/bin/env bash
# The documentation, with warnings as errors: as docs.rs shows it, and for the default features.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTDOCFLAGS=-Dwarnings
cargo doc --quiet --no-deps --all-features
cargo doc --quiet --no-deps
echo 'checked: 2 documentations'
