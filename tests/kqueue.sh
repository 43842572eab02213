#!/usr/bin/env bash
# The kqueue backend on Linux, on a stand-in for the kqueue of one system after the other: first the
# stand-in's own tests and lints, then the whole test suite on it, with the alarm that users get and,
# on two of them, with the one that follows a paused clock. Arguments: the systems, all if there are none.
#
# A stand-in keeps the rules that are in tests/kqueue-on-linux/KERNELS.md. So this shows that the
# backend does by these, and not that the kernels do.
set -euo pipefail
cd "$(dirname "$0")/.."

known=(apple freebsd netbsd openbsd dragonfly)
profiles=("$@")
[ $# -gt 0 ] || profiles=("${known[@]}")
for profile in "${profiles[@]}"; do
    [[ " ${known[*]} " == *" $profile "* ]] || {
        echo "not one of ${known[*]}: $profile" >&2
        exit 2
    }
done

target=$PWD/target/kqueue
# To link with debug information takes longer than to compile.
export CARGO_PROFILE_DEV_DEBUG=0
stand_in=tests/kqueue-on-linux/Cargo.toml
cargo fmt --manifest-path "$stand_in" --check
for profile in "${profiles[@]}"; do
    # In place of what the caller has: the profile is in it.
    export RUSTFLAGS="--cfg tokio_osinterval_kqueue=\"$profile\""
    cargo clippy --manifest-path "$stand_in" --target-dir "$target/stand-in" --all-targets -- -D warnings
    cargo test --manifest-path "$stand_in" --target-dir "$target/stand-in"
    echo "covered: the stand-in for $profile, its rules and lints"
done
for profile in "${profiles[@]}"; do
    export RUSTFLAGS="--cfg tokio_osinterval_kqueue=\"$profile\""
    # For the examples in the documentation.
    export RUSTDOCFLAGS=$RUSTFLAGS
    sets=('--features full')
    # A clock that may be paused is told to a kernel in two ways: as a moment, and as a span.
    case $profile in apple | netbsd) sets+=(--all-features) ;; esac
    for features in "${sets[@]}"; do
        # shellcheck disable=SC2086
        cargo test --target-dir "$target" $features
        echo "covered: the suite on $profile's kqueue, $features"
    done
done
