#!/usr/bin/env bash
# Runs tokio's own timer tests against this crate: takes them from the tokio package that this
# project resolves to, changes `tokio::time` to `tokio_osinterval::time` throughout, and tests in
# target/tokio-suite. Nothing of theirs is kept in the repository.
#
# No case is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
suite=$here/target/tokio-suite
files=(time_interval time_panic time_pause time_rt time_sleep time_timeout)

metadata=$(cargo metadata --format-version 1 --all-features)
read -r version manifest < <(python3 -c '
import json, sys
tokio = [p for p in json.load(sys.stdin)["packages"] if p["name"] == "tokio"]
assert len(tokio) == 1, "expected one tokio, found %d" % len(tokio)
print(tokio[0]["version"], tokio[0]["manifest_path"])
' <<<"$metadata")
theirs=$(dirname "$manifest")/tests

mkdir -p "$suite/src" "$suite/tests/support"
: >"$suite/src/lib.rs"
cat >"$suite/Cargo.toml" <<TOML
[package]
name = "tokio-suite"
version = "0.0.0"
edition = "2021"
publish = false

[workspace]

[lints.rust]
unexpected_cfgs = "allow"

[features]
default = ["full"]
full = []

[dependencies]
futures = "0.3"
rand = "0.9"
tokio = { version = "=$version", features = ["full", "test-util"] }
tokio-osinterval = { path = "$here", features = ["full", "test-util"] }
tokio-test = "0.4"
TOML
cp Cargo.lock "$suite/Cargo.lock"
cp "$theirs/support/panic.rs" "$suite/tests/support/panic.rs"

for file in "${files[@]}"; do
    sed 's/\btokio::time\b/tokio_osinterval::time/g' "$theirs/$file.rs" >"$suite/tests/$file.rs"
    # A rewrite that finds nothing would test tokio against itself.
    grep -q 'use tokio_osinterval::time' "$suite/tests/$file.rs" ||
        { echo "tokio-suite: $file.rs of tokio $version does not import its timers as expected" >&2; exit 1; }
done

echo "tokio-suite: the timer tests of tokio $version"
export CARGO_TARGET_DIR=$suite/target
cd "$suite"
for file in "${files[@]}"; do
    echo "tokio-suite: $file"
    timeout 300 cargo test --quiet --test "$file"
done
