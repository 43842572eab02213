#!/usr/bin/env bash
# Runs the pure modules and the queue under Miri, with few of the programs that the property tests generate. Miri finds
# undefined behaviour and unnoticed overflow. It needs a nightly toolchain and the component miri. If they are not
# available, the script says so and exits with code 77.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly miri --version 2>/dev/null; then
    if ! timeout 300 rustup component add --toolchain nightly miri rust-src; then
        echo 'not run: there is no Miri for the nightly toolchain, or no nightly toolchain'
        exit 77
    fi
fi

# These tests take minutes under Miri.
MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=1 timeout 900 \
    cargo +nightly miri test --target-dir target/miri --features full --lib -- \
    schedule:: queue:: precision:: saturating:: units:: published:: panics:: \
    --skip settings_may_change_between_ticks --skip emptied_queue_frees_its_memory \
    --skip spike_frees_its_memory_while_a_timer_remains
echo "covered: the pure modules and the queue, one program each"
