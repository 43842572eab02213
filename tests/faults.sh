#!/usr/bin/env bash
# Each call of the Linux backend to the kernel is refused with each error that it may have: one time,
# at the first, the second, … such call of a thread; and from one on for good. strace answers in the
# kernel's place. `tests/alone/faults.rs` is what runs, and it says what must come of it.
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
struck=0 told=0
# The panics that are expected are many.
export RUST_BACKTRACE=0

# strike CALL ERROR WHEN MESSAGE [OPTION…]: the calls of that name that are made in such turns
# fail. Every failure that comes of it holds MESSAGE.
strike() {
    local call=$1 error=$2 when=$3 message=$4 status=0
    shift 4
    local lasts=()
    [[ $when != *+ ]] || lasts=(FAULT_LASTS=1)
    # No alarm reads.
    [[ $when != 1+ || $call = read ]] || lasts+=(FAULT_ALWAYS=1)
    env FAULT="$message" "${lasts[@]}" timeout 150 strace -f -e trace="$call" -o "$trace" "$@" \
        -e "inject=$call:error=$error:when=$when" \
        "$binary" --ignored --exact faults::every_kind_of_timer_survives_a_refused_call --nocapture >"$output" 2>&1 || status=$?
    if [ $status -ne 0 ] || ! grep -q '1 passed' "$output"; then
        cat "$output"
        echo "faults: $call failed with $error in turn $when: status $status" >&2
        exit 1
    fi
    if grep -q INJECTED "$trace"; then
        struck=$((struck + 1))
        grep -q 'failures: {}' "$output" || told=$((told + 1))
    elif [[ " 1 2 1+ " == *" $when "* ]]; then
        # How many calls there are after that is up to the machine's speed.
        echo "faults: no $call to fail with $error in turn $when" >&2
        exit 1
    fi
}

# sweep CALL ERROR MESSAGE [OPTION…]
sweep() {
    local call=$1 error=$2 message=$3 when
    shift 3
    for when in 1 2 3 5 8 13 1+ 4+; do
        strike "$call" "$error" "$when" "$message" "$@"
    done
}

# goes_on CALL ERROR [OPTION…]: what nobody is told of.
goes_on() {
    local call=$1 error=$2 when
    shift 2
    for when in 1 2 3 5 8 13; do
        strike "$call" "$error" "$when" 'no failure' "$@"
    done
}

timerfd=(-P 'anon_inode:[timerfd]')
sweep timerfd_create EMFILE 'os error 24'
sweep timerfd_create ENFILE 'os error 23'
sweep timerfd_create ENOMEM 'os error 12'
sweep timerfd_create ENODEV 'os error 19'
# As where a sandbox forbids it.
sweep timerfd_create EPERM 'os error 1'
sweep timerfd_settime EPERM 'os error 1'
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
goes_on read EINTR "${timerfd[@]}"
goes_on epoll_wait EINTR
echo "checked: $struck runs in which a call failed"
echo "covered: $told of them with a failure that was told"
