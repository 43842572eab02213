#!/usr/bin/env bash
# The library with the oldest versions that its Cargo.toml allows, as an old Cargo.lock may have them. The
# versions that these ask for in turn are new ones: whether theirs are right is not ours to check. It is
# done in a copy of the checkout, where the lists of ticklab and of the tests have no say.
#
# With `--all` also the unit tests. Not here: ticklab, a program, which is built from Cargo.lock.
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
# Without the dependencies of tests: they would ask for newer versions of what they share with the library.
awk '/^\[/ { skip = /dev-dependencies/ } !skip' Cargo.toml >Cargo.toml.new
mv Cargo.toml.new Cargo.toml
# Those of the unit tests.
cat >>Cargo.toml <<'TOML'

[dev-dependencies]
proptest = { version = "1.11", default-features = false, features = ["std"] }
tokio = { version = "1.54.0", features = ["macros", "rt-multi-thread"] }
TOML
# To choose versions so is not stable yet.
RUSTC_BOOTSTRAP=1 cargo -Z direct-minimal-versions generate-lockfile
export CARGO_TARGET_DIR=$target
cargo check --locked --lib --no-default-features
cargo check --locked --lib --features full
[ "${1:-}" != --all ] || timeout 600 cargo test --locked --lib --features full

# Other systems have lists of their own.
need rustc-web cargo-web rust-web-src
use_debian_rust
targets=(x86_64-pc-windows-gnu x86_64-apple-darwin x86_64-unknown-freebsd x86_64-unknown-netbsd)
sysroots check "${targets[@]}"
cargo check --locked --lib --features full "${targets[@]/#/--target=}"
echo 'checked: 6 builds with the oldest dependencies'
