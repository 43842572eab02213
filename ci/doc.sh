#!/usr/bin/env bash
# Builds the documentation, with warnings as errors: with all features, with the default features, and with features off
# so that linked items may be absent.
set -euo pipefail
cd "$(dirname "$0")/.."
export RUSTDOCFLAGS=-Dwarnings
cargo doc --quiet --no-deps --all-features
cargo doc --quiet --no-deps
cargo doc --quiet --no-deps --no-default-features
echo 'checked: 3 documentations'
