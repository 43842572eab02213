#!/usr/bin/env bash
# Refreshes the figures in the documents. A table, or ticklab's output, lies between the marks `<!-- figures: NAME -->`
# and `<!-- /figures: NAME -->`. The script replaces it with the output of its command, the date and the machine. It
# also draws docs/lateness.svg and, from the table `scale`, docs/cost.svg.
#
# ci/figures.sh [NAME...]: refreshes these, or all without names. Run nothing else meanwhile. All take a quarter of an
# hour, plus some minutes to build. ROUNDS=1 in the environment is for a trial; its figures do not count.
#
# ci/figures.sh --check: checks the marks, and that each table has a date and the header of its benchmark.
set -euo pipefail
cd "$(dirname "$0")/.."

benches=(precision scale micro patterns contend delay_queue busy)
# Known names that no document uses yet.
unshown=(lone_sleep drop_sleeps)
others=(ticklab ticklab-busy)
pictures=(lateness)
documents=(*.md benches/*.md ticklab/*.md)
began=$SECONDS

refuse() {
    echo "figures: $1" >&2
    exit "${2:-1}"
}

is_one_of() {
    local name=$1
    shift
    [[ " $* " == *" $name "* ]]
}

# Lists all marks, as `DOCUMENT:LINE:MARK`.
marks() {
    grep -nHE '^<!-- /?figures: ' "${documents[@]}"
}

# Prints the current content between the marks of NAME.
shown() {
    cat "${documents[@]}" | sed -n "/^<!-- figures: $1 -->\$/,/^<!-- \/figures: $1 -->\$/p" | sed '1d;$d'
}

check() {
    local place mark open='' seen=() count=0 name header picture
    while IFS= read -r mark; do
        place=${mark%%:<!--*}
        mark=${mark#"$place":}
        if [[ $mark =~ ^'<!-- figures: '([a-z_-]+)' -->'$ ]]; then
            name=${BASH_REMATCH[1]}
            [ -z "$open" ] || refuse "$place: \`$open\` has no end"
            is_one_of "$name" "${benches[@]}" "${unshown[@]}" "${others[@]}" || refuse "$place: no figures are called \`$name\`"
            ! is_one_of "$name" "${seen[@]}" || refuse "$place: \`$name\` is there twice"
            seen+=("$name")
            open=$place:$name
        elif [ "$mark" = "<!-- /figures: ${open##*:} -->" ] && [ "${place%%:*}" = "${open%%:*}" ]; then
            open=''
        else
            refuse "$place: this ends nothing: $mark"
        fi
    done < <(marks)
    [ -z "$open" ] || refuse "\`$open\` has no end"
    for name in "${benches[@]}" "${others[@]}"; do
        is_one_of "$name" "${seen[@]}" || refuse "no document shows \`$name\`"
    done
    for name in "${seen[@]}"; do
        count=$((count + 1))
        shown "$name" | grep '^<sub>' >/dev/null || refuse "\`$name\` has no date: ci/figures.sh $name"
        is_one_of "$name" "${others[@]}" && continue
        header=$(shown "$name" | grep -m 1 '^|' | tr -s ' ') || refuse "\`$name\` has no table"
        grep -qF "\"$header\"" "benches/$name.rs" ||
            refuse "the table \`$name\` has a header that benches/$name.rs has not: $header"
    done
    for picture in docs/lateness.svg docs/cost.svg; do
        [ -f "$picture" ] || refuse "there is no $picture"
        [ "$(wc -c <"$picture")" -lt 30000 ] || refuse "$picture has 30,000 bytes or more"
        python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$picture" ||
            refuse "$picture is not sound XML"
        count=$((count + 1))
    done
    echo "checked: $count tables and pictures"
}

# Puts its input between the marks of NAME, with the date and the conditions below.
fill() {
    local name=$1 document
    document=$(grep -lxF "<!-- figures: $name -->" "${documents[@]}") || refuse "no document shows \`$name\`"
    { cat && printf '\n<sub>%s</sub>\n' "$2"; } >"$made/$name.filled"
    awk -v name="$name" -v file="$made/$name.filled" '
        $0 == "<!-- /figures: " name " -->" { inside = 0 }
        !inside { print }
        $0 == "<!-- figures: " name " -->" {
            inside = 1
            while ((getline line < file) > 0) print line
        }' "$document" >"$made/document"
    cat "$made/document" >"$document"
}

# Runs a benchmark and fills in its table.
bench() {
    local name=$1 command=(cargo bench --quiet --features full --bench "$1")
    shift
    [ $# -eq 0 ] || command+=(-- "$@")
    "${command[@]}" | tee "$made/$name.md"
    command=("${command[@]/--quiet/}")
    as_shown="$(tr -s ' ' <<<"${command[*]}")"
    marks | grep -F "<!-- figures: $name -->" >/dev/null || return 0
    # The smallest numbers of intervals are only for the picture.
    grep '^|' "$made/$name.md" | grep -vE '^\| 10? × ' | fill "$name" "\`$as_shown\`; $conditions"
}

# Prints ticklab commands with their output.
console() {
    local line
    for line in "$@"; do
        echo "\$ $line"
        # The commands' reports are not shown.
        # shellcheck disable=SC2086
        [[ $line != 'ticklab '* ]] || (cd "$made" && "$ticklab" ${line#ticklab } ${ROUNDS:+--rounds "$ROUNDS"} 2>&1)
    done
}

measure() {
    local name=$1
    case $name in
    busy) bench busy multi_thread 1 61 ;;
    scale)
        bench scale
        "$ticklab" cost "$made/scale.md" --command "$as_shown" --svg docs/cost.svg
        ;;
    lateness)
        # The picture names its command, so the command must be one that a reader can run.
        PATH=${ticklab%/*}:$PATH ticklab run --timer os,os-spin,tokio,spin-sleep \
            --duration "${ROUNDS:-20}s" ${ROUNDS:+--rounds "$ROUNDS"} --svg docs/lateness.svg
        ;;
    ticklab)
        local shown
        shown=$(console 'cargo install --path ticklab' 'ticklab run --duration 3s --html report.html')
        printf '%s\n' '```console' "$shown" '```' | fill ticklab "$day"
        ;;
    ticklab-busy)
        local load='ticklab run --timer os,tokio --duration 3s --load 100 --load-kind pairs'
        local shown
        shown=$(console "$load" "$load --event-interval 1")
        printf '%s\n' '```console' "$shown" '```' | fill ticklab-busy "$day"
        ;;
    *) bench "$name" ;;
    esac
}

all=("${benches[@]}" "${unshown[@]}" "${pictures[@]}" "${others[@]}")
if [ "${1-}" = --check ]; then
    check
    exit
fi
for name in "$@"; do
    is_one_of "$name" "${all[@]}" || refuse "no figures are called \`$name\`, but: ${all[*]}" 2
done
[ $# -gt 0 ] || set -- "${benches[@]}" "${pictures[@]}" "${others[@]}"

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
mkdir -p docs
# Everything is built before anything is measured.
cargo build --quiet --release --package ticklab
cargo bench --quiet --features full --no-run
ticklab=$(realpath "${CARGO_TARGET_DIR:-target}")/release/ticklab
day=$(date -u +%F)
conditions="$day; $("$ticklab" machine)"
built=$SECONDS
for name in "$@"; do
    from=$SECONDS
    measure "$name"
    echo "=== $name: $((SECONDS - from)) s"
done
check
echo "=== built in $((built - began)) s, measured in $((SECONDS - built)) s"
