#!/usr/bin/env bash
# Tests ticklab on this machine: lints, tests, a real run, and the run's page and picture in a real browser. Needs
# Debian 12.
#
# ci/ticklab.sh [FOLDER]: keeps screenshots in the folder; without it, keeps none.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
need chromium
command -v npm >/dev/null || need nodejs npm

cargo fmt --package ticklab --check
cargo clippy --package ticklab --all-targets -- -D warnings
pictures=target/ticklab-pictures
mkdir -p "$pictures"
OUT=$PWD/$pictures timeout 1800 cargo test --package ticklab
cargo build --package ticklab
program=target/debug/ticklab
page=target/ticklab-report.html

# The command of the README, but not optimized: the page is checked, not the figures.
timeout 120 "$program" run --duration 3s --html "$page" --svg "$pictures/report.svg"
# Prints whatever doctor finds; its exit code does not matter.
status=0
timeout 60 "$program" doctor || status=$?
[ $status -le 1 ]
npm ci --silent --no-audit --no-fund --prefix ticklab/tests/page
timeout 180 node ticklab/tests/page/page.mjs "$page" "$@"
timeout 180 node ticklab/tests/page/picture.mjs "$pictures"/{report,lateness,cost}.svg "$@"
echo 'checked: 1 page'
echo 'checked: 3 pictures'
