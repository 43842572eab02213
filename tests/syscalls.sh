#!/usr/bin/env bash
# System calls in the steady state: of a lone 1 ms interval at most two per tick, one timerfd_settime
# and one epoll_wait; as many of each of some sleeps, one after the other; of a `timeout` around a future
# that is ready at its second poll none. Counts every call of the process, in a long run less those in a
# short one, so that what starting and ending costs cancels out.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
command -v strace >/dev/null || { echo "syscalls: strace is missing" >&2; exit 1; }
table=$(mktemp)
trap 'rm -f "$table"' EXIT
strace=(timeout 60 strace -f -c -o "$table")

# ignored TEST: one that is only run here.
ignored() {
    local runner
    runner=$(printf '"%s", ' "${strace[@]}")
    cargo test --quiet --release --features full --test alone \
        --config "target.'cfg(all())'.runner = [$runner]" \
        -- --ignored --exact "cost::$1" | grep '1 passed' >/dev/null
}

ticks() {
    TICKS=$1 ignored many_ticks
}

timeouts() {
    TIMEOUTS=$1 ignored many_timeouts
}

sleeps() {
    SLEEPS=$1 ignored many_sleeps
}

# calls WHAT NUMBER: how many calls the process made.
calls() {
    "$@"
    awk '$NF == "total" { print $4 }' "$table"
}

# fewest NUMBER…: the least of them.
fewest() {
    printf '%s\n' "$@" | sort -n | head -n 1
}

# check WHAT SHORT LONG LEAST MOST: calls for each, between LEAST and MOST. On a busy machine a run may
# make more: of some runs of either length that with the fewest counts. A call too many for each tick
# would be in all of them.
check() {
    local what=$1 short=$2 long=$3 least=$4 most=$5 count from='' to='' each
    for _ in {1..5}; do
        count=$(calls "$what" "$short")
        from=$(fewest "$count" ${from:+"$from"})
        count=$(calls "$what" "$long")
        to=$(fewest "$count" ${to:+"$to"})
        each=$(awk -v d=$((to - from)) -v n=$((long - short)) 'BEGIN { printf "%.3f", d / n }')
        echo "syscalls: $each for each of the $what ($from in a run of $short, $to in one of $long)"
        if awk -v e="$each" -v least="$least" -v most="$most" 'BEGIN { exit !(e >= least && e <= most) }'; then
            return
        fi
    done
    echo "syscalls: expected $least to $most" >&2
    exit 1
}

# One more for each would be 1.000 more.
check ticks 500 1500 1.5 2.02
check timeouts 1000 101000 -0.01 0.01
check sleeps 1000 3000 1.5 2.02
echo 'checked: 3 counts of system calls'
