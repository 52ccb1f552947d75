#!/usr/bin/env bash
# Side by side with PyTorch (training) and ONNX Runtime (classifying, one image's latency):
# compare.sh [--rounds N] [--seconds S] [--only train|classify|latency] [--batches "64 256"] [--threads "1 2"]
#            [RECIPE ...]
# Each round measures all sides of every comparison one after the other, so that a machine whose speed drifts slows all
# of them; each round gives ratios, of which the median counts. Results: tables to stdout, progress to stderr.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tests/bench
rounds=5 seconds=1.5 only='' batches='64 256' threads_list='1 2'
while [[ ${1:-} == --* ]]; do
    case "$1" in
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    --only) only=$2 ;;
    --batches) batches=$2 ;;
    --threads) threads_list=$2 ;;
    *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[[ $only =~ ^(train|classify|latency)?$ ]] || { echo "$0: --only takes train, classify or latency" >&2; exit 2; }
[ $# -gt 0 ] || set -- "$root/models/lenet.recipe" "$here/vgg-small.recipe" "$root/models/cifar10-resnet20.recipe" \
    "$here/wide.recipe"

wants() { [ "${only:-$1}" = "$1" ]; }

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev python3 python3-torch util-linux
build=${BUILD:-$root/build/release}
cmake -G Ninja -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCNN_TESTS=ON >&2
cmake --build "$build" --target cnn_bench >&2
work=$build/compare
mkdir -p "$work"

# ONNX Runtime, and the networks in its format.
if wants classify || wants latency; then
    command -v npm >/dev/null || "$root/data/packages.sh" nodejs npm
    [ -e "$work/node_modules/onnxruntime-node/package.json" ] ||
        npm install --prefix "$work" --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0 >&2
    for recipe in "$@"; do
        /usr/bin/python3 "$here/torch_bench.py" "$recipe" --images 1 --export "$work/$(basename "$recipe" .recipe).onnx"
    done
fi

# Every side gets the machine's own best kernels, and memory that it need not fetch from the system again at each step:
# without the latter PyTorch spends most of a small network's time in page faults.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
kept_memory=(MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456)
results=$work/results.jsonl
: >"$results"

# measure MEASURE RECIPE THREADS BATCH SIDE ...: each side once, on THREADS processors; a line of JSON each to $results.
# The measure "memory" is training's, without kept memory, over few images: those that it trains on are not the point.
measure() {
    local measure=$1 recipe=$2 threads=$3 batch=$4 side program name environment options found
    name=$(basename "$recipe" .recipe)
    shift 4
    environment=(OMP_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads")
    options=(--threads "$threads" --batch "$batch" --seconds "$seconds" --json)
    if [ "$measure" = memory ]; then
        options+=(--only train --images 512)
    else
        options+=(--only "$measure")
        environment+=("${kept_memory[@]}")
    fi
    for side in "$@"; do
        case $side in
        cnn) program=("$build/tests/cnn-bench" "$recipe") ;;
        onnxruntime) program=(node "$here/onnx_bench.js" "$work/$name.onnx" --modules "$work/node_modules") ;;
        *) program=(/usr/bin/python3 "$here/torch_bench.py" "$recipe" --layout "$side") ;;
        esac
        found=$(env "${environment[@]}" taskset --cpu-list "0-$((threads - 1))" "${program[@]}" "${options[@]}")
        printf '{"network":"%s","measure":"%s","threads":%d,"batch":%d,"side":"%s","found":%s}\n' \
            "$name" "$measure" "$threads" "$batch" "$side" "$found" >>"$results"
    done
}

# measure_all RECIPE THREADS: a round's measures. Memory is the same in every round.
measure_all() {
    local training=(cnn channels_first channels_last) batch
    for batch in $batches; do
        if wants train; then
            measure train "$1" "$2" "$batch" "${training[@]}"
        fi
        if wants train && [ "$round" = 1 ]; then
            measure memory "$1" "$2" "$batch" "${training[@]}"
        fi
        if wants classify; then
            measure classify "$1" "$2" "$batch" cnn onnxruntime
        fi
    done
    if wants latency; then
        measure latency "$1" "$2" 1 cnn onnxruntime
    fi
}

for ((round = 1; round <= rounds; round++)); do
    for recipe in "$@"; do
        echo "round $round of $rounds: $recipe" >&2
        for threads in $threads_list; do
            measure_all "$recipe" "$threads"
        done
    done
done

echo "$(grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'), $(nproc) processors; $rounds rounds of $seconds s"
"$here/summarize.py" "$results"
