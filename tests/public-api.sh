#!/usr/bin/env bash
# Compares the public API with tests/public-api.txt, and checks that each item has an example. With `--write`,
# writes that file. It lists the API with the feature `full`, without derived and automatic traits. Also
# checks that tests/suite/version_1_0 uses the whole API of 1.0.0.
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

# cargo documents no dev-dependencies, so another package depends on 1.0.0, in the versions of Cargo.lock.
package=$(mktemp -d)
trap 'rm -rf "$package"' EXIT
cp Cargo.lock "$package"
mkdir "$package/src"
touch "$package/src/lib.rs"
cat >"$package/Cargo.toml" <<'TOML'
[package]
name = "user-of-version-1-0"
edition = "2024"

[dependencies]
tokio-osinterval = { version = "=1.0.0", features = ["interval", "os-native", "periodic"] }
TOML
RUSTC_BOOTSTRAP=1 RUSTDOCFLAGS='-Zunstable-options --output-format json' \
    cargo doc --quiet --no-deps --package tokio-osinterval --manifest-path "$package/Cargo.toml" --target-dir "$target/1.0.0"
cargo public-api --rustdoc-json "$target/1.0.0/doc/tokio_osinterval.json" -s | python3 tests/version_1_0.py
