#!/usr/bin/env bash
# Builds the library with the oldest direct dependencies that its Cargo.toml allows, as in an old Cargo.lock. Indirect
# dependencies are new: their requirements are not this crate's to check. The script works in a copy of the checkout, so
# that the dependencies of ticklab and of the tests do not affect the versions.
#
# `--all` adds the unit tests. ticklab is not built here: as a program, it is built from Cargo.lock.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
# shellcheck source=ci/sysroot.sh
. ci/sysroot.sh
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
target=$PWD/target/minimal-versions
cp -r Cargo.toml build.rs benches examples src "$copy"
cd "$copy"

sed -i 's/^members = .*/members = []/' Cargo.toml
# Removes the dev-dependencies, which would require newer versions of dependencies that the library shares.
awk '/^\[/ { skip = /dev-dependencies/ } !skip' Cargo.toml >Cargo.toml.new
mv Cargo.toml.new Cargo.toml
# The dependencies of the unit tests.
cat >>Cargo.toml <<'TOML'

[dev-dependencies]
proptest = { version = "1.11", default-features = false, features = ["std"] }
tokio = { version = "1.54.0", features = ["macros", "rt-multi-thread"] }
TOML
# This choice of versions is not stable yet.
RUSTC_BOOTSTRAP=1 cargo -Z direct-minimal-versions generate-lockfile
export CARGO_TARGET_DIR=$target
cargo check --locked --lib --no-default-features
cargo check --locked --lib --features full
[ "${1:-}" != --all ] || timeout 600 cargo test --locked --lib --features full

# Other systems have dependencies of their own.
need rustc-web cargo-web rust-web-src
use_debian_rust
targets=(x86_64-pc-windows-gnu x86_64-apple-darwin x86_64-unknown-freebsd x86_64-unknown-netbsd)
sysroots check "${targets[@]}"
cargo check --locked --lib --features full "${targets[@]/#/--target=}"
echo 'checked: 6 builds with the oldest dependencies'
