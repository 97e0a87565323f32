# What the benchmarks share. Sourced, from the checkout's root.

bench=${STRANDLINE_BENCH:-.build/release/strandline-bench}
strandline=${STRANDLINE:-.build/release/strandline}
work=
own_processes=()

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    shift
    (($#)) && printf '  next: %s\n' "$@" >&2
    exit 1
}

# Makes the folder for this run, under .bench: on the disk of the checkout, not in memory.
prepare() {
    [[ -x $bench ]] || fail "there is no $bench" "run 'make build'"
    mkdir -p .bench
    work=$(mktemp -d "$PWD/.bench/run.XXXXXX")
    mkdir "$work/values"
    trap clean_up EXIT
    trap 'exit 130' INT TERM
}

own_process() { own_processes+=("$1"); }

# end_process NUMBER: in order; with its exit status. Its number may be another's from then on.
end_process() {
    local process status=0
    local -a others=()
    for process in "${own_processes[@]}"; do [[ $process == "$1" ]] || others+=("$process"); done
    own_processes=("${others[@]}")
    kill -TERM "$1"
    wait "$1" || status=$?
    return "$status"
}

# Stops only what this script started, by its number.
clean_up() {
    local process
    for process in "${own_processes[@]}"; do kill "$process" 2>/dev/null || true; done
    for process in "${own_processes[@]}"; do wait "$process" 2>/dev/null || true; done
    [[ -n $work ]] && rm -rf "$work"
}

# wait_for_line FILE PATTERN SECONDS PROCESS ERRORS
wait_for_line() {
    local file=$1 pattern=$2 seconds=$3 process=$4 errors=$5 tick
    for ((tick = 0; tick < seconds * 10; tick++)); do
        grep -q "$pattern" "$file" 2>/dev/null && return
        kill -0 "$process" 2>/dev/null || fail "a process ended early: $(tail -n 5 "$errors")"
        sleep 0.1
    done
    fail "no line '$pattern' within $seconds s: $(tail -n 5 "$errors")"
}

# value NAME TEXT: what stands after NAME= in the text.
value() { grep -o "\\b$1=[^ ]*" <<<"$2" | head -n 1 | cut -d = -f 2; }

quotient() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'; }

# note NAME VALUE: one run's value of a figure.
note() { echo "$2" >>"$work/values/$1"; }

difference() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a - b }'; }

# median NAME: of the values noted so far.
median() {
    sort -g "$work/values/$1" | awk '
        { v[NR] = $1 }
        END { printf "%.10g\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Whether `serve --real-time` is permitted here, and a generator in real time.
may_be_real_time() {
    chrt --rr 1 true 2>/dev/null && return
    say "real time is not permitted here, so there will be the _usual lines alone"
    return 1
}

# print_medians NAME...: `name=median`, and its range over the runs, for each figure.
print_medians() {
    local name
    for name in "$@"; do
        sort -g "$work/values/$name" | awk -v name="$name" '
            { v[NR] = $1 }
            END {
                printf "%s_min=%s\n%s_max=%s\n%s_runs=%d\n", name, v[1], name, v[NR], name, NR
                printf "%s=%.10g\n", name, NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2
            }'
    done
}

print_machine() {
    printf 'machine=%s, %s cores, Linux %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
        "$(uname -r)"
    printf 'load_average=%s\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)"
}
