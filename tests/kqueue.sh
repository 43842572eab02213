#!/usr/bin/env bash
# The kqueue backend on Linux, on a stand-in for the kqueue of one system after the other: the stand-in's
# own tests and lints, and the test suite on it, with the alarm that users get and, on two of them, with
# the one that follows a paused clock, which is compared with tokio's. Arguments: the systems, all if there
# are none; `--all` for all and the examples of the documentation on each.
#
# A stand-in keeps the rules that are in tests/kqueue-on-linux/KERNELS.md. So this shows that the
# backend does by these, and not that the kernels do.
#
# The suites of several systems run side by side: most of their time they wait for the timers of kernels
# with coarse ticks.
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
        echo "not one of ${known[*]}: $profile" >&2
        exit 2
    }
done

# Linking with debug information takes longer than compiling.
export CARGO_PROFILE_DEV_DEBUG=0
work=$(mktemp -d)
declare -A running=()
trap end EXIT

# With what they run: `timeout` would leave it behind.
end() {
    local suite
    for suite in "${!running[@]}"; do
        pkill -P "$suite" || true
        kill "$suite" 2>/dev/null || true
    done
    rm -rf "$work"
}

# suite NAME PROGRAMS ARGUMENT…: builds the suite, of so many programs, and begins to run a copy of it.
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
    # A clock that may be paused is told to a kernel in two ways: as a moment, and as a span.
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
