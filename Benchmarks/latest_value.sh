# The newest value of each label's user, beside ASOF joins, for bench_training.sh, which sources this; from the checkout's root.
#
#   the loaded server, the events' file   --> ours, duckdb, polars, ours, ... --> latest_value.py check

latest_plans="duckdb_asof duckdb_window polars_asof"

# latest_value RUNS: as many runs of each, in turns; all files must hold the same bits.
latest_value() {
    local run plan rivals=()
    for ((run = 1; run <= $1; run++)); do
        say "latest value, run $run"
        ours latest_ours labels latest
        for plan in $latest_plans; do
            measure "latest_$plan" "$python" Benchmarks/latest_value.py "$plan" --data "$work" --out "$work/latest_$plan.parquet"
            say "  $plan: $(last "latest_${plan}_wall_s") s, $(last "latest_${plan}_rss_kb") kB"
        done
        note latest_rival_wall_s "$(for plan in $latest_plans; do last "latest_${plan}_wall_s"; done | sort -g | head -n 1)"
        ratio latest_value_vs_duckdb_asof latest_rival_wall_s latest_ours_wall_s
    done
    for plan in $latest_plans; do rivals+=("$work/latest_$plan.parquet"); done
    "$python" Benchmarks/latest_value.py check --ours "$work/latest_ours.parquet" --rivals "${rivals[@]}" \
        >"$work/latest_checked" || fail "the latest values differ"
    say "  $(<"$work/latest_checked")"
}

print_latest_value() {
    local plan
    print_medians latest_ours_wall_s latest_ours_cpu_s latest_ours_server_cpu_s latest_ours_memory_kb
    for plan in $latest_plans; do print_medians "latest_${plan}_wall_s" "latest_${plan}_rss_kb"; done
    tr ' ' '\n' <"$work/latest_checked" | sed 's/^/latest_/'
    print_medians latest_value_vs_duckdb_asof
}
