#!/usr/bin/env bash
# The examples and one benchmark, built as users build them and run to their end; that each has a `--help`, and
# that bad input to some is refused with one line and code 2. The other benchmarks are compiled.
#
# ci/examples.sh [MINUTES]: how long the soak goes on, 1 if nothing is said.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${1:-1}
cargo build --quiet --release --examples --features full
built=${CARGO_TARGET_DIR:-target}/release/examples
count=0
for example in heartbeat cron many pacer token_bucket control_loop metronome hyper_server quinn_runtime retry tower_timeout; do
    timeout 60 "$built/$example"
    count=$((count + 1))
done
for example in heartbeat cron many pacer token_bucket control_loop metronome hyper_server quinn_runtime retry tower_timeout soak; do
    timeout 10 "$built/$example" --help | grep "^Usage: $example " >/dev/null
done
for refused in 'heartbeat 0s' 'hyper_server 0' 'quinn_runtime 1 soon' 'retry 13' 'token_bucket 1s 1000 0' 'tower_timeout 1 1ms more'; do
    # shellcheck disable=SC2086
    refusal=$("$built"/$refused 2>&1) && status=0 || status=$?
    [ $status -eq 2 ]
    [ "$(wc -l <<<"$refusal")" -eq 1 ]
done
"$built/many" 1000 10ms 1s | grep -x 'descriptors for all of them: 2'
timeout $((60 * minutes + 120)) "$built/soak" --minutes "$minutes"
cargo bench --quiet --features full --bench drop_sleeps
cargo bench --quiet --features full --no-run
echo "checked: $((count + 2)) examples and benchmarks"
