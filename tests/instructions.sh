#!/usr/bin/env bash
# Instructions of single operations, counted by valgrind, against their bounds.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in valgrind gungraun-runner; do
    command -v $tool >/dev/null || { echo "instructions: $tool is missing" >&2; exit 1; }
done
# Valgrind gives no vDSO that rustix could read: through libc, then.
output=$(cargo bench --quiet --features full,rustix/use-libc --bench instructions -- --nocapture 2>&1) || {
    echo "$output"
    exit 1
}
echo "$output"
echo "checked: $(grep -c 'Instructions:' <<<"$output") counts of instructions"
