#!/usr/bin/env bash
# Counts system calls in the steady state. A tick of a lone interval takes at most two, one timerfd_settime
# and one epoll_wait. So does each of several sleeps, one after the other. A `timeout` around a future that is
# ready at its second poll takes none. The script counts all calls of the process in a long run, and subtracts
# those of a short run, so that the start and the end of the process cancel out.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/.."
command -v strace >/dev/null || { echo "syscalls: strace is missing" >&2; exit 1; }
table=$(mktemp)
trap 'rm -f "$table"' EXIT
strace=(timeout 60 strace -f -c -o "$table")

# run_ignored TEST: runs a test that is otherwise ignored.
run_ignored() {
    local runner
    runner=$(printf '"%s", ' "${strace[@]}")
    cargo test --quiet --release --features full --test alone \
        --config "target.'cfg(all())'.runner = [$runner]" \
        -- --ignored --exact "cost::$1" | grep '1 passed' >/dev/null
}

ticks() {
    TICKS=$1 run_ignored many_ticks
}

timeouts() {
    TIMEOUTS=$1 run_ignored many_timeouts
}

sleeps() {
    SLEEPS=$1 run_ignored many_sleeps
}

# calls WHAT NUMBER: prints how many calls the process makes.
calls() {
    "$@"
    awk '$NF == "total" { print $4 }' "$table"
}

# fewest NUMBER…: prints the smallest.
fewest() {
    printf '%s\n' "$@" | sort -n | head -n 1
}

# check WHAT SHORT LONG LEAST MOST: checks that each takes LEAST to MOST calls. A busy machine makes a run
# take more, so of some runs of either length the one with the fewest calls counts. One call too many for each
# tick would be in all.
check() {
    local what=$1 short=$2 long=$3 least=$4 most=$5 count in_short='' in_long='' each
    for _ in {1..5}; do
        count=$(calls "$what" "$short")
        in_short=$(fewest "$count" ${in_short:+"$in_short"})
        count=$(calls "$what" "$long")
        in_long=$(fewest "$count" ${in_long:+"$in_long"})
        each=$(awk -v d=$((in_long - in_short)) -v n=$((long - short)) 'BEGIN { printf "%.3f", d / n }')
        echo "syscalls: $each for each of the $what ($in_short in a run of $short, $in_long in one of $long)"
        if awk -v e="$each" -v least="$least" -v most="$most" 'BEGIN { exit !(e >= least && e <= most) }'; then
            return
        fi
    done
    echo "syscalls: expected $least to $most" >&2
    exit 1
}

# One call more for each would add 1.000.
check ticks 500 1500 1.5 2.02
check timeouts 1000 101000 -0.01 0.01
check sleeps 1000 3000 1.5 2.02
echo 'checked: 3 counts of system calls'
