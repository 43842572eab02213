#!/usr/bin/env bash
# Runs the driver under loom, in every order of its threads' steps with up to LOOM_MAX_PREEMPTIONS preemptions
# (2 by default). It checks src/driver as it ships, on a simulated kernel. `--all` also runs Clippy, which
# sees the code for the model checker only here.
set -euo pipefail
[[ $* =~ ^(--all)?$ ]] || {
    echo "loom: unexpected arguments: $*; usage: loom.sh [--all]" >&2
    exit 2
}
cd "$(dirname "$0")/.."
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2} RUSTFLAGS='--cfg tokio_osinterval_loom -Dwarnings'
arguments=(--target-dir target/loom --no-default-features)
# Only what runs long is optimized. The other dependencies would take longer to build.
for package in loom generator tokio-osinterval; do
    arguments+=(--config "profile.dev.package.$package.opt-level=3")
done
[ "${1:-}" != --all ] || cargo clippy --quiet "${arguments[@]}" --lib --tests -- -D warnings
# One test at a time, since loom runs all threads of a test on one.
timeout 1800 cargo test "${arguments[@]}" --lib -- driver::tests::loom:: deferred_waker::model:: --test-threads 1
echo "covered: every order with up to $LOOM_MAX_PREEMPTIONS preemptions"
