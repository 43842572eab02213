#!/usr/bin/env bash
# Runs tokio's own timer tests against this crate: takes them from the tokio package that this
# project resolves to, changes their imports, and tests in target/tokio-suite. Nothing of theirs is
# kept in the repository.
#
# Cases that are left out, and why:
#   time_panic.rs  timeout_panic_caller, timeout_at_panic_caller: this crate has no `timeout` yet.
# In time_interval.rs, `timeout` stays tokio's for the same reason; it is only the safety net of two
# cases there.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
suite=$here/target/tokio-suite

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
tokio = { version = "=$version", features = ["full", "test-util"] }
tokio-osinterval = { path = "$here", features = ["full", "test-util"] }
tokio-test = "0.4"
TOML
cp Cargo.lock "$suite/Cargo.lock"
cp "$theirs/support/panic.rs" "$suite/tests/support/panic.rs"

# time_interval.rs: the imports, and the intervals that are named by their full path.
sed -e 's/^use tokio::time::{/use tokio_osinterval::time::{/' \
    -e 's/tokio::time::interval(/tokio_osinterval::time::interval(/' \
    "$theirs/time_interval.rs" >"$suite/tests/time_interval.rs"
# time_panic.rs: the imports, but for the timeouts.
sed -e 's/^use tokio::time::{self, interval, interval_at, timeout, timeout_at, Instant};/use tokio::time::{timeout, timeout_at};\nuse tokio_osinterval::time::{self, interval, interval_at, Instant};/' \
    "$theirs/time_panic.rs" >"$suite/tests/time_panic.rs"

# A rewrite that no longer finds its line would test tokio against itself.
for file in time_interval time_panic; do
    grep -q '^use tokio_osinterval::time::' "$suite/tests/$file.rs" ||
        { echo "tokio-suite: $file.rs of tokio $version does not import its timers as expected" >&2; exit 1; }
done
! grep -n 'tokio::time::interval(' "$suite/tests/time_interval.rs" | grep -v tokio_osinterval ||
    { echo "tokio-suite: an interval of tokio's own is left in time_interval.rs" >&2; exit 1; }

echo "tokio-suite: the timer tests of tokio $version"
export CARGO_TARGET_DIR=$suite/target
cd "$suite"
cargo test --quiet --test time_interval
cargo test --quiet --test time_panic -- --skip timeout
