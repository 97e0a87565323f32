#!/usr/bin/env bash
# Events per second from a broker to durable, readable state, beside librdkafka reading the same topic and doing
# nothing; where the time goes; how long an event takes at half load; and whether a killed store still has every value.
#
#   make bench-ingest ARGS="--shape uniform --runs 5"
#
# Raw and ours take turns against one broker process. Benchmarks/README.md says what each line means.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh

records=5000000
keys=1000000
partitions=280
record_bytes=200
runs=3
shape=both
latency_seconds=10
# Ingest runs at this niceness; on the same two cores the producer and the looking thread must not press it aside.
alike=(nice -n 10)
check_values=10000
check_seed=
# Of the server; empty takes its own defaults.
commit_interval=()
fold_after=()

usage() {
    cat <<'TEXT'
usage: bench_ingest.sh [--shape zipf|uniform|both] [--records N] [--keys K] [--partitions N] [--record-bytes B]
                       [--runs N] [--latency-seconds S] [--check-values N] [--check-seed S] [--commit-interval MS]
                       [--fold-after N]
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
            --shape) shape=$2; shift 2 ;;
            --latency-seconds) latency_seconds=$2; shift 2 ;;
            --check-values) check_values=$2; shift 2 ;;
            --check-seed) check_seed=$2; shift 2 ;;
            --commit-interval) commit_interval=(--commit-interval "$2"); shift 2 ;;
            --fold-after) fold_after=(--fold-after "$2"); shift 2 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; fail "unknown argument: $1" ;;
        esac
    done
    case $shape in
        both) shapes=(zipf uniform) ;;
        zipf | uniform) shapes=("$shape") ;;
        *) usage >&2; fail "unknown shape: $shape" ;;
    esac
}

# start_broker NAME LINE ARGUMENTS...: a broker of its own process; it is ready when it prints a line that matches.
start_broker() {
    local name=$1 line=$2
    shift 2
    mkfifo "$work/$name.in"
    "$bench" broker --topic events --partitions "$partitions" "${record_options[@]}" "$@" \
        <"$work/$name.in" >"$work/$name.out" 2>"$work/$name.err" &
    broker_pid=$!
    own_process "$broker_pid"
    exec 3>"$work/$name.in" # the broker stays until this closes
    wait_for_line "$work/$name.out" "$line" 180 "$broker_pid" "$work/$name.err"
    bootstrap=$(sed -n 's/^bootstrap=//p' "$work/$name.out")
    topic=(--bootstrap "$bootstrap" --topic events)
}

stop_broker() {
    exec 3>&-
    wait "$broker_pid" || fail "the broker ended with $?"
}

# ingest OPTIONS...: one timed run over a fresh store, which stays as SIGKILL left it. Prints the figures on one line.
ingest() {
    local status=0
    rm -rf "$work/store"
    # The braces keep the shell's own word on the kill out of the way.
    {
        "$bench" ingest "${topic[@]}" --data "$work/store" "${commit_interval[@]}" --kill "$@" \
            >"$work/ingest.out" 2>"$work/ingest.err"
    } 2>/dev/null || status=$?
    ((status == 137)) || fail "ingest ended with $status: $(tail -n 5 "$work/ingest.err")"
    tr '\n' ' ' <"$work/ingest.out"
}

run_pair() {
    local number=$1 shape=$2 raw ours
    raw=$("$bench" raw-consume "${topic[@]}")
    say "$shape $number  raw     $raw"
    ours=$(ingest "${fold_after[@]}")
    say "$shape $number  ingest  $ours"
    say "$shape $number  $("$bench" check "${topic[@]}" --data "$work/store" --values "$check_values" \
        ${check_seed:+--seed "$check_seed"})"
    note "raw_consume_events_per_s_$shape" "$(value events_per_s "$raw")"
    note "raw_cpu_us_per_event_$shape" "$(value cpu_us_per_event "$raw")"
    note "ingest_events_per_s_$shape" "$(value events_per_s "$ours")"
    note "ingest_cpu_us_per_event_$shape" "$(value cpu_us_per_event "$ours")"
    note "ingest_resident_bytes_$shape" "$(value resident_bytes "$ours")"
    note "ingest_vs_raw_$shape" "$(quotient "$(value events_per_s "$ours")" "$(value events_per_s "$raw")")"
}

# One line a stage: the same topic with more and more done to it, and what the stage adds in processor time.
run_waterfall() {
    local shape=$1 stage text last=0 cpu
    for stage in consume decode columns windows commit fold; do
        case $stage in
            commit) text=$(ingest --fold-after 1000000000) ;;
            fold)
                # The whole, as the runs before measured it.
                text="events_per_s=$(median "ingest_events_per_s_$shape")"
                text+=" cpu_us_per_event=$(median "ingest_cpu_us_per_event_$shape")"
                ;;
            *)
                rm -rf "$work/store"
                text=$("$bench" stage "$stage" "${topic[@]}" --data "$work/store" "${commit_interval[@]}")
                ;;
        esac
        cpu=$(value cpu_us_per_event "$text")
        say "$shape    waterfall $stage $text"
        printf 'waterfall_%s stage=%s events_per_s=%s cpu_us_per_event=%.3f added_cpu_us_per_event=%s\n' "$shape" \
            "$stage" "$(value events_per_s "$text")" "$cpu" "$(difference "$cpu" "$last")" >>"$work/waterfall"
        last=$cpu
    done
    rm -rf "$work/store"
}

# Half of the measured rate, sent by a process of its own to a broker of its own. A real broker answers a waiting fetch
# as soon as there are records; the development broker lets it wait for its whole time, so that time is short here.
run_latency() {
    local shape=$1 rate count sent text reader
    rate=$(awk -v rate="$(median "ingest_events_per_s_$shape")" 'BEGIN { printf "%.0f", rate / 2 }')
    count=$((rate * latency_seconds))
    start_broker "latency_$shape" '^bootstrap=' --empty
    "${alike[@]}" "$bench" latency "${topic[@]}" --data "$work/store" "${commit_interval[@]}" "${fold_after[@]}" \
        --kafka fetch.wait.max.ms=2 --records "$count" >"$work/latency.out" 2>"$work/latency.err" &
    reader=$!
    own_process "$reader"
    wait_for_line "$work/latency.out" '^state=consuming' 30 "$reader" "$work/latency.err"
    sent=$("${alike[@]}" "$bench" pace "${topic[@]}" --partitions "$partitions" "${record_options[@]}" --records "$count" \
        --rate "$rate" --run-length 500)
    say "$shape    $sent"
    wait "$reader" || fail "the latency run failed: $(tail -n 5 "$work/latency.err")"
    text=$(tr '\n' ' ' <"$work/latency.out")
    say "$shape    latency $text"
    stop_broker
    rm -rf "$work/store"
    note "half_load_events_per_s_$shape" "$(value records_per_s "$sent")"
    note "event_to_readable_p50_ms_$shape" "$(value event_to_readable_p50_ms "$text")"
    note "event_to_readable_p99_ms_$shape" "$(value event_to_readable_p99_ms "$text")"
}

run_shape() {
    local shape=$1 run
    record_options=(--records "$records" --keys "$keys" --record-bytes "$record_bytes")
    [[ $shape == uniform ]] && record_options+=(--uniform) || record_options+=(--zipf 1.0)
    start_broker "$shape" '^filled '
    say "$shape    $(grep '^filled ' "$work/$shape.out")"
    for ((run = 1; run <= runs; run++)); do run_pair "$run" "$shape"; done
    run_waterfall "$shape"
    stop_broker
    run_latency "$shape"
}

main() {
    local each name
    read_arguments "$@"
    prepare
    say "$records records of $record_bytes bytes, $keys entities, $partitions partitions, $runs pairs, ${shapes[*]}"
    for each in "${shapes[@]}"; do run_shape "$each"; done
    print_machine
    cat "$work/waterfall"
    for each in "${shapes[@]}"; do
        for name in raw_consume_events_per_s raw_cpu_us_per_event ingest_cpu_us_per_event ingest_resident_bytes \
            ingest_events_per_s; do
            print_medians "${name}_$each"
        done
        for name in half_load_events_per_s event_to_readable_p50_ms event_to_readable_p99_ms; do
            printf '%s=%s\n' "${name}_$each" "$(median "${name}_$each")"
        done
    done
    # Of two shapes the slower one.
    for name in event_to_readable_p50_ms event_to_readable_p99_ms; do
        printf '%s=%s\n' "$name" "$(cat "$work/values/${name}"_* | sort -g | tail -n 1)"
    done
    for each in "${shapes[@]}"; do print_medians "ingest_vs_raw_$each"; done
    # Without a shape's name: the first shape that was run.
    for name in raw_consume_events_per_s ingest_events_per_s raw_cpu_us_per_event ingest_cpu_us_per_event ingest_vs_raw; do
        printf '%s=%s\n' "$name" "$(median "${name}_${shapes[0]}")"
    done
}

main "$@"
