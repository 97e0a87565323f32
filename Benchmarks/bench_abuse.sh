#!/usr/bin/env bash
# Latency of good clients at a fixed rate, alone and beside bad ones: what a server may cost the others who do not behave.
#
#   make bench-abuse ARGS="--rate 4000 --runs 5 --seconds 5"
#
# One server; runs with and without Benchmarks/abuse.py take turns. Benchmarks/README.md says more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh

keys=1000
events=20000
rate=4000
runs=5
seconds=5
port=7397
python=.venv/bin/python
# What goes before the load generator's command.
generator_manners=()

usage() { echo 'usage: bench_abuse.sh [--rate PER_SECOND] [--runs N] [--seconds S] [--port P]'; }

read_arguments() {
    while (($#)); do
        case $1 in
            --rate) rate=$2; shift 2 ;;
            --runs) runs=$2; shift 2 ;;
            --seconds) seconds=$2; shift 2 ;;
            --port) port=$2; shift 2 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; fail "unknown argument: $1" ;;
        esac
    done
}

# start_server STORE OPTIONS...
start_server() {
    local store=$1
    shift
    [[ -x $strandline ]] || fail "there is no $strandline" "run 'make build'"
    : >"$work/serve.out"
    "$strandline" serve "$@" --repo Benchmarks/lookup_repo --data-dir "$work/$store" --listen "127.0.0.1:$port" \
        --http-listen off --embedded-broker >"$work/serve.out" 2>"$work/serve.err" &
    server_pid=$!
    own_process "$server_pid"
    wait_for_line "$work/serve.out" "listening on 127.0.0.1:$port" 30 "$server_pid" "$work/serve.err"
    local bootstrap tick taken
    bootstrap=$(grep -o 'bootstrap=[^ ]*' "$work/serve.out" | head -n 1 | cut -d = -f 2)
    "$bench" produce-bench --bootstrap "$bootstrap" --topic payments --records "$events" --keys "$keys" --uniform \
        --record-bytes 130 --until "$(date +%s)000000" --first 0 --count "$events" >/dev/null
    for ((tick = 0; tick < 300; tick++)); do
        taken=$("$strandline" status --address "127.0.0.1:$port" --output json |
            "$python" -c 'import json, sys; print(json.load(sys.stdin)["ingest"]["events"])')
        ((taken >= events)) && return
        sleep 0.1
    done
    fail "the server took in $taken of $events events" "$strandline status --address 127.0.0.1:$port"
}

# load NAME SUFFIX: good clients at the fixed rate; their figures are noted under NAME_...SUFFIX.
load() {
    local name=$1 suffix=$2 text
    text=$("${generator_manners[@]}" "$bench" load --protocol strandline --address "127.0.0.1:$port" \
        --seconds "$seconds" --keys "$keys" \
        --rate "$rate" --server-pid "$server_pid")
    say "  $name$suffix: $(tr '\n' ' ' <<<"$text")"
    [[ $(value errors "$text") == 0 ]] || fail "good clients were not answered: $text"
    note "${name}_p50_us$suffix" "$(value p50_us "$text")"
    note "${name}_p99_us$suffix" "$(value p99_us "$text")"
    p99=$(value p99_us "$text")
}

# What the server takes in memory, in MiB.
resident() { awk '/^VmRSS/ { printf "%.0f\n", $2 / 1024 }' "/proc/$server_pid/status"; }

# run_all SUFFIX
run_all() {
    local abuse_pid run idle suffix=$1
    for ((run = 1; run <= runs; run++)); do
        say "run $run"
        load idle "$suffix"
        idle=$p99
        note "idle_rss_mib$suffix" "$(resident)"
        # At its niceness it takes no processor time that the server or the good clients want: bad clients have machines of
        # their own.
        nice -n 15 "$python" Benchmarks/abuse.py 127.0.0.1 "$port" >"$work/abuse.out" 2>&1 &
        abuse_pid=$!
        own_process "$abuse_pid"
        wait_for_line "$work/abuse.out" 'at work' 20 "$abuse_pid" "$work/abuse.out"
        load abuse "$suffix"
        note "abuse_rss_mib$suffix" "$(resident)"
        kill "$abuse_pid"
        wait "$abuse_pid" || true
        note "p99_under_abuse_vs_idle$suffix" "$(quotient "$p99" "$idle")"
    done
}

main() {
    local suffix
    local -a suffixes=(_usual)
    read_arguments "$@"
    prepare
    start_server store_usual
    run_all _usual
    if may_be_real_time; then
        end_process "$server_pid" || fail "the server did not end well: $(tail -n 5 "$work/serve.err")"
        start_server store --real-time
        # The good clients have machines of their own as well.
        generator_manners=(chrt --rr 1)
        run_all ''
        suffixes+=('')
    fi
    print_machine
    for suffix in "${suffixes[@]}"; do
        print_medians "idle_p50_us$suffix" "abuse_p50_us$suffix" "idle_p99_us$suffix" "abuse_p99_us$suffix" \
            "idle_rss_mib$suffix" "abuse_rss_mib$suffix" "p99_under_abuse_vs_idle$suffix"
    done
}

main "$@"
