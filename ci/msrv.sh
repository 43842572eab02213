#!/usr/bin/env bash
# Compiles the library with the oldest supported Rust, for this machine's system. Needs Debian 12, which still has that
# version. The script unpacks it and leaves the installed version alone.
#
# Not covered: other systems (.github/workflows/ci.yml compiles for some with 1.85), the tests, and ticklab, because
# Debian has no Rust 1.88. For those, Clippy reports uses of newer parts of the standard library (`incompatible_msrv`, in
# every stage that lints).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
promised=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
# shellcheck disable=SC2154
old=$cache/rust-$promised
need libllvm19

if [ ! -d "$old" ]; then
    begun=$(mktemp -d "$cache/rust.XXXXXX")
    trap 'rm -rf "$begun"' EXIT
    # Other scripts use the lists of packages too.
    exec 9>"$cache/apt.lock"
    flock 9
    apt-get update -qq 9>&-
    if ! apt-cache madison rustc-web | grep " $promised\." >/dev/null; then
        echo "msrv: Debian no longer has Rust $promised" >&2
        exit 1
    fi
    (
        cd "$begun"
        apt-get download -qq "rustc-web=$promised.*" "libstd-rust-web-dev=$promised.*" "libstd-rust-web-$promised" 9>&-
        for package in *.deb; do
            dpkg-deb --extract "$package" rust
        done
    )
    exec 9>&-
    # The rename is atomic: the folder is complete or absent.
    mv -T "$begun/rust/usr" "$old" 2>/dev/null || [ -d "$old" ]
    rm -rf "$begun"
fi
export RUSTC=$old/bin/rustc LD_LIBRARY_PATH=$old/lib/x86_64-linux-gnu
"$RUSTC" --version | grep "^rustc $promised\."

check=(cargo check --quiet --lib --locked --target-dir target/msrv)
"${check[@]}" --all-features
"${check[@]}" --features full
CARGO_CFG_TOKIO_OSINTERVAL_PORTABLE=1 "${check[@]}" --features full
builds=3
if [ "${1:-}" = --all ]; then
    "${check[@]}" --no-default-features
    CARGO_CFG_TOKIO_OSINTERVAL_PORTABLE=1 "${check[@]}" --all-features
    builds=5
fi
echo "checked: $builds builds by Rust $promised"
