#!/usr/bin/env bash
# Compares the public API with tests/public-api.txt, and checks that each item has an example. With `--write`, writes
# that file. It lists the API with the feature `full`, without derived and automatic traits.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo public-api --version >/dev/null 2>&1 ||
    { echo "public-api: missing: cargo install cargo-public-api --version 0.52.0 --locked" >&2; exit 1; }
target=${CARGO_TARGET_DIR:-target}/public-api
# rustdoc's JSON is not stable yet.
RUSTC_BOOTSTRAP=1 cargo rustdoc --quiet --lib --features full --target-dir "$target" \
    -- -Zunstable-options --output-format json
rustdoc=$target/doc/tokio_osinterval.json
cargo public-api --rustdoc-json "$rustdoc" -sss | python3 tests/public_api.py "$rustdoc" "$@"
