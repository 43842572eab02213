#!/usr/bin/env bash
# Instructions of single operations, counted by valgrind, against their bounds.
set -euo pipefail
cd "$(dirname "$0")/.."
for tool in valgrind gungraun-runner; do
    command -v $tool >/dev/null || { echo "instructions: $tool is missing" >&2; exit 1; }
done
# Valgrind gives no vDSO that rustix could read: through libc, then.
RUSTFLAGS='--cfg rustix_use_libc' cargo bench --quiet --features full --bench instructions \
    --target-dir "${CARGO_TARGET_DIR:-target}/valgrind" -- --nocapture
