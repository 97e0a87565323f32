#!/usr/bin/env bash
# Lookups of 10 window features from Strandline beside HMGET of 10 fields from Redis, both through one load generator.
#
#   make bench-lookup ARGS="--keys 100000 --events 20 --runs 5 --seconds 5"
#
# Both servers hold the same values and stay up; they take turns under load. Benchmarks/README.md says more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh

keys=100000
events=20
runs=5
seconds=5
redis_port=7399
port=7398
# What is sent before the server is waited for: its broker keeps 5 MiB for each of the topic's 4 partitions.
part=60000
record_bytes=130

usage() { echo 'usage: bench_lookup.sh [--keys K] [--events PER_ENTITY] [--runs N] [--seconds S] [--port P] [--redis-port P]'; }

read_arguments() {
    while (($#)); do
        case $1 in
            --keys) keys=$2; shift 2 ;;
            --events) events=$2; shift 2 ;;
            --runs) runs=$2; shift 2 ;;
            --seconds) seconds=$2; shift 2 ;;
            --port) port=$2; shift 2 ;;
            --redis-port) redis_port=$2; shift 2 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; fail "unknown argument: $1" ;;
        esac
    done
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

start_strandline() {
    [[ -x $strandline ]] || fail "there is no $strandline" "run 'make build'"
    check_free "$port" --port
    "$strandline" serve --repo Benchmarks/lookup_repo --data-dir "$work/store" --listen "127.0.0.1:$port" \
        --http-listen off --embedded-broker >"$work/serve.out" 2>"$work/serve.err" &
    strandline_pid=$!
    own_process "$strandline_pid"
    wait_for_line "$work/serve.out" "listening on 127.0.0.1:$port" 30 "$strandline_pid" "$work/serve.err"
    bootstrap=$(grep -o 'bootstrap=[^ ]*' "$work/serve.out" | head -n 1 | cut -d = -f 2)
    [[ -n $bootstrap ]] || fail "the server did not tell its broker's address" "look at: $strandline serve --help"
}

ingested_events() {
    "$strandline" status --address "127.0.0.1:$port" --output json |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["ingest"]["events"])'
}

wait_for_events() {
    local wanted=$1 tick
    for ((tick = 0; tick < 600; tick++)); do
        (($(ingested_events) >= wanted)) && return
        sleep 0.1
    done
    fail "the server took in $(ingested_events) of $wanted events within a minute" "$strandline status --address 127.0.0.1:$port"
}

fill() {
    local total=$((keys * events)) until_us first end
    until_us=$(date +%s)000000
    for ((first = 0; first < total; first = end)); do
        end=$((first + part < total ? first + part : total))
        "$bench" produce-bench --bootstrap "$bootstrap" --topic payments --records "$total" --keys "$keys" --uniform \
            --record-bytes "$record_bytes" --until "$until_us" --first "$first" --count $((end - first)) >/dev/null
        wait_for_events "$end"
    done
    say "the server holds $total events of $keys entities"
    say "$("$bench" fill-redis --from "127.0.0.1:$port" --redis "127.0.0.1:$redis_port" --service ten --keys "$keys")"
}

# measure NAME PROTOCOL PORT PROCESS CONNECTIONS: one run; notes its figures under NAME_..._cCONNECTIONS.
measure() {
    local name=$1 protocol=$2 port=$3 process=$4 connections=$5 text
    text=$("$bench" load --protocol "$protocol" --address "127.0.0.1:$port" --connections "$connections" \
        --seconds "$seconds" --keys "$keys" --server-pid "$process")
    say "  $protocol, $connections connections: $(tr '\n' ' ' <<<"$text")"
    rate=$(value req_per_s "$text")
    note "${name}_req_per_s_c$connections" "$rate"
    note "${name}_p50_us_c$connections" "$(value p50_us "$text")"
    note "${name}_p99_us_c$connections" "$(value p99_us "$text")"
    note "${name}_cpu_us_c$connections" "$(value server_cpu_us_per_request "$text")"
}

run_pair() {
    local connections=$1 redis
    measure redis_hmget redis "$redis_port" "$redis_pid" "$connections"
    redis=$rate
    measure lookup strandline "$port" "$strandline_pid" "$connections"
    note "lookup_vs_redis_c$connections" "$(quotient "$rate" "$redis")"
}

# 64 connections are the headline: their figures carry the plain names.
name_headline() {
    local name
    for name in lookup_req_per_s redis_hmget_req_per_s lookup_vs_redis lookup_p50_us lookup_p99_us redis_hmget_p50_us \
        redis_hmget_p99_us lookup_cpu_us redis_hmget_cpu_us; do
        mv "$work/values/${name}_c64" "$work/values/$name"
    done
}

main() {
    local figure
    local -a figures=(redis_hmget_p50_us lookup_p50_us redis_hmget_p99_us lookup_p99_us redis_hmget_cpu_us lookup_cpu_us
        redis_hmget_req_per_s lookup_req_per_s lookup_vs_redis)
    read_arguments "$@"
    prepare
    start_redis
    start_strandline
    fill
    for ((run = 1; run <= runs; run++)); do
        say "run $run"
        run_pair 16
        run_pair 64
    done
    name_headline
    print_machine
    for figure in "${figures[@]}"; do print_medians "${figure}_c16"; done
    print_medians "${figures[@]}"
}

main "$@"
