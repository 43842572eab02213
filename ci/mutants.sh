#!/usr/bin/env bash
# Plants one fault after the other. Each must make a test fail. A surviving fault is a promise without a test, unless
# ci/mutants.toml accepts it; CONTRIBUTING.md gives the reasons.
#
# ci/mutants.sh [PASS…]: `pure` tests the pure modules and the queue with the library's own tests; `driver` tests the
# driver with those and the suite. Both by default. PROPTEST_CASES makes them quicker or more thorough.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=ci/debian.sh
. ci/debian.sh
passes=("$@")
[ $# -gt 0 ] || passes=(pure driver)
for pass in "${passes[@]}"; do
    [[ $pass =~ ^(pure|driver)$ ]] || {
        echo "mutants: expected pure or driver: $pass" >&2
        exit 2
    }
done
tool cargo-mutants 27.1.0

pure=(
    src/schedule/mod.rs src/precision.rs src/saturating.rs src/delay_queue/epoch.rs
    src/clock/wall.rs src/clock/paired.rs src/driver/lateness.rs src/driver/coalesce.rs src/driver/published.rs
    src/driver/queue/mod.rs src/driver/queue/bit_set.rs src/driver/queue/compact_slack.rs src/driver/queue/heap.rs
    src/driver/queue/slab.rs src/driver/queue/slot.rs src/driver/queue/wheel.rs src/driver/queue/window.rs
    src/sys/units.rs src/sys/software_periodic/counter.rs src/sys/early_guard.rs src/sys/timerfd/time.rs
)
driver=(
    src/driver/mod.rs src/driver/entry.rs src/driver/shard.rs src/driver/timer_state.rs src/driver/wakeups.rs
    src/driver/registry.rs src/driver/wake_list.rs src/metrics.rs
    src/sys/timerfd/mod.rs src/sys/timerfd/alarm.rs src/sys/timerfd/periodic.rs src/sys/descriptor.rs
)
work=$PWD/target/mutants
tree=$work/tree
rm -rf "$work"
mkdir -p "$tree"
trap 'rm -rf "$work"' EXIT
git ls-files -z | tar -c --null --files-from=- | tar -x -C "$tree"
# cargo-mutants cannot follow a module whose file a cfg chooses.
sed -i -E '/cfg_attr\((kqueue|threadpool), path/d; s/cfg_attr\(timerfd, path = ("[^"]*")\)/path = \1/' "$tree/src/sys/mod.rs"

# Every mutant is built, and linking takes most of the time.
export CARGO_TARGET_DIR=$work/target CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0
export PROPTEST_CASES=${PROPTEST_CASES:-64}
# Some mutants allocate without end. The limit stops them; a timeout catches those that hang.
ulimit -v 16000000

# lines FILE: prints the number of lines.
lines() {
    wc -l <"$1"
}

# mutate PASS TEST…: plants faults in the files of the pass, and runs these tests.
mutate() {
    local pass=$1 out=$work/$1/mutants.out status=0 file
    local -n files=$pass
    shift
    local options=(--dir "$tree" --in-place --config ci/mutants.toml --output "$work/$pass" --package tokio-osinterval
        --features full --timeout-multiplier 4 --minimum-test-timeout 40 --no-shuffle --colors never)
    for file in "${files[@]}"; do
        # Without this check, a moved file would be left out silently.
        [ -f "$file" ] || {
            echo "mutants: there is no $file" >&2
            exit 1
        }
        options+=(--file "$file")
    done
    # The arguments go to cargo itself, so that nothing else is built.
    cargo mutants "${options[@]}" "${@/#/--cargo-arg=}" || status=$?
    # Status 2: some mutants were missed. Status 3: some hung.
    [[ $status =~ ^[023]$ ]] || exit 1
    local caught missed hung
    caught=$(lines "$out/caught.txt")
    missed=$(lines "$out/missed.txt")
    hung=$(lines "$out/timeout.txt")
    echo "$pass: $caught caught, $hung hung, $missed missed, $(lines "$out/unviable.txt") that do not compile"
    checked=$((checked + caught + missed + hung))
    if [ "$missed" -gt 0 ]; then
        cat "$out/missed.txt"
        echo "mutants: no test fails for these mutants" >&2
        exit 1
    fi
}

checked=0
for pass in "${passes[@]}"; do
    case $pass in
        pure) mutate pure --lib ;;
        driver) mutate driver --lib --test=suite --test=alone ;;
    esac
done
[ "$checked" -gt 0 ]
echo "checked: $checked mutants"
