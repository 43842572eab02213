#!/usr/bin/env bash
# System calls per tick of a lone 1 ms interval, in the steady state: at most two, one
# timerfd_settime and one epoll_wait. Counts every call of the process, in a long run less those in
# a short one, so that what starting and ending costs cancels out.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v strace >/dev/null || { echo "syscalls: strace is missing" >&2; exit 1; }
cargo build --quiet --release --example heartbeat
heartbeat=${CARGO_TARGET_DIR:-target}/release/examples/heartbeat

calls() {
    local table
    table=$(mktemp)
    timeout 60 strace -f -c -o "$table" "$heartbeat" 1ms "$1" >/dev/null
    awk '$NF == "total" { print $4 }' "$table"
    rm "$table"
}

short=1000 long=3000
from=$(calls $short) to=$(calls $long)
per_tick=$(awk -v d=$((to - from)) -v n=$((long - short)) 'BEGIN { printf "%.3f", d / n }')
echo "syscalls: $per_tick per tick ($from in a run of $short ticks, $to in one of $long)"
# A preempted run may add a handful to thousands; a third call per tick would add 1.000.
awk -v p="$per_tick" 'BEGIN { exit !(p > 1.5 && p <= 2.02) }' ||
    { echo "syscalls: expected 2 per tick" >&2; exit 1; }
