#!/usr/bin/env bash
# The test suite on 32-bit x86 Linux, run natively: 32-bit pointers, and timespec's 32-bit fields.
# On Debian 12: its web toolchain brings the sources of the standard library, from which the one for
# i686 is built.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for package in rustc-web cargo-web rust-web-src libc6-dev-i386 lib32gcc-12-dev; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# Debian's toolchain, before any other: the sources must be its own.
export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1
export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test
export CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_RUSTFLAGS=-Clink-arg=-m32
echo "covered: i686-unknown-linux-gnu, $(rustc --version)"
cargo test --target i686-unknown-linux-gnu --target-dir target/i686 --features full
