#!/usr/bin/env bash
# Runs the test suite on Windows, under Wine: with the alarm that users get, with the one that follows a paused clock, and,
# for the tests of Windows' own code, with the thread pool's timer instead of the waitable one. Also runs an example and
# ticklab. `--all` adds the documentation's examples, all other examples, and the whole suite on the thread pool's timer.
#
# Needs Debian 12, whose web toolchain includes the sources of the standard library. The script builds the library for
# Windows from them.
#
# Wine accepts the flag for a high-resolution timer and ignores it. The tests therefore show that nothing is early, lost,
# leaked or in a race, but not how precise Windows is.
#
# ci/windows.sh COMMAND…: runs only this command, such as `cargo test --test alone`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
need rustc-web cargo-web rust-web-src gcc-mingw-w64-x86-64-win32 wine wine64
use_debian_rust

target=x86_64-pc-windows-gnu
wine=/usr/lib/wine/wine64
export WINEPREFIX=$cache/wine-8 WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=;mshtml='
unset DISPLAY

# A Wine prefix takes 15 s to create, and 700 MB. It is moved into place when it is complete. If another run was faster,
# that run's prefix is used.
if [ ! -d "$WINEPREFIX" ]; then
    begun=$(mktemp -d "$cache/wine.XXXXXX")
    # Wine's processes continue even when this script is ended.
    trap 'WINEPREFIX=$begun wineserver -k 2>/dev/null || true; rm -rf "$begun"' EXIT
    WINEPREFIX=$begun timeout 300 wineboot -i
    WINEPREFIX=$begun timeout 60 wineserver -w
    # The standard library takes random numbers from a library that Wine 8 lacks.
    cat >"$begun/random.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length)
{
    return SystemFunction036(buffer, (ULONG)length);
}
C
    x86_64-w64-mingw32-gcc -shared -o "$begun/drive_c/windows/system32/bcryptprimitives.dll" "$begun/random.c" -ladvapi32
    mv -T "$begun" "$WINEPREFIX" || [ -d "$WINEPREFIX" ]
fi

# Wine's server ends 3 s after its last program. A program that starts at that moment loses the server and fails. The
# server therefore waits for 10 minutes, which begin when the first program ends. Status 2: it is already running.
status=0
wineserver -p600 2>/dev/null || status=$?
[ $status -eq 0 ] || [ $status -eq 2 ]
timeout 60 "$wine" cmd /c exit

export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,proc_macro,test
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine
export CARGO_BUILD_TARGET=$target CARGO_TARGET_DIR=target/windows
# Linking with debug information takes longer than compiling.
export CARGO_PROFILE_DEV_DEBUG=0

all=no
if [ "${1:-}" = --all ]; then
    all=yes
elif [ $# -gt 0 ]; then
    exec "$@"
fi

# run SECONDS ARGUMENT…: runs `cargo test`, with a time limit for the build and the tests together.
run() {
    local limit=$1
    shift
    echo "covered: $target, $*"
    timeout "$limit" cargo test --no-fail-fast "$@"
}

suite=(--lib --test suite --test alone)
examples=(heartbeat)
if [ $all = yes ]; then
    suite=()
    examples=()
    for example in examples/*.rs; do
        examples+=("$(basename "$example" .rs)")
    done
fi
run 1800 --features full "${suite[@]}"
# Runs the examples to their end. Checks that none hangs or fails, not their lateness.
cargo build "${examples[@]/#/--example=}" --features full
for example in "${examples[@]}"; do
    timeout 60 "$wine" "target/windows/$target/debug/examples/$example.exe"
done
echo "checked: ${#examples[@]} examples"

run 1800 --all-features "${suite[@]}"
# Only the tests that depend on the choice of timer: those of the driver and of the periodic timer.
[ $all = yes ] || suite=(--test suite --test alone -- never_early periodic resets runtimes windows)
CARGO_CFG_TOKIO_OSINTERVAL_THREADPOOL_TIMER=1 run 1800 --features full "${suite[@]}"

# Runs ticklab from start to end, with all timers, none of them early.
cargo build --package ticklab
report=target/windows/report.json
timeout 120 "$wine" "target/windows/$target/debug/ticklab.exe" run --duration 2s --json "$report" \
    --timer os,os-spin,tokio,periodic,async-io,thread,spin-sleep
python3 - "$report" <<'PYTHON'
import json, sys

for timer in json.load(open(sys.argv[1]))["timers"]:
    assert timer["failure"] is None and timer["total"]["ticks"] > 0, timer["name"]
    assert timer["total"]["early"] == 0, timer["name"]
PYTHON
status=0
timeout 60 "$wine" "target/windows/$target/debug/ticklab.exe" doctor || status=$?
[ $status -le 1 ]
echo "checked: 7 timers of ticklab"
