# Feast's own feature server beside ours, for bench_lookup.sh, which sources this and common.sh; from the checkout's root.
#
#   feast_fill.py    our values as of one T --> Feast's online store
#   feast serve      --> feast_check.py, then load from as many connections as it likes best

feast_python=.venv-feast-0.67.0/bin/python
# Which of them is faster depends on the machine, so each is tried, with each count of connections.
feast_stores="redis sqlite"
feast_connections="1 4 8 16 64"
feast_workers=$(nproc)
# The first of the stores; the others have the ports after it.
feast_port=7395
feast_checked=
# What is asked for, by reference: Feast takes twice as long for one entity when it has to look up a feature service first.
feast_features=
declare -A feast_addresses feast_store_of feast_connections_of

feast_is_installed() {
    [[ -x $feast_python ]] && "$feast_python" -c '
from importlib.util import find_spec
raise SystemExit(not (find_spec("feast") and find_spec("redis")))'
}

in_feast() { PYTHONPATH=python/src "$feast_python" "$@"; }

# start_feast OURS REDIS KEYS: fills Feast from our server and serves it from each of the stores.
start_feast() {
    local store port=$feast_port
    for store in $feast_stores; do
        serve_feast "$store" "$port" "$@"
        feast_addresses[$store]=127.0.0.1:$port
        port=$((port + 1))
    done
    choose_feast 1row 1 "$3"
    choose_feast 100rows 100 "$3"
}

# serve_feast STORE PORT OURS REDIS KEYS: in its fastest setting: no access log, workers that are not started anew after a
# thousand requests, a registry that is not read again. Its values are checked against ours.
serve_feast() {
    local store=$1 port=$2 ours=$3 redis=$4 keys=$5 folder=$work/feast_$1 filled checked
    local -a online=()
    [[ $store == redis ]] && online=(--redis "$redis")
    check_free "$port" --feast-port
    filled=$(in_feast Benchmarks/feast_fill.py --from "$ours" --repo "$folder" --keys "$keys" "${online[@]}" \
        2>"$folder.err") || fail "Feast's $store was not filled: $(tail -n 5 "$folder.err")"
    say "feast $store: $filled"
    feast_features=$(value features "$filled")
    "$feast_python" -c 'from feast.cli.cli import cli; cli()' --chdir "$folder" serve --host 127.0.0.1 --port "$port" \
        --workers "$feast_workers" --no-access-log --max-requests 1000000000 --registry_ttl_sec 86400 \
        >"$folder.out" 2>"$folder.err" &
    own_process "$!"
    wait_for_line "$folder.err" 'Application startup complete' 60 "$!" "$folder.err"
    checked=$(in_feast Benchmarks/feast_check.py --feast "127.0.0.1:$port" --strandline "$ours" --keys "$keys" \
        --as-of "$(value as_of "$filled")" 2>"$folder.check") ||
        fail "the replies of Feast's $store are wrong: $checked" "$(tail -n 5 "$folder.check")"
    say "feast $store: $checked"
    feast_checked+="$checked "
}

# choose_feast SIZE ROWS KEYS: looks for the store and the connection count with which Feast answers most.
choose_feast() {
    local size=$1 rows=$2 keys=$3 store count text rate best=0
    for store in $feast_stores; do
        for count in $feast_connections; do
            text=$("$bench" load --protocol http --address "${feast_addresses[$store]}" --rows "$rows" --keys "$keys" \
                --features "$feast_features" --connections "$count" --seconds 2)
            say "  feast $store, $rows a request, $count connections: $(tr '\n' ' ' <<<"$text")"
            rate=$(value req_per_s "$text")
            if ((rate > best)); then
                best=$rate
                feast_store_of[$size]=$store
                feast_connections_of[$size]=$count
            fi
        done
    done
    ((best > 0)) || fail "Feast answered nothing to requests of $rows entities"
}

# run_feast SIZE ROWS CONNECTIONS OURS: one run of Feast, and one of our own HTTP side from so many connections; both have the
# same contract and are asked the same. OURS names the figure of the binary protocol, taken shortly before.
run_feast() {
    local size=$1 rows=$2 connections=$3 ours=$4
    local -a asked=(--protocol http --features "$feast_features" --rows "$rows")
    if ((!has_feast)); then return; fi
    load "feast_$size" '' "${feast_addresses[${feast_store_of[$size]}]}" "${asked[@]}" \
        --connections "${feast_connections_of[$size]}"
    load "http_$size" "$strandline_pid" "127.0.0.1:$http_port" "${asked[@]}" --connections "$connections"
    ratio "vs_feast_$size" "$ours" "feast_${size}_rows_per_s"
    ratio "vs_feast_http_$size" "http_${size}_rows_per_s" "feast_${size}_rows_per_s"
}

print_feast() {
    local each size
    for each in feast_1row feast_100rows http_1row http_100rows; do
        print_medians "${each}_rows_per_s" "${each}_p50_us" "${each}_p99_us"
    done
    for size in 1row 100rows; do
        printf 'feast_%s_setting=%s, %s workers, %s connections\n' "$size" "${feast_store_of[$size]}" "$feast_workers" \
            "${feast_connections_of[$size]}"
    done
    tr ' ' '\n' <<<"$feast_checked" | awk -F = '/^feast_/ { n[$1] += $2 } END { for (each in n) print each "=" n[each] }'
    print_medians vs_feast_http_1row vs_feast_http_100rows vs_feast_1row vs_feast_100rows
}
