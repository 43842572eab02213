#!/usr/bin/env bash
# Tests a paused clock where tokio has `test-util` and the library does not.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --manifest-path tests/paused-elsewhere/Cargo.toml --target-dir target/paused-elsewhere
cargo clippy --manifest-path tests/paused-elsewhere/Cargo.toml --target-dir target/paused-elsewhere --all-targets -- -D warnings
