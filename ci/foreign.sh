#!/usr/bin/env bash
# Clippy, with warnings as errors, for the systems that are not at hand: the library, the tests and
# the examples with all features, and the library without `os-native`; and ticklab. On Debian 12: its web
# toolchain brings the sources of the standard library, of which the interface suffices here. Nothing
# is linked or run: for that see emulated.sh, link.sh and windows.sh.
#
# ci/foreign.sh [TARGET…]: these only.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/sysroot.sh
. ci/sysroot.sh
need rustc-web cargo-web rust-web-src rust-web-clippy
use_debian_rust

# TARGET EXTENT: `everything` is the library, the tests and the examples; `library` is the library
# alone, on WebAssembly because tokio refuses the features that the tests need, and elsewhere because
# a sibling in this table has everything. powerpc has no 64-bit atomics.
table='
x86_64-pc-windows-gnu       everything
x86_64-pc-windows-msvc      everything
i686-pc-windows-gnu         library
x86_64-apple-darwin         everything
aarch64-apple-darwin        everything
aarch64-apple-ios           everything
aarch64-apple-tvos          library
aarch64-apple-watchos       library
aarch64-apple-visionos      library
x86_64-unknown-freebsd      everything
i686-unknown-freebsd        library
x86_64-unknown-netbsd       everything
x86_64-unknown-openbsd      everything
x86_64-unknown-dragonfly    everything
aarch64-linux-android       everything
i686-unknown-linux-gnu      everything
aarch64-unknown-linux-gnu   everything
s390x-unknown-linux-gnu     everything
powerpc-unknown-linux-gnu   library
x86_64-unknown-linux-musl   everything
wasm32-wasip1               library
'
read -ra wanted <<<"$*"
targets=()
declare -A extents
while read -r target extent; do
    [ -n "$target" ] || continue
    [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $target "* ]] || continue
    targets+=("$target")
    extents[$target]=$extent
done <<<"$table"
if [ ${#targets[@]} -eq 0 ] || [ ${#wanted[@]} -gt ${#targets[@]} ]; then
    echo "foreign: not in the table, or twice: $*" >&2
    exit 2
fi

sysroots check "${targets[@]}"
export CARGO_TARGET_DIR=target/foreign CARGO_INCREMENTAL=0

# lint KINDS FEATURES TARGET…
lint() {
    local kinds=$1 features=$2 target arguments=()
    shift 2
    for target in "$@"; do
        arguments+=(--target "$target")
    done
    # shellcheck disable=SC2086
    cargo clippy --quiet --keep-going $kinds $features "${arguments[@]}" -- -D warnings
}

declare -A kinds=([everything]='--lib --tests --examples' [library]=--lib)
without='--no-default-features --features interval,sleep,stream,periodic,tracing'

# All at once keeps the processors busy, but what it says does not name the target. What went well
# is not done again below.
for extent in everything library; do
    some=()
    for target in "${targets[@]}"; do
        [ "${extents[$target]}" != $extent ] || some+=("$target")
    done
    [ ${#some[@]} -eq 0 ] || lint "${kinds[$extent]}" --all-features "${some[@]}" >/dev/null 2>&1 || true
done
lint --lib "$without" "${targets[@]}" >/dev/null 2>&1 || true

# One for each system that ticklab has code or dependencies of its own for.
with_ticklab=(x86_64-pc-windows-gnu x86_64-pc-windows-msvc aarch64-apple-darwin x86_64-unknown-freebsd x86_64-unknown-netbsd x86_64-unknown-openbsd x86_64-unknown-dragonfly)

good=0
for target in "${targets[@]}"; do
    extent=${extents[$target]}
    ticklab=''
    [[ " ${with_ticklab[*]} " != *" $target "* ]] || ticklab=', ticklab'
    if lint "${kinds[$extent]}" --all-features "$target" && lint --lib "$without" "$target" &&
        { [ -z "$ticklab" ] || lint '--package ticklab --bins --tests' '' "$target"; }; then
        covered="$extent with all features, library without os-native$ticklab"
        echo "covered: $target: $covered"
        good=$((good + 1))
    else
        echo "foreign: $target failed" >&2
    fi
done
echo "foreign: $good of ${#targets[@]} targets"
[ $good -eq ${#targets[@]} ]
