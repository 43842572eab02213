#!/usr/bin/env bash
# Random programs against models of what they should do: each target of fuzz/, one after the other, from
# its committed corpus. On Debian 12.
#
# ci/fuzz.sh [SECONDS [TARGET…]]: for so many seconds each, 60 if nothing is said; these only.
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

# What the compiler counts for the fuzzer is not stable yet. Without a sanitizer it is twice as fast: the
# targets look for wrong answers, and unsafe code is not what they run.
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
    # What is found goes into the first of the folders. An input that takes 10 s hangs.
    status=0
    timeout $((seconds + 120)) cargo fuzz run "${options[@]}" "$target" "$work/$target" "$corpus" -- \
        -max_total_time="$seconds" -timeout=10 -print_final_stats=1 >"$work/log" 2>&1 || status=$?
    if [ $status -ne 0 ]; then
        cat "$work/log"
        echo "fuzz: $target failed. To see it again, with the file that is named above, or made of its Base64:" >&2
        echo "RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $target FILE" >&2
        exit 1
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
    [ "$executions" -gt 0 ]
    echo "checked: $executions programs of $target"
done
