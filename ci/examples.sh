#!/usr/bin/env bash
# Runs the examples, the soak and one benchmark, built as users build them. Checks the `--help` of each, and that some
# refuse bad input with one line and code 2. Compiles the other benchmarks.
#
# ci/examples.sh [MINUTES]: length of the soak; 1 by default.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-1}
cargo build --quiet --release --examples --features full
cargo build --quiet --release -p soak
target=${CARGO_TARGET_DIR:-target}/release
built=$target/examples
count=0
for example in heartbeat cron many pacer token_bucket control_loop metronome hyper_server quinn_runtime retry tower_timeout; do
    timeout 60 "$built/$example"
    count=$((count + 1))
done
for example in heartbeat cron many pacer token_bucket control_loop metronome hyper_server quinn_runtime retry tower_timeout; do
    timeout 10 "$built/$example" --help | grep "^Usage: $example " >/dev/null
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
cargo bench --quiet --features full --no-run
echo "checked: $((count + 2)) examples and benchmarks"
