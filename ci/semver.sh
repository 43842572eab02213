#!/usr/bin/env bash
# Compares the public API with that of 1.0.0 by cargo-semver-checks, with the features of 1.0.0 and with the default
# features. The findings must be exactly the ones that this script accepts.
#
# cargo-semver-checks does not compare the types of parameters and results, or traits that are implemented by hand;
# tests/suite/version_1_0 does, in each run of CI. This script is for ci/thorough.sh: installing the program takes 8
# to 11 minutes of processor time, 4 minutes or more on two cores. A run then takes half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
# This version can read the rustdoc output of Rust 1.93 and later.
tool cargo-semver-checks 0.51.0

# tokio's own enum is exported instead. cargo-semver-checks does not see exports from other crates.
accepted='enum_missing: enum tokio_osinterval::MissedTickBehavior'

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# compare OPTION…: compares both versions with these features.
compare() {
    local status=0 found lints
    cargo semver-checks --color never --package tokio-osinterval --baseline-version 1.0.0 --release-type minor "$@" \
        >"$log" 2>&1 || status=$?
    # Status 100: it found something.
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
