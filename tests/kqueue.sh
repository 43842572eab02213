#!/usr/bin/env bash
# Tests the kqueue backend on Linux, on stand-ins for the kqueues of several systems: the tests and lints of
# each stand-in, and the test suite on it with the alarm in production. On two of them the suite also runs
# with the alarm that follows a paused clock, and is compared with tokio.
#
# tests/kqueue.sh [--all] [SYSTEM…]: tests these systems, or all. `--all` adds the examples of the documentation.
#
# A stand-in follows the rules in tests/kqueue-on-linux/KERNELS.md. The tests show that the backend obeys
# these rules, and not that the kernels do.
#
# The suites of several systems run side by side, because they mostly wait for kernels with coarse ticks.
set -euo pipefail
cd "$(dirname "$0")/.."

known=(apple freebsd netbsd openbsd dragonfly)
documentation=no
[ "${1:-}" != --all ] || {
    documentation=yes
    shift
}
profiles=("$@")
[ $# -gt 0 ] || profiles=("${known[@]}")
for profile in "${profiles[@]}"; do
    [[ " ${known[*]} " == *" $profile "* ]] || {
        echo "kqueue: unknown system $profile; known are ${known[*]}" >&2
        exit 2
    }
done

# With debug information, linking takes longer than compiling.
export CARGO_PROFILE_DEV_DEBUG=0
work=$(mktemp -d)
declare -A running=()
trap end EXIT

# Ends the suites with their children, which `timeout` would leave running.
end() {
    local suite
    for suite in "${!running[@]}"; do
        pkill -P "$suite" || true
        kill "$suite" 2>/dev/null || true
    done
    rm -rf "$work"
}

# suite NAME PROGRAMS ARGUMENT…: builds the suite, which has PROGRAMS programs, and starts copies of them.
suite() {
    local name=$1 programs=$2 program
    shift 2
    mkdir "$work/$name"
    cargo test --quiet "$@" --lib --test suite --test alone --no-run --message-format json |
        python3 -c 'import json, sys
for line in sys.stdin:
    program = json.loads(line).get("executable")
    if program: print(program)' >"$work/programs"
    [ "$(wc -l <"$work/programs")" -eq "$programs" ]
    while read -r program; do
        cp "$program" "$work/$name"
    done <"$work/programs"
    (
        for program in "$work/$name"/*; do
            timeout 400 "$program" --test-threads 4
        done
    ) >"$work/$name.log" 2>&1 &
    running[$!]=$name
}

for profile in "${profiles[@]}"; do
    export CARGO_CFG_TOKIO_OSINTERVAL_KQUEUE=$profile
    suite "$profile" 3 --features full
    # With a clock that may be paused, an alarm is absolute on one of these kernels and relative on the other.
    case $profile in apple | netbsd) suite "$profile-paused" 4 --all-features --test differential ;; esac
    [ $documentation = no ] || cargo test --quiet --features full --doc
done
unset CARGO_CFG_TOKIO_OSINTERVAL_KQUEUE

stand_in=(--manifest-path tests/kqueue-on-linux/Cargo.toml --target-dir target/kqueue)
for profile in "${profiles[@]}"; do
    export RUSTFLAGS="--cfg tokio_osinterval_kqueue=\"$profile\""
    cargo clippy --quiet "${stand_in[@]}" --all-targets -- -D warnings
    cargo test --quiet "${stand_in[@]}"
    echo "covered: the stand-in for $profile, its rules and lints"
done

failed=0
while [ ${#running[@]} -gt 0 ]; do
    status=0
    wait -n -p process "${!running[@]}" || status=$?
    name=${running[$process]}
    unset "running[$process]"
    cat "$work/$name.log"
    if [ $status -eq 0 ]; then
        echo "covered: the suite on the kqueue of $name"
    else
        echo "kqueue: the suite on the kqueue of $name failed" >&2
        failed=1
    fi
done
exit $failed
