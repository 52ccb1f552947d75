#!/usr/bin/env bash
# Side by side with PyTorch: compare.sh [--rounds N] [--seconds S] [--only train|classify|latency] [RECIPE ...]
# Each round measures ours, PyTorch channels_first and PyTorch channels_last one after the other, so that a machine whose
# speed drifts slows all three; each round gives ratios, of which the median counts. Results: a table to stdout.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
rounds=5 seconds=3 only=()
while [[ ${1:-} == --* ]]; do
    case "$1" in
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --only) only=(--only "$2") ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ $# -gt 0 ] || set -- "$root/models/lenet.recipe"

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libcmocka-dev python3 python3-torch
build=${BUILD:-$root/build/release}
cmake -G Ninja -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCNN_TESTS=ON >&2
cmake --build "$build" --target cnn_bench >&2

# Every side gets the machine's own best kernels, and memory that it need not fetch from the system again at each step:
# without the latter PyTorch spends most of a small network's time in page faults.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
kept_memory=(MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456)
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# run SIDE THREADS VARIABLE=VALUE ... -- ARGUMENT ...: one measurement, on THREADS processors.
run() {
    local side=$1 threads=$2 environment=() program
    shift 2
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    case $side in
    cnn) program=("$build/tests/cnn-bench") ;;
    *) program=(/usr/bin/python3 "$root/tests/bench/torch_bench.py" --layout "$side") ;;
    esac
    env "${environment[@]}" OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads" \
        taskset --cpu-list "0-$((threads - 1))" "${program[@]}" --threads "$threads" --seconds "$seconds" --json "$@"
}

# record ROUND SIDE: one line of JSON as lines "ROUND SIDE MEASURE VALUE".
record() {
    tr -d '{}"' | tr ',' '\n' | awk -F: -v round="$1" -v side="$2" \
        '$1 ~ /^(train|classify|latency_|peak)/ && $2 > 0 { print round, side, $1, $2 }' >>"$results"
}

# For each measure: each side's median, and the median and the range of the rounds' ratios to the better layout.
summarize() {
    sort -k3,3 -k1,1n "$results" | awk '
        function sorted(list, n,   i, j, t) {
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && list[j] < list[j - 1]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
        }
        function median_of(side, measure,   n, list, round) {
            n = 0
            for (round = 0; round <= rounds; round++) if ((round, side, measure) in value) list[++n] = value[round, side, measure]
            sorted(list, n)
            return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
        }
        { value[$1, $2, $3] = $4; measures[$3]; if ($1 > rounds) rounds = $1 }
        END {
            split("train classify latency_p50_ms latency_p99_ms peak_mib", order, " ")
            for (m = 1; m <= 5; m++) {
                measure = order[m]
                if (!(measure in measures)) continue
                less = measure ~ /_/
                first = median_of("channels_first", measure); last = median_of("channels_last", measure)
                best = (less ? last <= first : last >= first) ? "channels_last" : "channels_first"
                n = 0; delete ratios
                for (round = 0; round <= rounds; round++)
                    if ((round, "cnn", measure) in value) ratios[++n] = value[round, "cnn", measure] / value[round, best, measure]
                sorted(ratios, n)
                middle = n % 2 ? ratios[(n + 1) / 2] : (ratios[n / 2] + ratios[n / 2 + 1]) / 2
                printf "%-15s %10.5g %15.5g %14.5g   %5.2f  [%.2f, %.2f]\n", measure, median_of("cnn", measure), first, last,
                    middle, ratios[1], ratios[n]
            }
        }'
}

echo "$(grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) processors; $rounds rounds of $seconds s"
for recipe in "$@"; do
    for threads in 1 2; do
        : >"$results"
        for ((round = 1; round <= rounds; round++)); do
            for side in cnn channels_first channels_last; do
                run $side $threads "${kept_memory[@]}" -- "$recipe" "${only[@]}" | sed 's/,"peak_mib[^}]*//' |
                    record "$round" $side
            done
        done
        # Memory as it is without those settings, of a process that only trains.
        for side in cnn channels_first channels_last; do
            run $side $threads -- "$recipe" --only train | sed -E 's/"train":[^,]*,//' | record 0 $side
        done
        echo
        echo "$(basename "$recipe"), threads $threads: images/s, ms, MiB"
        echo "                       cnn  torch ch. first  torch ch. last   cnn / better torch: median [range]"
        summarize
    done
done
