#!/usr/bin/env bash
# Runs random programs against models of the expected behaviour: each target of fuzz/ in turn, from its committed corpus.
# Needs Debian 12.
#
# ci/fuzz.sh [SECONDS [TARGET…]]: SECONDS for each target, 60 by default; all targets by default.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || {
    echo "fuzz: not a number of seconds: $seconds" >&2
    exit 2
}
list=(fuzz/fuzz_targets/*.rs)
list=("${list[@]##*/}")
targets=("${list[@]%.rs}")
for target in "${@:2}"; do
    [[ " ${targets[*]} " == *" $target "* ]] || {
        echo "fuzz: not one of ${targets[*]}: $target" >&2
        exit 2
    }
done
[ $# -le 1 ] || targets=("${@:2}")
need g++
tool cargo-fuzz 0.13.2

# The fuzzer's coverage counters are not stable yet. No sanitizer: the targets look for wrong results and run no unsafe
# code, and without one they are twice as fast.
export RUSTC_BOOTSTRAP=1
options=(--sanitizer none --target-dir target/fuzz)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

RUSTFLAGS='--cfg fuzzing' cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzzing -- -D warnings
for target in "${targets[@]}"; do
    cargo fuzz build "${options[@]}" "$target"
done

for target in "${targets[@]}"; do
    corpus=fuzz/corpus/$target
    mkdir "$work/$target"
    # New inputs go into the first folder. An input that takes 10 s counts as a hang.
    status=0
    timeout $((seconds + 120)) cargo fuzz run "${options[@]}" "$target" "$work/$target" "$corpus" -- \
        -max_total_time="$seconds" -timeout=10 -print_final_stats=1 >"$work/log" 2>&1 || status=$?
    if [ $status -ne 0 ]; then
        cat "$work/log"
        echo "fuzz: $target failed. To reproduce it, with the file named above or decoded from its Base64:" >&2
        echo "RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $target FILE" >&2
        exit 1
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
    [ "$executions" -gt 0 ]
    echo "checked: $executions programs of $target"
done
