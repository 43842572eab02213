#!/usr/bin/env bash
# The driver under loom, which takes every order of its threads' steps with up to LOOM_MAX_PREEMPTIONS
# preemptions (2 if it is not set). What is checked is src/driver as it ships, on a kernel of its own. With
# `--all` also by Clippy, which sees what is built for the model checker here alone.
set -euo pipefail
[[ $* =~ ^(--all)?$ ]] || {
    echo "loom: neither nothing nor --all: $*" >&2
    exit 2
}
cd "$(dirname "$0")/.."
export LOOM_MAX_PREEMPTIONS=${LOOM_MAX_PREEMPTIONS:-2} RUSTFLAGS='--cfg tokio_osinterval_loom -Dwarnings'
arguments=(--target-dir target/loom --no-default-features)
# Optimized is what runs: the rest of what tests depend on only takes longer to build so.
for package in loom generator tokio-osinterval; do
    arguments+=(--config "profile.dev.package.$package.opt-level=3")
done
[ "${1:-}" != --all ] || cargo clippy --quiet "${arguments[@]}" --lib --tests -- -D warnings
# One after the other: a test's threads take turns in one.
timeout 1800 cargo test "${arguments[@]}" --lib driver::tests::loom:: -- --test-threads 1
echo "covered: every order with up to $LOOM_MAX_PREEMPTIONS preemptions"
