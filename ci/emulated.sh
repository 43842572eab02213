#!/usr/bin/env bash
# Runs the test suite on another processor, under an emulator. powerpc differs from x86_64 in every respect: it is
# 32-bit, including pointers and timespec's fields, big-endian, and has no 64-bit atomics. `--all` adds i686, natively,
# and aarch64 and s390x.
#
# Needs Debian 12, whose web toolchain includes the sources of the standard library. gcc links for powerpc, zig for the
# others.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $* =~ ^(--all)?$ ]] || {
    echo "emulated: expected no argument or --all: $*" >&2
    exit 2
}
all=no
[ "${1:-}" != --all ] || all=yes
# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/sysroot.sh
. ci/sysroot.sh
need rustc-web cargo-web rust-web-src qemu-user-static gcc-powerpc-linux-gnu libc6-dev-powerpc-cross
use_debian_rust
sysroots build powerpc-unknown-linux-gnu
export CARGO_TARGET_POWERPC_UNKNOWN_LINUX_GNU_LINKER=powerpc-linux-gnu-gcc
export CARGO_TARGET_POWERPC_UNKNOWN_LINUX_GNU_RUNNER='qemu-ppc-static -L /usr/powerpc-linux-gnu'
targets=(powerpc-unknown-linux-gnu)
if [ $all = yes ]; then
    ci/i686.sh
    # shellcheck source=ci/zig.sh
    . ci/zig.sh
    need libc6-arm64-cross libc6-s390x-cross
    sysroots build aarch64-unknown-linux-gnu s390x-unknown-linux-gnu
    # The C library has the version of the packages above.
    link_with_zig aarch64-unknown-linux-gnu aarch64-linux-gnu.2.36 s390x-unknown-linux-gnu s390x-linux-gnu.2.36
    export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
    export CARGO_TARGET_S390X_UNKNOWN_LINUX_GNU_RUNNER='qemu-s390x-static -L /usr/s390x-linux-gnu'
    targets+=(aarch64-unknown-linux-gnu s390x-unknown-linux-gnu)
fi
export CARGO_TARGET_DIR=target/emulated CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0

# NAME REASON
skipped='
behaves_as_a_sorted_map                              minutes: 2000 cases
runtimes_leave_no_descriptor_open                    a minute: 10000 runtimes
missed_tick_event_has_period_lateness_and_count      the emulator is late by more than a period
delay_restarts_at_the_late_tick                      the emulator is late by more than a period
skip_stays_in_phase                                  the emulator is late by more than a period
ready_task_runs_during_a_spin                        the emulator is too slow for a spin of microseconds
io_proceeds_during_a_spin                            the emulator is too slow for a spin of microseconds
spinning_poll_asks_to_be_polled_again                the emulator is too slow for a spin of microseconds
child_may_drop_timers_that_another_thread_was_using  the emulator is in the process that is forked, and has locks
'
skips=()
while read -r name reason; do
    [ -z "$name" ] || skips+=(--skip "$name")
    [ -z "$name" ] || echo "skipped when emulated: $name: $reason"
done <<<"$skipped"
echo 'skipped when emulated: documentation, examples: natively only'

suite=(cargo test --lib --test suite --test alone --features full)
# One cargo builds all targets, which keeps the processors busy.
timeout 1800 "${suite[@]}" --no-run "${targets[@]/#/--target=}"
for target in "${targets[@]}"; do
    timeout 1200 "${suite[@]}" --target "$target" -- "${skips[@]}"
    echo "covered: $target, library and tests, emulated"
done
