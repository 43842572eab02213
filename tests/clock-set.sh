#!/usr/bin/env bash
# What happens when the wall clock is set while timers run.
#
# Intervals that are aligned to it run under libfaketime, which lies to this one process about the
# time of day. A `PeriodicInterval` on `Clock::Realtime` is told by the kernel itself: for that the
# machine's clock is set forth and back by one nanosecond, for which it takes CAP_SYS_TIME.
#
# tests/clock-set.sh FEATURES…: once with each set.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo "clock-set: with which features?" >&2; exit 2; }

faketime=
for library in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1; do
    [ ! -e "$library" ] || faketime=$library
done
[ -n "$faketime" ] || { echo "clock-set: libfaketime is missing" >&2; exit 1; }

# CapEff's bit 25 is CAP_SYS_TIME: capabilities(7).
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
        echo "covered: NOT Clock::Realtime when the clock is set, which this machine does not permit"
    fi
done
