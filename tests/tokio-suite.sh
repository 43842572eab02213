#!/usr/bin/env bash
# Runs tokio's own timer tests, tokio-stream's of its `IntervalStream` and of its `StreamExt` where that has to
# do with time, and tokio-util's of where its `FutureExt` panics, against this crate: takes
# them from the packages in cargo's registry, changes the names of timers to this crate's, and tests
# in target/tokio-suite. Nothing of theirs is kept in the repository, and no case is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
suite=$here/target/tokio-suite
timers=(time_interval time_panic time_pause time_rt time_sleep time_timeout)
streams=(chunks_timeout stream_chunks_timeout stream_panic stream_timeout time_throttle)

# package NAME: version and folder of the one package of that name that this folder resolves to.
package() {
    cargo metadata --format-version 1 --all-features | python3 -c '
import json, os, sys
found = [p for p in json.load(sys.stdin)["packages"] if p["name"] == sys.argv[1]]
assert len(found) == 1, "expected one %s, found %d" % (sys.argv[1], len(found))
print(found[0]["version"], os.path.dirname(found[0]["manifest_path"]))
' "$1"
}

# rewrite FILE SED-EXPRESSION…: one of their tests, on our timers.
rewrite() {
    local from=$1 to=$suite/tests/$(basename "$1")
    shift
    sed -E "$@" "$from" >"$to"
    # A rewrite that finds nothing would test them against themselves.
    grep -q 'use tokio_osinterval::' "$to" ||
        { echo "tokio-suite: $from does not import its timers as expected" >&2; exit 1; }
}

read -r tokio_version tokio < <(package tokio)
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
unused_imports = "allow"

[features]
default = ["full", "io-util", "sync", "time"]
full = []
io-util = []
sync = []
time = []

[dependencies]
futures = "0.3"
futures-core = "0.3"
parking_lot = "0.12"
rand = "0.9"
tokio = { version = "=$tokio_version", features = ["full", "test-util"] }
tokio-osinterval = { path = "$here", features = ["full", "test-util"] }
tokio-stream = { version = "0.1", features = ["time"] }
tokio-test = "0.4"
tokio-util = { version = "0.7", features = ["full"] }
TOML
cp Cargo.lock "$suite/Cargo.lock"
cd "$suite"
read -r stream_version stream < <(package tokio-stream)
read -r util_version util < <(package tokio-util)

cp "$tokio/tests/support/panic.rs" tests/support/panic.rs
for file in "${timers[@]}"; do
    rewrite "$tokio/tests/$file.rs" -e 's/\btokio::time\b/tokio_osinterval::time/g'
done
rewrite "$stream/tests/stream_fuse.rs" \
    -e 's/\btokio::time\b/tokio_osinterval::time/g' \
    -e 's/\btokio_stream::wrappers::IntervalStream\b/tokio_osinterval::IntervalStream/g'
# What is in their `StreamExt` besides time is in that of futures as well.
for file in "${streams[@]}"; do
    rewrite "$stream/tests/$file.rs" \
        -e 's/\btokio::time\b/tokio_osinterval::time/g' \
        -e 's/^use tokio_stream::StreamExt;/use {futures::StreamExt, tokio_osinterval::StreamTimeExt};/' \
        -e 's/^use tokio_stream::\{self as stream, StreamExt\};/use {futures::StreamExt, tokio_stream as stream};\nuse tokio_osinterval::StreamTimeExt;/'
    # By whose name the methods are called: theirs would do as well.
    ! grep 'tokio_stream::.*StreamExt' "tests/$file.rs" && grep -q 'tokio_osinterval::StreamTimeExt' "tests/$file.rs" ||
        { echo "tokio-suite: $file.rs does not import its adapters as expected" >&2; exit 1; }
done
rewrite "$util/tests/panic.rs" \
    -e 's/\buse tokio_util::future::FutureExt\b/use tokio_osinterval::FutureExt/'

export CARGO_TARGET_DIR=$suite/target
echo "tokio-suite: the timer tests of tokio $tokio_version, tokio-stream $stream_version and tokio-util $util_version"
for file in "${timers[@]}" stream_fuse "${streams[@]}" panic; do
    echo "tokio-suite: $file"
    timeout 300 cargo test --quiet --test "$file" -- --include-ignored
done
