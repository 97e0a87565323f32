#!/usr/bin/env bash
# What one entity's windows cost: adding events in order and late, reading long windows over few and many events, and the
# bytes that events and entities take.
#
#   make bench-windows ARGS="--runs 5"
#
# Benchmarks/README.md says what each line means.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source Benchmarks/common.sh

runs=5

main() {
    while (($#)); do
        case $1 in
            --runs) runs=$2; shift 2 ;;
            -h | --help) echo "usage: bench_windows.sh [--runs N]"; exit 0 ;;
            *) fail "unknown argument: $1" "see bench_windows.sh --help" ;;
        esac
    done
    prepare
    local run line names=()
    for ((run = 1; run <= runs; run++)); do
        say "run $run of $runs"
        while read -r line; do
            note "${line%%=*}" "${line#*=}"
            ((run > 1)) || names+=("${line%%=*}")
        done < <("$bench" windows --data "$work/store")
        rm -rf "$work/store"
    done
    ((${#names[@]})) || fail "strandline-bench windows printed nothing"
    print_machine
    print_medians "${names[@]}"
}

main "$@"
