#!/usr/bin/env bash
# Refuses each system call of the Linux backend with each of its errors: once, at the first, the second, …
# such call of a thread, and for good from one call on. strace answers in place of the kernel.
# `tests/alone/faults.rs` runs the timers, and checks what becomes of them.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v strace >/dev/null || { echo "faults: strace is missing" >&2; exit 1; }

binary=$(cargo test --quiet --features full --test alone --no-run --message-format json |
    python3 -c 'import json, sys
for line in sys.stdin:
    program = json.loads(line).get("executable")
    if program: print(program)')
output=$(mktemp) trace=$(mktemp)
trap 'rm -f "$output" "$trace"' EXIT
refused=0 failed=0
# What strace does with a call besides refusing it.
delay=
# Many panics are expected.
export RUST_BACKTRACE=0

# refuse CALL ERROR WHEN MESSAGE [OPTION…]: makes the calls at the places WHEN fail. Each failure of a timer
# must contain MESSAGE.
refuse() {
    local call=$1 error=$2 when=$3 message=$4 status=0
    shift 4
    local lasts=()
    [[ $when != *+ ]] || lasts=(FAULT_LASTS=1)
    # An alarm does not read.
    [[ $when != 1+ || $call = read ]] || lasts+=(FAULT_ALWAYS=1)
    env FAULT="$message" "${lasts[@]}" timeout 150 strace -f -e trace="$call" -o "$trace" "$@" \
        -e "inject=$call:error=$error:when=$when$delay" \
        "$binary" --ignored --exact faults::every_kind_of_timer_survives_a_refused_call --nocapture >"$output" 2>&1 || status=$?
    if [ $status -ne 0 ] || ! grep -q '1 passed' "$output"; then
        cat "$output"
        echo "faults: the test failed when $call $when$delay failed with $error: status $status" >&2
        exit 1
    fi
    if grep -q INJECTED "$trace"; then
        refused=$((refused + 1))
        grep -q 'failures: {}' "$output" || failed=$((failed + 1))
    elif [[ " 1 2 1+ " == *" $when "* ]]; then
        # How many further calls there are depends on the speed of the machine.
        echo "faults: there was no $call $when$delay to fail with $error" >&2
        exit 1
    fi
}

# sweep CALL ERROR MESSAGE [OPTION…]: refuses the call at several places.
sweep() {
    local call=$1 error=$2 message=$3 when
    shift 3
    for when in 1 2 3 5 8 13 1+ 4+; do
        refuse "$call" "$error" "$when" "$message" "$@"
    done
}

# sweep_unnoticed CALL ERROR [OPTION…]: refuses the call at several places. No timer may fail.
sweep_unnoticed() {
    local call=$1 error=$2 when
    shift 2
    for when in 1 2 3 5 8 13; do
        refuse "$call" "$error" "$when" 'no failure' "$@"
    done
}

timerfd=(-P 'anon_inode:[timerfd]')
sweep timerfd_create EMFILE 'os error 24'
sweep timerfd_create ENFILE 'os error 23'
sweep timerfd_create ENOMEM 'os error 12'
sweep timerfd_create ENODEV 'os error 19'
# A sandbox may forbid it.
sweep timerfd_create EPERM 'os error 1'
sweep timerfd_settime EPERM 'os error 1'
# Timers fall due while the kernel refuses.
for delay in :delay_exit={500,1500}; do
    sweep timerfd_settime EPERM 'os error 1'
done
delay=
sweep timerfd_settime EBADF 'os error 9'
sweep timerfd_settime EINVAL 'os error 22'
sweep timerfd_settime ENOMEM 'os error 12'
sweep timerfd_settime EINTR 'os error 4'
sweep timerfd_settime ECANCELED 'os error 125'
sweep epoll_ctl ENOMEM 'os error 12' "${timerfd[@]}"
sweep epoll_ctl ENOSPC 'os error 28' "${timerfd[@]}"
sweep epoll_ctl EBADF 'os error 9' "${timerfd[@]}"
sweep read EBADF 'os error 9' "${timerfd[@]}"
sweep read EIO 'os error 5' "${timerfd[@]}"
sweep read ECANCELED ClockWasSet "${timerfd[@]}"
sweep_unnoticed read EINTR "${timerfd[@]}"
sweep_unnoticed epoll_wait EINTR
echo "checked: $refused runs in which a call failed"
echo "covered: $failed of them with a failure of a timer"
