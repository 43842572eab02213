#!/usr/bin/env bash
# ticklab on this machine: its lints and tests, a real run, and the page and the picture of that in a real
# browser. On Debian 12. Argument: a folder for screenshots; none is kept without.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
need chromium
command -v npm >/dev/null || need nodejs npm

cargo fmt --package ticklab --check
cargo clippy --package ticklab --all-targets -- -D warnings
mkdir -p "$pictures"
OUT=$PWD/$pictures timeout 1800 cargo test --package ticklab
cargo build --package ticklab
program=target/debug/ticklab
page=target/ticklab-report.html
pictures=target/ticklab-pictures

# As the README has it, but not optimized: to be looked at, and not for its figures.
timeout 120 "$program" run --duration 3s --html "$page" --svg "$pictures/report.svg"
# Whatever is found, it is told.
status=0
timeout 60 "$program" doctor || status=$?
[ $status -le 1 ]
npm ci --silent --no-audit --no-fund --prefix ticklab/tests/page
timeout 180 node ticklab/tests/page/page.mjs "$page" "$@"
timeout 180 node ticklab/tests/page/picture.mjs "$pictures"/{report,lateness,cost}.svg "$@"
echo 'checked: 1 page'
echo 'checked: 3 pictures'
