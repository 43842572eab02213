#!/usr/bin/env bash
# Runs tokio-util's own tests of its `DelayQueue` against this crate's: takes them from the package in
# cargo's registry, changes the import, and tests in target/delay-queue-suite. Nothing of theirs is kept in
# the repository, and no case is left out.
#
# Two things are rewritten besides the import, since what they ask for follows from tokio's wheel:
#
# - The clock is paused from the start, and not somewhere within a millisecond. tokio rounds the deadlines of
#   its sleeps and of its queue up to its next millisecond, so that `sleep(7 ms)` takes 8 there, and
#   a value that is due after 8 is not due yet. Here it is due. This is so in `insert_before_first_after_poll`,
#   `multi_delay_at_start` and `reset_entry`. On whole milliseconds nothing is rounded.
# - `reset_later_after_slot_starts` and `reset_earlier_after_slot_starts` reset a value to 120 ms, at 80, and ask
#   that the task be woken at once: tokio's wheel has to be turned on. Here nothing has to be, and they ask that
#   the task be not woken.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
suite=$here/target/delay-queue-suite

read -r version package < <(cargo metadata --format-version 1 --all-features | python3 -c '
import json, os, sys
found = [p for p in json.load(sys.stdin)["packages"] if p["name"] == "tokio-util"]
assert len(found) == 1, "expected one tokio-util, found %d" % len(found)
print(found[0]["version"], os.path.dirname(found[0]["manifest_path"]))
')
mkdir -p "$suite/src" "$suite/tests"
: >"$suite/src/lib.rs"
cat >"$suite/Cargo.toml" <<TOML
[package]
name = "delay-queue-suite"
version = "0.0.0"
edition = "2021"
publish = false

[workspace]

[lints.rust]
unexpected_cfgs = "allow"

[features]
default = ["full"]
full = []

[dependencies]
futures = "0.3"
tokio = { version = "1", features = ["full", "test-util"] }
tokio-osinterval = { path = "$here", features = ["full", "test-util"] }
tokio-test = "0.4"
TOML
cp Cargo.lock "$suite/Cargo.lock"

theirs=$package/tests/time_delay_queue.rs
python3 - "$theirs" "$suite/tests/time_delay_queue.rs" <<'PYTHON'
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()


def rewrite(what, by, least):
    """A rewrite that finds less than it should would test them against themselves, or against less."""
    global text
    text, count = re.subn(what, by, text)
    if count < least:
        sys.exit(f"delay-queue-suite: {what!r} was found {count} times, not {least}")


rewrite(r"\btokio_util::time::DelayQueue\b", "tokio_osinterval::time::DelayQueue", 1)
rewrite(r"#\[tokio::test\]", "#[tokio::test(start_paused = true)]", 25)
rewrite(r"\n    time::pause\(\);\n", "\n", 24)
rewrite(
    r"(queue\.reset_at\(&foo, now \+ ms\(120\)\);\n    assert!\()(queue\.is_woken\(\)\);)",
    r"\1!\2",
    2,
)
if "tokio_util" in text:
    sys.exit("delay-queue-suite: something of tokio-util is left")
open(sys.argv[2], "w", encoding="utf-8").write(text)
PYTHON
tests=$(grep -c '^#\[tokio::test' "$theirs")

cd "$suite"
export CARGO_TARGET_DIR=$suite/target
echo "delay-queue-suite: the $tests tests of tokio-util $version"
timeout 300 cargo test --quiet --test time_delay_queue | tee output
# Each of theirs has run, and passed.
grep -q "^test result: ok. $tests passed; 0 failed; 0 ignored;" output ||
    { echo "delay-queue-suite: not all of $tests tests have passed" >&2; exit 1; }
