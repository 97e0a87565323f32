#!/usr/bin/env bash
# Events per second from a broker to durable, readable state, beside librdkafka reading the same topic and doing nothing.
#
#   make bench-ingest ARGS="--records 3000000 --keys 100000 --runs 5"
#
# Raw and ours take turns against one broker process. Benchmarks/README.md says what each line means.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh

records=3000000
keys=100000
partitions=200
record_bytes=200
runs=5
shape=(--zipf 1.0)
fold_after=()

usage() {
    cat <<'TEXT'
usage: bench_ingest.sh [--records N] [--keys K] [--partitions N] [--record-bytes B] [--runs N] [--uniform] [--fold-after N]
TEXT
}

read_arguments() {
    while (($#)); do
        case $1 in
            --records) records=$2; shift 2 ;;
            --keys) keys=$2; shift 2 ;;
            --partitions) partitions=$2; shift 2 ;;
            --record-bytes) record_bytes=$2; shift 2 ;;
            --runs) runs=$2; shift 2 ;;
            --uniform) shape=(--uniform); shift ;;
            --fold-after) fold_after=(--fold-after "$2"); shift 2 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; fail "unknown argument: $1" ;;
        esac
    done
}

start_broker() {
    mkfifo "$work/broker.in"
    "$bench" broker --topic events --partitions "$partitions" --records "$records" --keys "$keys" "${shape[@]}" \
        --record-bytes "$record_bytes" <"$work/broker.in" >"$work/broker.out" 2>"$work/broker.err" &
    own_process $!
    exec 3>"$work/broker.in" # the broker stays until this closes
    wait_for_line "$work/broker.out" '^filled ' 120 "$!" "$work/broker.err"
    bootstrap=$(sed -n 's/^bootstrap=//p' "$work/broker.out")
    say "$(grep '^filled ' "$work/broker.out")"
}

run_pair() {
    local number=$1 raw ours
    raw=$("$bench" raw-consume --bootstrap "$bootstrap" --topic events)
    say "run $number  raw     $raw"
    ours=$("$bench" ingest --bootstrap "$bootstrap" --topic events --data "$work/store" "${fold_after[@]}")
    rm -rf "$work/store"
    say "run $number  ingest  $(tr '\n' ' ' <<<"$ours")"
    note raw_consume_events_per_s "$(value events_per_s "$raw")"
    note raw_cpu_us_per_event "$(value cpu_us_per_event "$raw")"
    note ingest_events_per_s "$(value events_per_s "$ours")"
    note ingest_cpu_us_per_event "$(value cpu_us_per_event "$ours")"
    note ingest_resident_bytes "$(value resident_bytes "$ours")"
    note ingest_vs_raw "$(quotient "$(value events_per_s "$ours")" "$(value events_per_s "$raw")")"
}

main() {
    read_arguments "$@"
    prepare
    say "$records records of $record_bytes bytes, $keys entities (${shape[*]}), $partitions partitions, $runs pairs"
    start_broker
    for ((run = 1; run <= runs; run++)); do run_pair "$run"; done
    print_machine
    print_medians raw_consume_events_per_s raw_cpu_us_per_event ingest_cpu_us_per_event ingest_resident_bytes \
        ingest_vs_raw ingest_events_per_s
}

main "$@"
