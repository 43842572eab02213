#!/usr/bin/env bash
# Runs Clippy, with warnings as errors: on all targets with sets of features that differ in what they compile, and on
# the library with each feature alone, on the system's timers and on tokio's, and with each feature left out.
# `interval`, `periodic` and `sleep` are names only.
set -euo pipefail
cd "$(dirname "$0")/.."
builds=0

lint() {
    cargo clippy --quiet "$@" -- -D warnings
    builds=$((builds + 1))
}

lint --all-targets --all-features
lint --all-targets --features full
lint --all-targets --no-default-features
CARGO_CFG_TOKIO_OSINTERVAL_PORTABLE=1 lint --all-targets --all-features
lint --package soak

mapfile -t features < <(cargo metadata --format-version 1 --no-deps | python3 -c '
import json, sys
for package in json.load(sys.stdin)["packages"]:
    if package["name"] == "tokio-osinterval":
        print(*sorted(set(package["features"]) - {"default", "full", "interval", "periodic", "sleep"}), sep="\n")')
[ ${#features[@]} -ge 6 ]
lint --lib --no-default-features
lint --lib
for feature in "${features[@]}"; do
    lint --lib --no-default-features --features "$feature"
    [ "$feature" = os-native ] || lint --lib --no-default-features --features "os-native,$feature"
    others=()
    for other in "${features[@]}"; do
        [ "$other" = "$feature" ] || others+=("$other")
    done
    lint --lib --no-default-features --features "$(IFS=,; echo "${others[*]}")"
done
echo "checked: $builds lints"
