#!/usr/bin/env bash
# What cargo-semver-checks finds of 1.0.0's public API that this version breaks, with the features that 1.0.0
# has and with the default ones: exactly what is known and accepted here, neither more nor less.
#
# Not here: the types of parameters and results, and traits that are implemented by hand. It does not compare
# them; tests/suite/version_1_0 does, in each run of CI. This is for ci/thorough.sh: to install the program takes
# 11 minutes of processor time, 6 minutes or more on two cores. Then it takes half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
# As rustc is one of those whose rustdoc this version can read: Rust 1.93 and later.
tool cargo-semver-checks 0.51.0

# tokio's own enum is exported in its place. What is exported of another crate it does not see.
accepted='enum_missing: enum tokio_osinterval::MissedTickBehavior'

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# compare OPTION…: with those features of both.
compare() {
    local status=0 found lints
    cargo semver-checks --color never --package tokio-osinterval --baseline-version 1.0.0 --release-type minor "$@" \
        >"$log" 2>&1 || status=$?
    # 100: it has found something.
    if [ $status -ne 100 ] && [ $status -ne 0 ]; then
        cat "$log" >&2
        exit 1
    fi
    found=$(awk '
        /^--- (failure|warning) / { lint = $3; listed = 0 }
        /^Failed in:/ { listed = 1; next }
        /^ *(Summary|Finished) / { listed = 0 }
        listed && /^  / { sub(/^ +/, ""); sub(/, previously in .*/, ""); print lint " " $0 }' "$log")
    if [ "$found" != "$accepted" ]; then
        cat "$log" >&2
        printf 'semver: found:\n%s\nsemver: accepted:\n%s\n' "$found" "$accepted" >&2
        exit 1
    fi
    lints=$(sed -n 's/^ *Checked .* \([0-9]*\) checks: .*/\1/p' "$log")
    echo "checked: $lints lints of 1.0.0's API"
    echo "covered: 1.0.0's API with $*: accepted: $found"
}

compare --default-features
compare --only-explicit-features --features interval,os-native,periodic
