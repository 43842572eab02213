#!/usr/bin/env bash
# Runs everything that .ci/run does at full depth, and what takes too long for each change: every target and subset of
# features, the whole suite on each processor and timer, hours of random programs, mutants. It takes some hours.
# CONTRIBUTING.md says when to run it.
#
# ci/thorough.sh [STAGE…]: runs these stages only, in the order of this file.
set -euo pipefail
cd "$(dirname "$0")/.."
for stage in "$@"; do
    grep "^run $stage " ci/thorough.sh >/dev/null || {
        echo "thorough: there is no stage $stage" >&2
        exit 2
    }
done
# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/stages.sh
. ci/stages.sh
wanted=" $* "

# run NAME COMMAND…: runs a stage if it is selected. Deletes its build, because the next stage uses other flags.
run() {
    [[ $wanted == '  ' || $wanted == *" $1 "* ]] || return 0
    stage "$@"
    rm -rf target
}

tools() {
    ci/tools.sh
    # For the documentation of backon, which uses reqwest.
    need libssl-dev pkg-config
    tool cargo-hack 0.6.46
    tool cargo-mutants 27.1.0
}

all_features() {
    cargo test --all-features
    cargo test --features full
    cargo test --no-default-features
}

portable() {
    export CARGO_CFG_TOKIO_OSINTERVAL_PORTABLE=1
    cargo test --all-features
    cargo test --features full
    tests/downstream.sh tokio tokio-stream tokio-util
}

powerset() {
    tool cargo-hack 0.6.46
    local log
    log=$(mktemp)
    export RUSTFLAGS=-Dwarnings
    cargo hack check --feature-powerset 2>&1 | tee "$log"
    CARGO_CFG_TOKIO_OSINTERVAL_PORTABLE=1 cargo hack check --feature-powerset 2>&1 | tee -a "$log"
    echo "checked: $(grep -c '^info: running' "$log") sets of features"
    rm "$log"
}

# Runs alone, because it sets the machine's clock.
clock_set() {
    tests/clock-set.sh full 'full test-util'
}

run tools tools
run static ci/static.sh
run lint ci/lint.sh
run powerset powerset
run test all_features
run portable portable
run downstream tests/downstream.sh
run clock-set clock_set
run doc ci/doc.sh
run faults tests/faults.sh
run paused-elsewhere tests/paused-elsewhere.sh
run instructions tests/instructions.sh
run syscalls tests/syscalls.sh
run public-api tests/public-api.sh
run kqueue tests/kqueue.sh --all
run windows ci/windows.sh --all
run emulated ci/emulated.sh --all
run foreign ci/foreign.sh --all
run link ci/link.sh
run sanitizers ci/sanitizers.sh
run ticklab ci/ticklab.sh
run supply ci/supply.sh --all
run miri ci/miri.sh
run loom env LOOM_MAX_PREEMPTIONS=3 tests/loom.sh --all
run differential env PROPTEST_CASES=1000000 timeout 36000 cargo test --release --all-features --test differential -- --nocapture
run examples ci/examples.sh 10
run fuzz ci/fuzz.sh 600
run mutants ci/mutants.sh
run package ci/package.sh
