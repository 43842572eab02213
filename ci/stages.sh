# Sourced by .ci/run and ci/thorough.sh: runs stages, prints what each stage checked, and ends with a table of all.
#
# The output of a stage says what it checked: cargo's `test result:` lines, and lines of the form
# `checked: NUMBER WHAT`. A stage without such lines has checked nothing, and fails. A stage on the list below may end
# with code 77, after a line `not run: WHY`.
# shellcheck shell=bash

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
# Linking with debug information takes longer than compiling.
export CARGO_PROFILE_DEV_DEBUG=0

may_be_left_out=' miri '
disk_budget=8192

logs=$(mktemp -d)
results=$logs/results
: >"$results"
declare -A lanes=()
began=$SECONDS

megabytes_used() {
    df -BM --output=used . | tail -n 1 | tr -dc '0-9'
}

used_before=$(megabytes_used)
echo 0 >"$logs/most-disk"
(
    most=0
    while sleep 5 && kill -0 $$ 2>/dev/null; do
        used=$(($(megabytes_used) - used_before))
        if [ $used -gt $most ]; then
            most=$used
            echo $most >"$logs/most-disk"
        fi
    done
) &

trap 'finish $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Ends processes and their children, because `timeout` puts its child into a group of its own. Starts at the lanes, so
# that no lane reports its ended stage as failed.
end() {
    local all=("$@") next=0
    while [ $next -lt ${#all[@]} ]; do
        # shellcheck disable=SC2207
        all+=($(pgrep -P "${all[$next]}" || true))
        next=$((next + 1))
    done
    [ $next -eq 0 ] || kill "${all[@]}" 2>/dev/null || true
}

# Prints what a stage checked, from its log: `152 tests, 9 builds`.
checked() {
    awk '
        /^test result: ok/ { count["tests"] += $4 }
        /^checked: [0-9]+ / {
            number = $2
            sub(/^checked: [0-9]+ /, "")
            count[$0] += number
        }
        END {
            for (what in count)
                if (count[what] > 0) {
                    printf "%s%d %s", separator, count[what], what
                    separator = ", "
                }
        }' "$1"
}

# stage NAME COMMAND…
stage() {
    local name=$1 start=$SECONDS status=0 checked seconds
    local log=$logs/$name
    shift
    echo "=== $name: $*"
    # Runs in a subshell, not in a condition, where `set -e` has no effect.
    set +e
    (
        trap - EXIT HUP INT TERM
        set -e
        "$@"
    ) >"$log" 2>&1 &
    # `wait` can be interrupted, so a signal takes effect at once.
    wait $!
    status=$?
    set -e
    seconds=$((SECONDS - start))
    checked=$(checked "$log")
    if [ $status -eq 77 ] && [[ $may_be_left_out == *" $name "* ]]; then
        record "$name" $seconds - "$(grep -m 1 '^not run: ' "$log" || echo 'not run: no reason given')"
        return
    fi
    if [ $status -eq 0 ] && [ -z "$checked" ]; then
        echo "$name: checked nothing" >>"$log"
        status=1
    fi
    if [ $status -ne 0 ]; then
        failures "$log"
        cat "$log"
        failures "$log"
        record "$name" $seconds "${checked:--}" FAILED
        exit 1
    fi
    grep -E '^(checked|covered|skipped|syscalls|ticks|descriptors)' "$log" || true
    record "$name" $seconds "$checked" ok
}

record() {
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$results"
    echo "=== $1: $4, $3, $2 s"
}

# Printed before and after a log, because the log may be cut.
failures() {
    echo '--- what failed:'
    grep -nE '^(test .* FAILED|error|thread .* panicked at|Diff in |.* hangs: )' "$1" | tail -n 40 || true
    echo '---'
}

# lane FUNCTION: runs the function's stages in parallel with what follows, until `meet`.
lane() {
    (
        trap - EXIT HUP INT TERM
        "$@"
    ) >"$logs/lane-$1" 2>&1 &
    lanes[$!]=$1
}

# Waits for all lanes. The first failure ends the others.
meet() {
    local process status
    while [ ${#lanes[@]} -gt 0 ]; do
        status=0
        wait -n -p process "${!lanes[@]}" || status=$?
        cat "$logs/lane-${lanes[$process]}"
        unset "lanes[$process]"
        [ $status -eq 0 ] || exit 1
    done
}

# Prints the last output of each unfinished stage, and the earlier output of its lane.
unfinished() {
    local log name
    for log in "${lanes[@]/#/$logs/lane-}"; do
        cat "$log"
    done
    for log in "$logs"/*; do
        name=${log##*/}
        case $name in lane-* | results | most-disk) continue ;; esac
        grep -q "^$name"$'\t' "$results" || {
            echo "=== $name did not end. Its last output:"
            tail -n 40 "$log"
        }
    done
}

finish() {
    local status=$1 most passed
    # shellcheck disable=SC2046
    end $(jobs -p)
    wait 2>/dev/null
    most=$(cat "$logs/most-disk")
    [ "$status" -eq 0 ] || unfinished
    echo
    echo "stage                 seconds  result  checked"
    awk -F '\t' '{
        result = $4
        if (result ~ /^not run/) { $3 = result; result = "-" }
        printf "%-20s %8d  %-6s  %s\n", $1, $2, result, $3
    }' "$results"
    echo "disk: at most $most MB more than before, of $disk_budget"
    if [ "$status" -eq 0 ] && [ "$most" -gt $disk_budget ]; then
        echo "more disk than the budget"
        status=1
    fi
    passed=$(awk -F '\t' '$4 == "ok"' "$results" | wc -l)
    if [ "$status" -eq 0 ] && [ "$passed" -eq 0 ]; then
        echo "no stage has passed"
        status=1
    fi
    if [ "$status" -eq 0 ]; then
        echo "$passed stages ended well in $((SECONDS - began)) s"
    else
        echo "failed after $((SECONDS - began)) s: $(awk -F '\t' '$4 == "FAILED" { print $1 }' "$results" | paste -sd ' ')"
    fi
    rm -rf "$logs"
    exit "$status"
}
