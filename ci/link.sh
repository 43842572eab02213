#!/usr/bin/env bash
# Links the tests for systems that cannot run here. This shows that every symbol that the code uses exists in the
# system's libraries. Needs Debian 12, as emulated.sh does.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/sysroot.sh
. ci/sysroot.sh
# shellcheck source=ci/zig.sh
. ci/zig.sh
need rustc-web cargo-web rust-web-src
use_debian_rust
sysroots build x86_64-unknown-freebsd x86_64-apple-darwin x86_64-unknown-netbsd
link_with_zig x86_64-unknown-freebsd x86_64-freebsd x86_64-apple-darwin x86_64-macos x86_64-unknown-netbsd x86_64-netbsd
export CARGO_TARGET_DIR=target/link CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0
# For macOS, rustc would call a tool that Debian lacks.
export CARGO_PROFILE_DEV_STRIP=none

targets=()
for target in x86_64-unknown-freebsd x86_64-apple-darwin x86_64-unknown-netbsd; do
    targets+=(--target "$target")
done
timeout 900 cargo test --no-run --lib --test suite --test alone --features full "${targets[@]}"
for target in x86_64-unknown-freebsd x86_64-apple-darwin x86_64-unknown-netbsd; do
    echo "covered: $target, library and tests, linked"
done
echo 'checked: 3 targets'
