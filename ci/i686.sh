#!/usr/bin/env bash
# Runs the test suite natively on 32-bit x86 Linux, with 32-bit pointers and 32-bit fields in timespec. Needs Debian 12,
# whose web toolchain includes the sources of the standard library. The script builds the library for i686 from them.
set -euo pipefail
cd "$(dirname "$0")/.."

# shellcheck source=ci/debian.sh
. ci/debian.sh
need rustc-web cargo-web rust-web-src libc6-dev-i386 lib32gcc-12-dev
# Takes precedence over other toolchains: the sources must match the compiler.
use_debian_rust
export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test
export CARGO_TARGET_I686_UNKNOWN_LINUX_GNU_RUSTFLAGS=-Clink-arg=-m32
echo "covered: i686-unknown-linux-gnu, natively"
cargo test --target i686-unknown-linux-gnu --target-dir target/i686 --features full
