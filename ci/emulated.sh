#!/usr/bin/env bash
# The test suite on other processors: 32-bit x86, natively (32-bit pointers, and timespec's 32-bit
# fields); 64-bit ARM and s390x, which is big-endian, under an emulator. On Debian 12: its web
# toolchain brings the sources of the standard library; zig links.
set -euo pipefail
cd "$(dirname "$0")/.."
ci/i686.sh

# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/sysroot.sh
. ci/sysroot.sh
# shellcheck source=ci/zig.sh
. ci/zig.sh
need rustc-web cargo-web rust-web-src qemu-user-static libc6-arm64-cross libc6-s390x-cross
use_debian_rust
sysroots build aarch64-unknown-linux-gnu s390x-unknown-linux-gnu
# The C library's version is that of the packages above.
link_with_zig aarch64-unknown-linux-gnu aarch64-linux-gnu.2.36 s390x-unknown-linux-gnu s390x-linux-gnu.2.36
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
export CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER='qemu-s390x-static -L /usr/s390x-linux-gnu'
export CARGO_TARGET_DIR=target/emulated CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0

# NAME REASON
skipped='
behaves_as_a_sorted_map                      minutes: 2000 cases
runtimes_leave_no_descriptor_behind          a minute: 10000 runtimes
a_missed_tick_is_told_with_its_period        the emulator is late by more than a period
delay_starts_over                            the emulator is late by more than a period
skip_stays_in_phase                          the emulator is late by more than a period
others_go_on_beside_it                       the emulator is too slow for a spin of microseconds
io_goes_on_beside_it                         the emulator is too slow for a spin of microseconds
'
skips=()
while read -r name reason; do
    [ -z "$name" ] || skips+=(--skip "$name")
    [ -z "$name" ] || echo "skipped when emulated: $name: $reason"
done <<<"$skipped"
echo 'skipped when emulated: documentation, examples: natively only'

# Both are built at once, which keeps the processors busy.
timeout 900 cargo test --no-run --lib --tests --features full --target aarch64-unknown-linux-gnu --target s390x-unknown-linux-gnu
for target in aarch64-unknown-linux-gnu s390x-unknown-linux-gnu; do
    timeout 600 cargo test --lib --tests --features full --target "$target" -- "${skips[@]}"
    echo "covered: $target, library and tests, emulated"
done
