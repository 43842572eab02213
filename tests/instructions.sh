#!/usr/bin/env bash
# Counts the instructions of single operations with valgrind, and compares them with their bounds.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in valgrind gungraun-runner; do
    command -v $tool >/dev/null || { echo "instructions: $tool is missing" >&2; exit 1; }
done
# Valgrind has no vDSO that rustix could read, so rustix goes through libc.
output=$(cargo bench --quiet --features full,rustix/use-libc --bench instructions -- --nocapture 2>&1) || {
    echo "$output"
    exit 1
}
echo "$output"
echo "checked: $(grep -c 'Instructions:' <<<"$output") counts of instructions"
