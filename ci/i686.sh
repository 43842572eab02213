#!/usr/bin/env bash
# The test suite on 32-bit x86 Linux, run natively: 32-bit pointers, and timespec's 32-bit fields.
# On Debian 12: its web toolchain brings the sources of the standard library, from which the one for
# i686 is built.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=ci/debian.sh
. ci/debian.sh
need rustc-web cargo-web rust-web-src libc6-dev-i386 lib32gcc-12-dev
# Before any other: the sources must be its own.
use_debian_rust
export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test
export CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_RUSTFLAGS=-Clink-arg=-m32
echo "covered: i686-unknown-linux-gnu, natively"
cargo test --target i686-unknown-linux-gnu --target-dir target/i686 --features full
