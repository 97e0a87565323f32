#!/usr/bin/env bash
# Training sets from Strandline beside Polars and DuckDB: the same events and labels, Parquet out, the same cells.
#
#   make bench-training ARGS="--events 10000000 --labels 1000000 --runs 3"
#   make bench-training ARGS="--only latest"
#
# One server is loaded once and stays up; another begins with an empty store each run and takes the events' file, as the
# rivals do. They take turns. Benchmarks/README.md says what each line means.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh
source Benchmarks/latest_value.sh
source Benchmarks/feast.sh
source Benchmarks/feast_historical.sh

python=${PYTHON:-.venv/bin/python}
events=10000000
labels=1000000
keys=100000
hot_events=1000000
runs=3
cells=10000
seed=1
port=7397
only="windows latest feast"
partitions=280
# What is sent before the server is waited for: the broker keeps 5 MiB of a partition.
part=5000000
record_bytes=130

usage() {
    cat <<'TEXT'
usage: bench_training.sh [--events N] [--labels N] [--keys K] [--hot-events N] [--runs N] [--cells N] [--seed S] [--port P]
                         [--only windows|latest|feast]
TEXT
}

read_arguments() {
    while (($#)); do
        case $1 in
            --events) events=$2; shift 2 ;;
            --labels) labels=$2; shift 2 ;;
            --keys) keys=$2; shift 2 ;;
            --hot-events) hot_events=$2; shift 2 ;;
            --runs) runs=$2; shift 2 ;;
            --cells) cells=$2; shift 2 ;;
            --seed) seed=$2; shift 2 ;;
            --port) port=$2; shift 2 ;;
            --only) only=$2; shift 2 ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; fail "unknown argument: $1" ;;
        esac
    done
}

wants() { [[ " $only " == *" $1 "* ]]; }

training() { "$python" Benchmarks/training.py "$@"; }

check_tools() {
    "$python" -c 'import duckdb, numpy, polars, pyarrow' 2>/dev/null ||
        fail "the rivals are not installed" "make setup"
    if (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port is taken" "choose another one with --port"; fi
}

start_broker() {
    mkfifo "$work/broker.in"
    "$bench" broker --topic payments --partitions "$partitions" --empty <"$work/broker.in" >"$work/broker.out" \
        2>"$work/broker.err" &
    own_process "$!"
    exec 3>"$work/broker.in" # the broker stays until this closes
    wait_for_line "$work/broker.out" '^bootstrap=' 30 "$!" "$work/broker.err"
    bootstrap=$(sed -n 's/^bootstrap=//p' "$work/broker.out")
}

start_strandline() {
    [[ -x $strandline ]] || fail "there is no $strandline" "run 'make build'"
    "$strandline" serve --repo Benchmarks/training_repo --data-dir "$work/store" --listen "127.0.0.1:$port" \
        --http-listen off --kafka "bootstrap.servers=$bootstrap" >"$work/serve.out" 2>"$work/serve.err" &
    strandline_pid=$!
    own_process "$strandline_pid"
    wait_for_line "$work/serve.out" "listening on 127.0.0.1:$port" 30 "$strandline_pid" "$work/serve.err"
}

events_taken_in() {
    "$strandline" status --address "127.0.0.1:$port" --output json |
        "$python" -c 'import json, sys; print(json.load(sys.stdin)["ingest"]["events"])'
}

wait_for_events() {
    local wanted=$1 tick
    for ((tick = 0; tick < 3000; tick++)); do
        (($(events_taken_in) >= wanted)) && return
        sleep 0.1
    done
    fail "the server took in $(events_taken_in) of $wanted events within five minutes" \
        "$strandline status --address 127.0.0.1:$port"
}

# fill FIRST END: sends some of the records, and waits until the server has them.
fill() {
    local first=$1 last=$2 end
    for (( ; first < last; first = end)); do
        end=$((first + part < last ? first + part : last))
        "$bench" produce-bench --bootstrap "$bootstrap" --topic payments "${records[@]}" --partitions "$partitions" \
            --first "$first" --count $((end - first)) >/dev/null
        wait_for_events "$end"
    done
}

# Events of one user more, who is a thousandth of the labels of labels_hot.parquet.
fill_hot() {
    "$bench" produce-bench --bootstrap "$bootstrap" --topic payments --records "$hot_events" --keys 1 \
        --first-key "$keys" --uniform --days 180 --record-bytes "$record_bytes" --until "$until_us" --seed 3 \
        --partitions "$partitions" >/dev/null
    wait_for_events $((events + hot_events))
}

# start_empty: a server that knows nothing and consumes nothing, on a port of the system's choice.
start_empty() {
    rm -f "$work/built.out"
    "$strandline" serve --repo Benchmarks/training_repo --data-dir "$work/built" --listen 127.0.0.1:0 --http-listen off \
        --no-ingest >"$work/built.out" 2>"$work/built.err" &
    empty_pid=$!
    own_process "$empty_pid"
    wait_for_line "$work/built.out" "listening on " 120 "$empty_pid" "$work/built.err"
    empty_address=$(sed -n 's/^listening on //p' "$work/built.out")
}

stop_empty() {
    kill "$empty_pid"
    wait "$empty_pid" || true
}

# From the events' file to the training set's, Parquet to Parquet; the server's start is not counted.
end_to_end() {
    rm -rf "$work/built"
    start_empty
    measure build "$strandline" materialize --source payments --from "$work/events.parquet" --address "$empty_address"
    measure built "$strandline" training-set --labels "$work/labels.parquet" --service twelve \
        --out "$work/end_to_end.parquet" --address "$empty_address"
    note build_seconds "$(last build_wall_s)"
    note build_bytes "$(du -sb "$work/built" | cut -f 1)"
    note end_to_end_wall_s "$(awk -v a="$(last build_wall_s)" -v b="$(last built_wall_s)" 'BEGIN { print a + b }')"
    say "  end to end: $(last build_wall_s) + $(last built_wall_s) s, $(last build_rss_kb) kB," \
        "$(last build_bytes) bytes on disk"
    stop_empty
}

# The store of the last run again, with nothing of it in memory: the server starts anew, and the kernel forgets its files
# where it lets us (or else some of them may still be there).
cold() {
    sync
    if (echo 3 >/proc/sys/vm/drop_caches) 2>/dev/null; then dropped=yes; else dropped=no; fi
    start_empty
    measure cold "$strandline" training-set --labels "$work/labels.parquet" --service twelve \
        --out "$work/cold.parquet" --address "$empty_address"
    cmp -s "$work/cold.parquet" "$work/end_to_end.parquet" || fail "a cold store gave another training set"
    stop_empty
}

memory_kb() { sed -n "s/^$1:[[:space:]]*\([0-9]*\) kB/\1/p" "/proc/$strandline_pid/status"; }
server_ticks() { awk '{ print $14 + $15 }' "/proc/$strandline_pid/stat"; }

# measure NAME COMMAND...: notes wall_s, cpu_s and rss_kb under NAME_....
measure() {
    local name=$1 text
    shift
    text=$(training run -- "$@") || fail "$name failed" "${*}"
    note "${name}_wall_s" "$(value wall_s "$text")"
    note "${name}_cpu_s" "$(value cpu_s "$text")"
    note "${name}_rss_kb" "$(value rss_kb "$text")"
}

last() { tail -n 1 "$work/values/$1"; }
ratio() { note "$1" "$(quotient "$(last "$2")" "$(last "$3")")"; }

# ours NAME LABELS [SERVICE OPTION...]: command and server together; the server's memory is what it grew by at most.
ours() {
    local name=$1 labels=$2 service=${3:-twelve} before ticks grown
    shift $(($# < 3 ? $# : 3))
    before=$(memory_kb VmRSS)
    ticks=$(server_ticks)
    echo 5 >"/proc/$strandline_pid/clear_refs" # the peak begins anew
    measure "$name" "$strandline" training-set --labels "$work/$labels.parquet" --service "$service" \
        --out "$work/$name.parquet" --address "127.0.0.1:$port" "$@"
    grown=$(($(memory_kb VmHWM) - before))
    note "${name}_server_grown_kb" "$((grown > 0 ? grown : 0))"
    note "${name}_server_cpu_s" "$(awk -v t="$(($(server_ticks) - ticks))" -v hz="$(getconf CLK_TCK)" \
        'BEGIN { printf "%.2f", t / hz }')"
    note "${name}_memory_kb" "$(($(last "${name}_rss_kb") + $(last "${name}_server_grown_kb")))"
    say "  $name: $(last "${name}_wall_s") s, processor $(last "${name}_cpu_s") + $(last "${name}_server_cpu_s") s," \
        "$(last "${name}_rss_kb") + $(last "${name}_server_grown_kb") kB"
}

rival() {
    local library=$1 plan=$2
    measure "${library}_$plan" "$python" Benchmarks/training.py "$library" "$plan" --data "$work" \
        --out "$work/${library}_$plan.parquet"
    say "  $library $plan: $(last "${library}_${plan}_wall_s") s, $(last "${library}_${plan}_rss_kb") kB"
}

run_all() {
    ours ours labels
    end_to_end
    rival polars rolling
    rival duckdb cumulative
    ours ours labels
    rival duckdb window
    ratio training_vs_polars polars_rolling_wall_s ours_wall_s
    # The faster of its plans.
    note duckdb_wall_s "$(printf '%s\n' "$(last duckdb_cumulative_wall_s)" "$(last duckdb_window_wall_s)" | sort -g |
        head -n 1)"
    ratio training_vs_duckdb duckdb_wall_s ours_wall_s
    ratio end_to_end_vs_polars polars_rolling_wall_s end_to_end_wall_s
    ratio end_to_end_vs_duckdb duckdb_wall_s end_to_end_wall_s
    # The plan that takes least memory is not the fastest one.
    ratio training_rss_vs_duckdb ours_memory_kb duckdb_window_rss_kb
}

windows() {
    local run
    say "a tenth of the events"
    for ((run = 1; run <= 2; run++)); do ours tenth labels; done
    fill $((events / 10)) "$events"
    say "all $events events"
    for ((run = 1; run <= runs; run++)); do
        say "run $run"
        run_all
    done
    training check --data "$work" --ours "$work/ours.parquet" --cells "$cells" --seed "$seed" \
        --rivals "$work/polars_rolling.parquet" "$work/duckdb_cumulative.parquet" "$work/duckdb_window.parquet" \
        >"$work/checked" || fail "the training sets differ"
    training check --data "$work" --ours "$work/end_to_end.parquet" --cells "$cells" --seed "$seed" \
        --rivals "$work/polars_rolling.parquet" "$work/duckdb_cumulative.parquet" "$work/duckdb_window.parquet" \
        >"$work/checked_built" || fail "the training sets made of the events' file differ"
    cold
}

hot_user() {
    local run
    fill_hot
    say "and $hot_events events of one user more"
    for ((run = 1; run <= runs; run++)); do
        ours plain labels
        ours hot labels_hot
        ratio training_hot_user_time hot_wall_s plain_wall_s
    done
}

print_windows() {
    print_medians ours_wall_s ours_cpu_s ours_server_cpu_s ours_rss_kb ours_server_grown_kb
    print_medians polars_rolling_wall_s polars_rolling_rss_kb duckdb_cumulative_wall_s duckdb_cumulative_rss_kb \
        duckdb_window_wall_s duckdb_window_rss_kb
    cat "$work/checked"
    sed 's/^/end_to_end_/' "$work/checked_built"
    print_medians build_seconds build_bytes build_cpu_s build_rss_kb end_to_end_wall_s
    printf 'caches_dropped=%s\ntraining_cold_seconds=%s\n' "$dropped" "$(last cold_wall_s)"
    printf 'training_rss_10x_events=%s\n' "$(quotient "$(median ours_memory_kb)" "$(median tenth_memory_kb)")"
    print_medians end_to_end_vs_duckdb end_to_end_vs_polars
    print_medians training_hot_user_time training_rss_vs_duckdb training_vs_duckdb training_vs_polars
}

main() {
    read_arguments "$@"
    prepare
    check_tools
    until_us=$(date +%s)000000
    if wants feast && ! feast_is_installed; then
        say "Feast is not installed (make setup-feast): no line vs_feast_historical"
        only=${only//feast/}
    fi
    if wants windows || wants latest; then
        records=(--records "$events" --keys "$keys" --cubic --days 180 --record-bytes "$record_bytes" --until "$until_us")
        "$bench" record-columns "$work/events.bin" "${records[@]}"
        training files --columns "$work/events.bin" --out "$work" --labels "$labels" --seed "$seed" --hot "$keys"
        start_broker
        exec 4>&3 # this one stays too when the other part starts its own
        start_strandline
        fill 0 $((events / 10))
        if wants windows; then windows; else fill $((events / 10)) "$events"; fi
        if wants latest; then latest_value "$runs"; fi
        if wants windows; then hot_user; fi
    fi
    # A tenth of the sizes: Feast's own answers are slow.
    if wants feast; then feast_historical $((events / 10)) $((labels / 10)) "$keys" "$runs"; fi
    print_machine
    if wants windows; then print_windows; fi
    if wants latest; then print_latest_value; fi
    if wants feast; then print_feast_historical; fi
}

main "$@"
