# Feast's get_historical_features beside a training set of an attribute view, for bench_training.sh, which sources this and
# feast.sh; from the checkout's root.
#
#   a filled topic --> a server of its own; the same records as a file --> Feast's file store, with Dask and with DuckDB
#
# Whole programs are compared, as with all rivals here: from a cold start, the labels' file to the result's. Beside it, call
# against call within processes that are warm, as in a notebook.
#
# Users are drawn evenly here: Feast's Dask plan joins every label with every event of its user before it looks at times.

feast_historical_stores="dask duckdb"
feast_historical_has_duckdb() { "$feast_python" -c 'import duckdb, ibis' 2>/dev/null; }

# least_feast FIGURE: of the last run, the faster store's.
least_feast() {
    local store
    for store in $feast_historical_stores; do last "feast_historical_${store}_$1"; done | sort -g | head -n 1
}

# feast_historical EVENTS LABELS KEYS RUNS
feast_historical() {
    local events=$1 labels=$2 keys=$3 runs=$4 folder=$work/feast run store text port=$((port + 1)) strandline_pid bootstrap
    local work=$folder rivals=() values=$work/values
    local -a records=(--records "$events" --keys "$keys" --uniform --days 180 --record-bytes "$record_bytes"
        --until "$until_us" --seed 5)
    feast_historical_has_duckdb || feast_historical_stores=dask
    mkdir "$folder"
    ln -s "$values" "$folder/values"
    "$bench" record-columns "$folder/events.bin" "${records[@]}"
    training files --columns "$folder/events.bin" --out "$folder" --labels "$labels" --seed "$seed" --hot "$keys"
    start_broker
    start_strandline
    fill 0 "$events"
    for store in $feast_historical_stores; do
        "$feast_python" Benchmarks/feast_historical.py apply --repo "$folder/$store" --store "$store" \
            --events "$folder/events.parquet" >"$folder/$store.err" 2>&1 ||
            fail "Feast's definitions were not applied: $(tail -n 5 "$folder/$store.err")"
    done
    for ((run = 1; run <= runs; run++)); do
        say "Feast's historical features, run $run"
        # Feast counts an event at a label's own time.
        ours feast_ours labels latest --boundary inclusive
        for store in $feast_historical_stores; do
            text=$(training run -- "$feast_python" Benchmarks/feast_historical.py run --repo "$folder/$store" \
                --labels "$folder/labels.parquet" --out "$folder/$store.parquet" 2>"$folder/$store.err") ||
                fail "Feast failed: $(tail -n 5 "$folder/$store.err")"
            # What the program prints goes to standard error there. The second call is in the whole program's time too.
            note "feast_historical_${store}_call_s" "$(value seconds "$(<"$folder/$store.err")")"
            note "feast_historical_${store}_warm_call_s" "$(value warm_seconds "$(<"$folder/$store.err")")"
            note "feast_historical_${store}_s" "$(difference "$(value wall_s "$text")" \
                "$(last "feast_historical_${store}_warm_call_s")")"
            say "  Feast with $store: $(last "feast_historical_${store}_s") s, its call" \
                "$(last "feast_historical_${store}_call_s") s, then $(last "feast_historical_${store}_warm_call_s") s"
        done
        note feast_historical_s "$(least_feast s)"
        note feast_historical_warm_call_s "$(least_feast warm_call_s)"
        note feast_ours_warm_call_s "$(value warm_seconds "$(PYTHONPATH=python/src "$python" Benchmarks/training_call.py \
            --address "127.0.0.1:$port" --service latest --labels "$folder/labels.parquet" \
            --out "$folder/call.parquet")")"
        say "  our Python client's call, warm: $(last feast_ours_warm_call_s) s"
        ratio vs_feast_historical feast_historical_s feast_ours_wall_s
        ratio vs_feast_historical_warm_call feast_historical_warm_call_s feast_ours_warm_call_s
    done
    for store in $feast_historical_stores; do rivals+=("$folder/$store.parquet"); done
    "$python" Benchmarks/latest_value.py check --ours "$folder/feast_ours.parquet" --rivals "${rivals[@]}" \
        --may-drop >"$folder/checked" || fail "Feast's values differ from ours"
    say "  $(<"$folder/checked")"
}

print_feast_historical() {
    local store
    print_medians feast_ours_wall_s feast_ours_warm_call_s
    for store in $feast_historical_stores; do
        print_medians "feast_historical_${store}_s" "feast_historical_${store}_call_s" \
            "feast_historical_${store}_warm_call_s"
    done
    tr ' ' '\n' <"$work/feast/checked" | sed 's/^/feast_historical_/'
    print_medians vs_feast_historical_warm_call vs_feast_historical
}
