# Sourced by the scripts beside it. What they have in common: Debian's packages, its Rust toolchain,
# and a place for what is worth keeping from one run to the next.
# shellcheck shell=bash

cache=${XDG_CACHE_HOME:-$HOME/.cache}/tokio-osinterval
mkdir -p "$cache"

# need PACKAGE…: installs those that are missing. One script at a time: apt does not wait for itself.
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

# Before any other: the sources of the standard library must be the compiler's own.
use_debian_rust() {
    export PATH=/usr/bin:$PATH RUSTC_BOOTSTRAP=1
    echo "covered: $(rustc --version)"
}

# tool NAME VERSION: a program of cargo's registry, in that version. Not optimized: building it would take
# longer than all that it does here.
tool() (
    exec 9>"$cache/tools.lock"
    flock 9
    cargo install --list | grep -xF "$1 v$2:" >/dev/null ||
        CARGO_TARGET_DIR=$cache/tools cargo install --quiet --debug --locked "$1" --version "$2" 9>&-
    rm -rf "$cache/tools"
)
