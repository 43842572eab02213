#!/usr/bin/env bash
# Installs what the stages need. Each script also installs its own tools; doing it first keeps lanes from waiting.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
need procps strace python3 python3-venv libfaketime valgrind g++ chromium libllvm19 \
    rustc-web cargo-web rust-web-src rust-web-clippy gcc-mingw-w64-x86-64-win32 wine wine64 \
    qemu-user-static gcc-powerpc-linux-gnu libc6-dev-powerpc-cross
tool gungraun-runner 0.18.2
tool cargo-public-api 0.52.0
tool cargo-deny 0.20.2
tool cargo-fuzz 0.13.2
echo 'checked: 4 tools'
