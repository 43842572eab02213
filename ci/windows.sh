#!/usr/bin/env bash
# The whole test suite and the examples on Windows, under Wine: with the alarm that users get, with
# the one that follows a paused clock, and with the thread pool's timer in place of the waitable one.
# On Debian 12: its web toolchain brings the sources of the standard library, from which the one for
# Windows is built.
#
# Wine takes the flag for a timer of high resolution and ignores it, and counts in milliseconds. So
# this shows that nothing is early, lost, leaked or in a race, and not how precise Windows is.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
need rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64-win32 wine wine64
use_debian_rust

target=x86_64-pc-windows-gnu
export WINEPREFIX=$cache/wine WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml='
unset DISPLAY

# A prefix takes 15 s to make. It is moved into place when it is complete.
if [ ! -d "$WINEPREFIX" ]; then
    begun=$(mktemp -d "$cache/wine.XXXXXX")
    WINEPREFIX=$begun timeout 300 wineboot -i
    WINEPREFIX=$begun timeout 60 wineserver -w
    # The standard library's random numbers come from a library that Wine 8 does not have.
    cat >"$begun/random.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
C
    x86_64-w64-mingw32-gcc -shared -o "$begun/drive_c/windows/system32/bcryptprimitives.dll" "$begun/random.c" -ladvapi32
    mv -T "$begun" "$WINEPREFIX"
fi

export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=/usr/lib/wine/wine64
export CARGO_BUILD_TARGET=$target CARGO_TARGET_DIR=target/windows

run() {
    echo "covered: $target, $*"
    timeout 1200 cargo test "$@"
}

run --features full
run --all-features
RUSTFLAGS='--cfg tokio_osinterval_threadpool_timer' run --features full --lib --bins --tests

cargo build --examples --features full
for example in examples/*.rs; do
    name=$(basename "$example" .rs)
    timeout 120 /usr/lib/wine/wine64 "target/windows/$target/debug/examples/$name.exe"
done
echo "covered: $(ls examples/*.rs | wc -l) examples to their end"
