#!/usr/bin/env bash
# Tests what timers do when the wall clock is set.
#
# Aligned intervals run under libfaketime, which changes the time of day for one process. A `PeriodicInterval`
# on `Clock::Realtime` needs the kernel, so its test sets the machine's clock forward and back by one
# nanosecond. That takes CAP_SYS_TIME.
#
# tests/clock-set.sh FEATURES…: runs once with each set of features.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "clock-set: name at least one set of features" >&2; exit 2; }

faketime=
for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1; do
    [ ! -e "$library" ] || faketime=$library
done
[ -n "$faketime" ] || { echo "clock-set: libfaketime is missing" >&2; exit 1; }

# CAP_SYS_TIME is bit 25 of CapEff: capabilities(7).
may_set_the_clock() {
    local effective
    effective=$(awk '/^CapEff:/ { print $2 }' /proc/self/status)
    [ $(( 0x$effective >> 25 & 1 )) -eq 1 ]
}

offset=$(mktemp)
trap 'rm -f "$offset"' EXIT
for features in "$@"; do
    echo +0 >"$offset"
    environment="\"LD_PRELOAD=$faketime\", \"FAKETIME_TIMESTAMP_FILE=$offset\""
    environment="$environment, \"DONT_FAKE_MONOTONIC=1\", \"FAKETIME_NO_CACHE=1\""
    cargo test --features "$features" --test suite \
        --config "target.'cfg(all())'.runner = [\"env\", $environment]" -- --ignored aligned::
    if may_set_the_clock; then
        cargo test --features "$features" --test suite -- --ignored clocks::
    else
        echo "covered: NOT Clock::Realtime when the clock is set: this machine does not permit it"
    fi
done
