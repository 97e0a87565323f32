#!/usr/bin/env bash
# Lookups of 10 window features from Strandline beside Redis, which holds the same values as plain fields, and beside a bare
# echo of the same sizes, and beside Feast's own server where Feast is installed; one load generator drives them all.
#
#   make bench-lookup ARGS="--keys 100000 --events 200 --runs 5 --seconds 3"
#
# The servers stay up and take turns under load. One in a hundred of our replies is compared with a plain count.
# Benchmarks/README.md says what each line means.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh
source Benchmarks/feast.sh

keys=100000
events=200
zipf=0.8
runs=5
seconds=3
redis_port=7399
port=7398
partitions=280
# What is sent before the server is waited for: the broker keeps 5 MiB of a partition.
part=5000000
record_bytes=130
# How many requests of the open loop are due at once. A generator that wakes for each takes as much of two cores as the server.
burst=8
# What goes before the load generator's command.
generator_manners=()
# Of a request and of a reply of one entity, for the echo.
request_bytes=48
reply_bytes=121

usage() {
    cat <<'TEXT'
usage: bench_lookup.sh [--keys K] [--events PER_ENTITY] [--zipf EXPONENT] [--runs N] [--seconds S] [--port P]
                       [--redis-port P] [--feast-port P] [--feast-stores "redis sqlite"] [--feast-workers N]
TEXT
}

read_arguments() {
    while (($#)); do
        case $1 in
            --keys) keys=$2; shift 2 ;;
            --events) events=$2; shift 2 ;;
            --zipf) zipf=$2; shift 2 ;;
            --runs) runs=$2; shift 2 ;;
            --seconds) seconds=$2; shift 2 ;;
            --port) port=$2; shift 2 ;;
            --redis-port) redis_port=$2; shift 2 ;;
            --feast-port) feast_port=$2; shift 2 ;;
            --feast-stores) feast_stores=$2; shift 2 ;;
            --feast-workers) feast_workers=$2; shift 2 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; fail "unknown argument: $1" ;;
        esac
    done
    total=$((keys * events))
}

check_free() {
    if (exec 4<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then fail "port $1 is taken" "choose another one with $2"; fi
}

start_redis() {
    command -v redis-server >/dev/null || fail "there is no redis-server" "apt-get install redis-server"
    check_free "$redis_port" --redis-port
    # Nothing is saved, and one thread serves, as in Redis' own defaults: with 2 cores more threads only get in the way.
    redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work" >"$work/redis.out" 2>&1 &
    redis_pid=$!
    own_process "$redis_pid"
    wait_for_line "$work/redis.out" 'Ready to accept' 10 "$redis_pid" "$work/redis.out"
}

# A process of its own, as in production, where it has a machine of its own too: here it steps back as far as it can for what is
# measured, and so does the producer.
start_broker() {
    mkfifo "$work/broker.in"
    nice -n 19 "$bench" broker --topic payments --partitions "$partitions" --empty <"$work/broker.in" >"$work/broker.out" \
        2>"$work/broker.err" &
    own_process "$!"
    exec 3>"$work/broker.in" # the broker stays until this closes
    wait_for_line "$work/broker.out" '^bootstrap=' 30 "$!" "$work/broker.err"
    bootstrap=$(sed -n 's/^bootstrap=//p' "$work/broker.out")
}

start_echo() {
    mkfifo "$work/echo.in"
    "$bench" echo --request-bytes "$request_bytes" --reply-bytes "$reply_bytes" <"$work/echo.in" >"$work/echo.out" \
        2>"$work/echo.err" &
    echo_pid=$!
    own_process "$echo_pid"
    exec 5>"$work/echo.in"
    wait_for_line "$work/echo.out" '^listening=' 10 "$echo_pid" "$work/echo.err"
    echo_address=$(sed -n 's/^listening=//p' "$work/echo.out")
}

# start_strandline OPTIONS...
start_strandline() {
    [[ -x $strandline ]] || fail "there is no $strandline" "run 'make build'"
    check_free "$port" --port
    : >"$work/serve.out"
    "$strandline" serve "$@" --repo Benchmarks/lookup_repo --data-dir "$work/store" --listen "127.0.0.1:$port" \
        --http-listen 127.0.0.1:0 --kafka "bootstrap.servers=$bootstrap" >"$work/serve.out" 2>"$work/serve.err" &
    strandline_pid=$!
    own_process "$strandline_pid"
    wait_for_line "$work/serve.out" "listening on 127.0.0.1:$port" 30 "$strandline_pid" "$work/serve.err"
    http_port=$(grep -o 'http on 127.0.0.1:[0-9]*' "$work/serve.out" | cut -d : -f 2)
}

# status_value PATH...: a number of the server's status.
status_value() {
    "$strandline" status --address "127.0.0.1:$port" --output json |
        python3 -c 'import functools, json, sys; print(functools.reduce(lambda o, k: o[k], sys.argv[1:], json.load(sys.stdin)))' "$@"
}

wait_for_events() {
    local wanted=$1 tick
    for ((tick = 0; tick < 1200; tick++)); do
        (($(status_value ingest events) >= wanted)) && return
        sleep 0.1
    done
    fail "the server took in $(status_value ingest events) of $wanted events within two minutes" \
        "$strandline status --address 127.0.0.1:$port"
}

fill() {
    local first end began
    until_us=$(date +%s)000000
    records=(--records "$total" --keys "$keys" --zipf "$zipf" --record-bytes "$record_bytes" --until "$until_us")
    began=$(date +%s%N)
    for ((first = 0; first < total; first = end)); do
        end=$((first + part < total ? first + part : total))
        "$bench" produce-bench --bootstrap "$bootstrap" --topic payments "${records[@]}" --partitions "$partitions" \
            --first "$first" --count $((end - first)) >/dev/null
        wait_for_events "$end"
    done
    fill_rate=$(awk -v n="$total" -v ns="$(($(date +%s%N) - began))" 'BEGIN { printf "%.0f", n / ns * 1e9 }')
    say "the server holds $total events of $keys entities, taken in at $fill_rate a second"
    say "$("$bench" fill-redis --from "127.0.0.1:$port" --redis "127.0.0.1:$redis_port" --service ten --keys "$keys")"
}

# load NAME PROCESS ADDRESS ARGUMENTS...: one run; notes its figures under NAME_.... Without a process, no processor time.
load() {
    local name=$1 process=$2 address=$3 text
    shift 3
    text=$("${generator_manners[@]}" "$bench" load --address "$address" --seconds "$seconds" --keys "$keys" \
        ${process:+--server-pid "$process"} "$@")
    say "  $name: $(tr '\n' ' ' <<<"$text")"
    note "${name}_req_per_s" "$(value req_per_s "$text")"
    note "${name}_rows_per_s" "$(value rows_per_s "$text")"
    note "${name}_p50_us" "$(value p50_us "$text")"
    note "${name}_p99_us" "$(value p99_us "$text")"
    if [[ -n $process ]]; then note "${name}_cpu_us" "$(value server_cpu_us_per_request "$text")"; fi
}

# ours NAME ARGUMENTS...: the same of our server, with the share of lookups that a kept vector answered.
ours() {
    local name=$1 hits misses
    shift
    hits=$(status_value store vector_hits)
    misses=$(status_value store vector_misses)
    load "$name" "$strandline_pid" "127.0.0.1:$port" --protocol strandline --samples "$work/samples" "$@"
    note "${name}_vector_cache_hit" "$(awk -v h="$(($(status_value store vector_hits) - hits))" \
        -v m="$(($(status_value store vector_misses) - misses))" 'BEGIN { printf "%.3f", h / (h + m) }')"
}

redis() {
    local name=$1
    shift
    load "$name" "$redis_pid" "127.0.0.1:$redis_port" "$@"
}

last() { tail -n 1 "$work/values/$1"; }

# ratio NAME OURS THEIRS: of the last run's figures.
ratio() { note "$1" "$(quotient "$(last "$2")" "$(last "$3")")"; }

run_all() {
    local each
    redis redis_hmget --protocol redis
    ours lookup
    ours lookup_asof_1h --as-of-within 3600
    load echo "$echo_pid" "$echo_address" --protocol echo --request-bytes "$request_bytes" --reply-bytes "$reply_bytes"
    run_feast 1row 1 64 lookup_rows_per_s
    redis redis_hmget_pipeline16 --protocol redis --pipeline 16
    redis redis_get_pipeline16 --protocol redis-get --pipeline 16
    ours pipeline16 --pipeline 16
    ours pipeline16_asof_1h --pipeline 16 --as-of-within 3600
    redis redis_hmget_pipeline100 --protocol redis --pipeline 100 --connections 8
    ours batch100 --rows 100 --connections 8
    ours batch100_asof_1h --rows 100 --connections 8 --as-of-within 3600
    run_feast 100rows 100 8 batch100_rows_per_s
    for each in '' _asof_1h; do
        ratio "lookup_vs_redis_hmget$each" "lookup${each}_req_per_s" redis_hmget_req_per_s
        ratio "lookup_p99_vs_redis$each" "lookup${each}_p99_us" redis_hmget_p99_us
        ratio "lookup_vs_echo$each" "lookup${each}_req_per_s" echo_req_per_s
        ratio "pipeline16_vs_redis_hmget$each" "pipeline16${each}_req_per_s" redis_hmget_pipeline16_req_per_s
        ratio "pipeline16_vs_redis_get_blob$each" "pipeline16${each}_req_per_s" redis_get_pipeline16_req_per_s
        ratio "batch100_vs_redis_pipelined$each" "batch100${each}_rows_per_s" redis_hmget_pipeline100_rows_per_s
    done
    ratio asof_vs_now lookup_asof_1h_req_per_s lookup_req_per_s
}

# Until the server has done what it had left to do: less than a twentieth of a core for half a second.
wait_until_idle() {
    local tick used before=0
    for ((tick = 0; tick < 120; tick++)); do
        used=$(awk '{ print $14 + $15 }' "/proc/$strandline_pid/stat")
        ((used - before < 3)) && return
        before=$used
        sleep 0.5
    done
    fail "the server has been at work for a minute, and nothing comes in" "$strandline status --address 127.0.0.1:$port"
}

# run_under_ingest SUFFIX: an open loop at a fifth of the peak, while the server does nothing else, and while events of other
# entities come in at half the rate at which it was filled.
run_under_ingest() {
    local rate pace_rate pace began before suffix=$1
    rate=$(awk -v r="$(median lookup_req_per_s)" 'BEGIN { printf "%.0f", r / 5 }')
    pace_rate=$((fill_rate / 2))
    local -a open=("$strandline_pid" "127.0.0.1:$port" --protocol strandline --samples "$work/samples" --rate "$rate"
        --burst "$burst")
    wait_until_idle
    load "open_idle$suffix" "${open[@]}"
    nice -n 19 "$bench" pace --bootstrap "$bootstrap" --topic payments --partitions "$partitions" --rate "$pace_rate" \
        --records $((pace_rate * (${seconds%.*} + 3))) --keys "$keys" --first-key "$keys" --zipf "$zipf" \
        --record-bytes "$record_bytes" --run-length 500 >"$work/pace.out" 2>&1 &
    pace=$!
    own_process "$pace"
    sleep 1
    before=$(status_value ingest events)
    began=$(date +%s%N)
    load "open_ingest$suffix" "${open[@]}"
    note "open_ingest${suffix}_events_per_s" "$(awk -v n="$(($(status_value ingest events) - before))" \
        -v ns="$(($(date +%s%N) - began))" 'BEGIN { printf "%.0f", n / ns * 1e9 }')"
    kill -0 "$pace" 2>/dev/null || fail "the producer ended before the load did: $(tail -n 5 "$work/pace.out")"
    wait "$pace" || fail "the producer failed: $(tail -n 5 "$work/pace.out")"
    say "  $(cat "$work/pace.out")"
    note "open_ingest${suffix}_wanted_events_per_s" "$pace_rate"
    ratio "p99_under_ingest_vs_idle$suffix" "open_ingest${suffix}_p99_us" "open_idle${suffix}_p99_us"
}

# The same with the load generator in real time, which stands for other machines; then with lookups in real time too. All entities are
# in memory again before anything is measured.
run_in_real_time() {
    local run
    generator_manners=(chrt --rr 1)
    for ((run = 1; run <= runs; run++)); do run_under_ingest _usual_server; done
    end_process "$strandline_pid" || fail "the server did not end well: $(tail -n 5 "$work/serve.err")"
    start_strandline --real-time
    "$bench" load --protocol strandline --address "127.0.0.1:$port" --keys "$keys" --rows 100 --connections 8 >/dev/null
    for ((run = 1; run <= runs; run++)); do run_under_ingest ''; done
    generator_manners=()
}

print_all() {
    local name each
    local -a ratios=()
    print_machine
    for name in lookup lookup_asof_1h pipeline16 pipeline16_asof_1h batch100 batch100_asof_1h; do
        print_medians "${name}_rows_per_s" "${name}_p50_us" "${name}_p99_us"
        printf '%s=%s\n' "${name}_vector_cache_hit" "$(median "${name}_vector_cache_hit")"
    done
    for name in redis_hmget echo redis_hmget_pipeline16 redis_get_pipeline16 redis_hmget_pipeline100; do
        print_medians "${name}_rows_per_s" "${name}_p50_us" "${name}_p99_us"
    done
    for each in "${open_suffixes[@]}"; do
        print_medians "open_idle${each}_p99_us" "open_ingest${each}_p99_us"
        printf '%s=%s\n' "open_ingest${each}_events_per_s" "$(median "open_ingest${each}_events_per_s")" \
            "open_ingest${each}_wanted_events_per_s" "$(median "open_ingest${each}_wanted_events_per_s")"
    done
    printf 'server_cpu_us_per_lookup=%s\n' "$(median lookup_cpu_us)"
    printf 'server_cpu_us_per_lookup_redis=%s\n' "$(median redis_hmget_cpu_us)"
    for each in '' _asof_1h; do
        ratios+=("lookup_vs_redis_hmget$each" "lookup_p99_vs_redis$each" "lookup_vs_echo$each"
            "pipeline16_vs_redis_hmget$each" "pipeline16_vs_redis_get_blob$each" "batch100_vs_redis_pipelined$each")
    done
    print_medians "${ratios[@]}" asof_vs_now
    for each in "${open_suffixes[@]}"; do print_medians "p99_under_ingest_vs_idle$each"; done
    if ((has_feast)); then print_feast; fi
}

main() {
    local run checked
    read_arguments "$@"
    prepare
    has_feast=0
    if feast_is_installed; then
        has_feast=1
    else
        say "Feast is not installed, so there will be no vs_feast lines: 'make setup-feast' installs it"
    fi
    start_redis
    start_broker
    start_strandline
    start_echo
    fill
    if ((has_feast)); then start_feast "127.0.0.1:$port" "127.0.0.1:$redis_port" "$keys"; fi
    for ((run = 1; run <= runs; run++)); do
        say "run $run"
        run_all
    done
    for ((run = 1; run <= runs; run++)); do run_under_ingest _usual; done
    open_suffixes=(_usual)
    if may_be_real_time; then
        open_suffixes+=(_usual_server '')
        run_in_real_time
    fi
    checked=$("$bench" check-replies "$work/samples" --address "127.0.0.1:$port" "${records[@]}") ||
        fail "replies are wrong" "$checked"
    print_all
    printf 'checked_%s\n' "$(tr ' ' '\n' <<<"$checked" | grep '^replies=')"
    tr ' ' '\n' <<<"$checked" | grep -E '^(nonempty|mismatches)='
}

main "$@"
