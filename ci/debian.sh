# Shared by the other scripts, which source it: Debian's packages, its Rust toolchain, and a cache that persists
# between runs.
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tokio-osinterval
mkdir -p "$cache"

# need PACKAGE…: installs the missing packages. A lock admits one script at a time, because apt does not wait for itself.
need() (
    exec 9>"$cache/apt.lock"
    flock 9
    missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends "${missing[@]}" 9>&-
    fi
)

# Takes precedence over other toolchains: the sources of the standard library must match the compiler.
use_debian_rust() {
    export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1
    echo "covered: $(rustc --version)"
}

# tool NAME VERSION: installs a program from cargo's registry in that version. It is not optimized: an optimized build
# would take longer than it saves here.
tool() (
    exec 9>"$cache/tools.lock"
    flock 9
    cargo install --list | grep -xF "$1 v$2:" >/dev/null ||
        CARGO_TARGET_DIR=$cache/tools cargo install --quiet --debug --locked "$1" --version "$2" 9>&-
    rm -rf "$cache/tools"
)
