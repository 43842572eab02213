#!/usr/bin/env bash
# Runs the library's tests on Linux, with the alarm that users get, under AddressSanitizer, which also finds leaks, and
# under ThreadSanitizer.
#
# rustup's toolchain includes the sanitizers' runtimes, which is enough for AddressSanitizer. ThreadSanitizer needs an
# instrumented standard library, or it would not see the library's locks. The script builds one from Debian 12's sources
# with Debian's compiler, and links it with rustup's runtime.
#
# ci/sanitizers.sh [thread]: `thread` runs ThreadSanitizer alone.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $* =~ ^(thread)?$ ]] || {
    echo "sanitizers: expected no argument or thread: $*" >&2
    exit 2
}
# shellcheck source=ci/debian.sh
. ci/debian.sh

target=x86_64-unknown-linux-gnu
runtimes=$(rustc --print sysroot)/lib/rustlib/$target/lib
# Line tables for the reports. Full debug information takes longer to link.
export CARGO_PROFILE_DEV_DEBUG=0
lines=(--config 'profile.dev.package.tokio-osinterval.debug="line-tables-only"')

# suite NAME ARGUMENT…: runs the tests, after the sanitizer has found the fault planted for it.
suite() {
    local name=$1 tests
    shift
    mkdir -p "target/$name"
    cargo run --manifest-path ci/planted/Cargo.toml --target "$target" --target-dir "target/$name" -- "$name" \
        >"target/$name/found" 2>&1 || true
    grep -i "${name}Sanitizer: " "target/$name/found" || {
        cat "target/$name/found"
        echo "sanitizers: $name does not find the fault planted for it" >&2
        exit 1
    }
    tests=(cargo test "${lines[@]}" --target "$target" --target-dir "target/$name" --features full --lib --test suite --test alone)
    "${tests[@]}" --no-run
    timeout 1200 "${tests[@]}" --no-fail-fast "$@" || {
        echo "sanitizers: $name has found something, or took 20 minutes" >&2
        exit 1
    }
    echo "covered: $name: the library's tests, --features full"
}

export ASAN_OPTIONS=detect_leaks=1
[ "${1:-}" = thread ] || RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address suite address

llvm() {
    rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p'
}

of_runtime=$(llvm)
need rustc-web cargo-web rust-web-src
use_debian_rust
[ "$(llvm)" = "$of_runtime" ] || {
    echo "sanitizers: a compiler of LLVM $(llvm), and a runtime of LLVM $of_runtime" >&2
    exit 1
}
runtime=("$runtimes"/librustc*_rt.tsan.a)
# tokio's reactor waits on one descriptor of its epoll and registers on a copy. The sanitizer knows that `dup` copies a
# descriptor, but not that `fcntl` does. Without this shim it would not see that a registration happens before its
# events.
mkdir -p target/thread
cat >target/thread/dup.c <<'C'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

int fcntl(int descriptor, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (command != F_DUPFD_CLOEXEC)
        return syscall(SYS_fcntl, descriptor, command, argument);
    int copy = dup(descriptor);
    if (copy >= 0)
        syscall(SYS_fcntl, copy, F_SETFD, FD_CLOEXEC);
    return copy;
}
C
cc -c -O1 target/thread/dup.c -o target/thread/dup.o
flags=(-Zsanitizer=thread -Zexternal-clangrt)
for argument in -Wl,--whole-archive "${runtime[0]}" -Wl,--no-whole-archive "$PWD/target/thread/dup.o"; do
    flags+=("-Zpre-link-arg=$argument")
done
# Skips tests of spinning: under the sanitizer a spin slice of 3 µs is too short to make progress beside other tasks.
# Skips the properties of the driver's queue and of `DelayQueue`: they have no threads, and take minutes.
CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test RUSTFLAGS="${flags[*]}" suite thread -- \
    --skip ready_task_runs_during_a_spin --skip io_proceeds_during_a_spin --skip behaves_as_a_sorted_map
