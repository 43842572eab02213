#!/usr/bin/env bash
# Runs Clippy, with warnings as errors, for other systems: on the library, the tests and the examples with all features,
# on the library without `os-native` and without `test-util`, and on ticklab. Nothing is linked or run; emulated.sh, link.sh and windows.sh do
# that. Needs Debian 12, whose web toolchain includes the sources of the standard library; the interface is enough here.
#
# ci/foreign.sh: one target for each piece of code that differs. ci/foreign.sh --all: the whole table.
# ci/foreign.sh TARGET…: these targets only.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/sysroot.sh
. ci/sysroot.sh
# TARGET EXTENT WHEN. EXTENT `everything` is the library, the tests and the examples. `library` is the library alone: on
# WebAssembly because tokio refuses the features that the tests need, elsewhere because a similar target in this table
# has everything. WHEN is `always` for a target with code that no other target in the table compiles, `alone` if only
# the library has such code, and `all` for a target that shares all its code with others. emulated.sh compiles and runs
# Linux on other processors.
table='
x86_64-pc-windows-gnu       everything  always
x86_64-pc-windows-msvc      everything  all
i686-pc-windows-gnu         library     all
x86_64-apple-darwin         everything  all
aarch64-apple-darwin        everything  always
aarch64-apple-ios           everything  all
aarch64-apple-tvos          library     all
aarch64-apple-watchos       library     all
aarch64-apple-visionos      library     all
x86_64-unknown-freebsd      everything  alone
i686-unknown-freebsd        library     all
x86_64-unknown-netbsd       everything  alone
x86_64-unknown-openbsd      everything  alone
x86_64-unknown-dragonfly    everything  alone
aarch64-linux-android       everything  alone
i686-unknown-linux-gnu      everything  all
aarch64-unknown-linux-gnu   everything  all
s390x-unknown-linux-gnu     everything  all
powerpc-unknown-linux-gnu   library     all
x86_64-unknown-linux-musl   everything  all
wasm32-wasip1               library     always
'
case ${1:-} in
--all) all=yes wanted=("${@:2}") ;;
*) all=no wanted=("$@") ;;
esac
for target in "${wanted[@]}"; do
    [ $all = no ] && grep -q "^$target " <<<"$table" || {
        echo "foreign: not in the table, or combined with --all: $target" >&2
        exit 2
    }
done
targets=()
declare -A extents
while read -r target extent when; do
    [ -n "$target" ] || continue
    if [ ${#wanted[@]} -gt 0 ]; then
        [[ " ${wanted[*]} " == *" $target "* ]] || continue
    else
        [ $all = yes ] || [ "$when" != all ] || continue
        [ $all = yes ] || [ "$when" != alone ] || extent=library
    fi
    targets+=("$target")
    extents[$target]=$extent
done <<<"$table"
if [ ${#wanted[@]} -gt ${#targets[@]} ]; then
    echo "foreign: given twice: ${wanted[*]}" >&2
    exit 2
fi

need rustc-web cargo-web rust-web-src rust-web-clippy
use_debian_rust
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
without='--no-default-features --features stream,tracing'

# One target for each system for which ticklab has code or dependencies of its own. The BSDs need `--all`, because each
# builds all dependencies anew.
has_ticklab=' x86_64-pc-windows-gnu x86_64-pc-windows-msvc aarch64-apple-darwin x86_64-unknown-freebsd x86_64-unknown-netbsd x86_64-unknown-openbsd x86_64-unknown-dragonfly '
with_ticklab=() everything=() library=()
for target in "${targets[@]}"; do
    # A target with the library alone leaves ticklab out as well.
    [ "${extents[$target]}" = everything ] || has_ticklab=${has_ticklab/ $target / }
    [[ $has_ticklab != *" $target "* ]] || with_ticklab+=("$target")
    if [ "${extents[$target]}" = everything ]; then everything+=("$target"); else library+=("$target"); fi
done

# One cargo for all targets keeps the processors busy, but its output does not name the target. The loop below repeats
# only what failed.
{
    [ ${#everything[@]} -eq 0 ] || lint "${kinds[everything]}" --all-features "${everything[@]}" || true
    [ ${#library[@]} -eq 0 ] || lint "${kinds[library]}" --all-features "${library[@]}" || true
    [ ${#with_ticklab[@]} -eq 0 ] || lint '--package ticklab --bins --tests' '' "${with_ticklab[@]}" || true
    [ $all = no ] || lint --lib "$without" "${targets[@]}" || true
    [ $all = no ] || lint --lib '--features full' "${targets[@]}" || true
} >/dev/null 2>&1

# lint_all TARGET: runs all lints of the target. Without `os-native` the library is the same everywhere, and WebAssembly
# has only that one. Without `test-util` the alarm is another; windows.sh and kqueue.sh compile and run that as well.
lint_all() {
    lint "${kinds[${extents[$1]}]}" --all-features "$1"
    [ $all = no ] || lint --lib "$without" "$1"
    [ $all = no ] || lint --lib '--features full' "$1"
    [[ $has_ticklab != *" $1 "* ]] || lint '--package ticklab --bins --tests' '' "$1"
}

good=0
for target in "${targets[@]}"; do
    status=0
    # Not as a condition: `set -e` has no effect in a condition.
    set +e
    (set -e; lint_all "$target")
    status=$?
    set -e
    if [ $status -eq 0 ]; then
        echo "covered: $target: ${extents[$target]}$([[ $has_ticklab != *" $target "* ]] || echo ', ticklab')"
        good=$((good + 1))
    else
        echo "foreign: $target failed" >&2
    fi
done
echo "checked: $good targets"
[ $good -eq ${#targets[@]} ]
