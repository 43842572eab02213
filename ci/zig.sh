# Sourced by other scripts after sysroot.sh: links with zig for systems whose C library and linker are not installed. zig
# includes both.
# shellcheck shell=bash disable=SC2154

# link_with_zig TARGET ZIG_TARGET…: tells cargo how to link for each TARGET.
link_with_zig() {
    local version=0.17.1 begun variable flags
    export ZIG=$cache/zig-$version/zig ZIG_GLOBAL_CACHE_DIR=$cache/zig-global
    if [ ! -x "$ZIG" ]; then
        need python3-venv
        begun=$(mktemp -d "$cache/zig.XXXXXX")
        /usr/bin/python3 -m venv "$begun"
        "$begun/bin/pip" install --quiet "ziglang==$version"
        # The rename is atomic: the folder is complete or absent.
        mv -T "$begun"/lib/python3*/site-packages/ziglang "$cache/zig-$version" 2>/dev/null || [ -x "$ZIG" ]
        rm -rf "$begun"
    fi
    while [ $# -gt 0 ]; do
        variable=${1//-/_}
        variable=CARGO_TARGET_${variable^^}
        export "${variable}_LINKER=$PWD/ci/zig-link"
        flags=${variable}_RUSTFLAGS
        export "$flags=${!flags:-} -Clink-arg=--target=$2"
        shift 2
    done
}
