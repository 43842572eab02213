#!/usr/bin/env bash
# Runs the examples, the soak and two benchmarks, built as users build them. Checks a line of each example's output, the
# `--help` of each, and that some refuse bad input with one line and code 2. Compiles the other benchmarks.
#
# ci/examples.sh [MINUTES]: length of the soak; 1 by default.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-1}
cargo build --quiet --release --examples --features full
cargo build --quiet --release -p soak
target=${CARGO_TARGET_DIR:-target}/release
built=$target/examples
output=$(mktemp)
trap 'rm -f "$output"' EXIT
# What a line of each example's output must match.
declare -A prints=(
    [heartbeat]='^late: p50 .*; missed: [0-9]+$'
    [cron]='^[0-9]+ rounds, [0-9]+ periods in .*, none uncounted$'
    [many]='^ticks: [1-9][0-9]+, [0-9]+ a second$'
    [pacer]='^tokio-osinterval: [1-9][0-9]* packets/s'
    [token_bucket]='packets/s: [1-9][0-9]* sent, late p50 '
    [control_loop]='^late: p50 .*; missed: [0-9]+$'
    [metronome]='^pulses late: p50 '
    [hyper_server]='connections had [1-9][0-9]* requests answered$'
    [quinn_runtime]='^OsRuntime: +late p50 '
    [retry]='^attempt [0-9]+ was accepted$'
    [tower_timeout]='answered, [1-9][0-9]* cut off$'
)
count=0
for example in "${!prints[@]}"; do
    timeout 60 "$built/$example" | tee "$output"
    grep -qE "${prints[$example]}" "$output" || {
        echo "examples: $example printed no line that matches ${prints[$example]}" >&2
        exit 1
    }
    timeout 10 "$built/$example" --help | grep "^Usage: $example " >/dev/null
    count=$((count + 1))
done
timeout 10 "$target/soak" --help | grep '^Usage: soak ' >/dev/null
for refused in 'heartbeat 0s' 'hyper_server 0' 'quinn_runtime 1 soon' 'retry 13' 'token_bucket 1s 1000 0' 'tower_timeout 1 1ms more'; do
    # shellcheck disable=SC2086
    refusal=$("$built"/$refused 2>&1) && status=0 || status=$?
    [ $status -eq 2 ]
    [ "$(wc -l <<<"$refusal")" -eq 1 ]
done
"$built/many" 1000 10ms 1s | grep -x 'descriptors for all of them: 2'
timeout $((60 * minutes + 120)) "$target/soak" --minutes "$minutes"
cargo bench --quiet --features full --bench drop_sleeps
cargo bench --quiet --features full --bench hyper -- load 1 200ms 8 | grep '^OsTimer '
cargo bench --quiet --features full --no-run
echo "checked: $((count + 3)) examples and benchmarks"
