#!/usr/bin/env bash
# Fuzzes for a time: `tests/fuzz/run.sh [TARGET ...] [--seconds N]`, one target after the other, all of them and a minute
# each unless told otherwise. Builds first. Each target goes on with the inputs it found before, kept and reduced to the
# necessary ones in build/fuzz/corpus/TARGET; then what these reach is measured, and a table printed, in which executions
# and seconds are those of all runs so far (build/fuzz/corpus/TARGET.runs). What is found lies in build/fuzz/findings, and
# makes the exit status 1.
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
tree=$source_dir/build/fuzz
coverage=$source_dir/build/fuzz-coverage
fuzz=$source_dir/tests/fuzz
llvm=/usr/lib/llvm-14/bin

# The files whose lines count as a target's parser.
declare -A parsers=(
    [model]="net/modelfile_read.c net/modelfile.c net/metadata.c net/calibration.c"
    [checkpoint]="train/checkpoint.c train/inspector_save.c net/modelfile_read.c"
    [recipe]="net/recipe.c net/recipe_line.c net/recipe_edit.c net/recipe_forms.c base/option.c base/number.c net/network.c"
    [idx]="data/idx.c data/stream.c"
    [cifar10]="data/cifar10.c"
    [image]="image/image.c image/stb.c image/jpeg.c image/png.c image/bmp.c image/exif.c image/convert.c image/digit.c
        image/figure.c image/ink.c image/place.c"
    [command]="cli/args.c cli/main.c cli/compare_grid.c"
)

targets=()
seconds=60
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=${2:?"--seconds needs a number"}; shift ;;
        --*) echo "$0: unknown option $1" >&2; exit 2 ;;
        *) [ -n "${parsers[$1]:-}" ] || { echo "$0: no target $1; there are ${!parsers[*]}" >&2; exit 2; }
            targets+=("$1") ;;
    esac
    shift
done
[ ${#targets[@]} -gt 0 ] || targets=(recipe model checkpoint idx cifar10 image command)

"$source_dir/data/packages.sh" clang libclang-rt-14-dev llvm-14 cmake ninja-build pkg-config libopenblas-dev libstb-dev \
    zlib1g-dev libjansson-dev libpng-dev
build() {
    cmake -G Ninja -S "$source_dir" -B "$1" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DCNN_TESTS=ON \
        -DCNN_FUZZ="$2" >/dev/null
    cmake --build "$1" --target fuzz -- --quiet
}
build "$tree" ON
build "$coverage" coverage

# As ctest has it, but for the time that an input may take.
export OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=quarantine_size_mb=4
mkdir -p "$tree/findings"

# The last value that a log has for a name.
value() {
    sed -n "s/^$2:* *//p" "$1" | tail -n 1
}

# The options that ctest runs the target with, and the folders of its seeds.
options_of() {
    sed -n "s/^$1 //p" "$tree/tests/fuzz/options"
}

run() {
    local target=$1 corpus=$tree/corpus/$1 log=$tree/$1.log options seeds
    read -ra options <<<"$(options_of "$target")"
    mkdir -p "$corpus"
    mapfile -t seeds < <(find "$tree/tests/fuzz/seeds/$target" "$fuzz/seeds/$target" "$fuzz/regressions/$target" \
        -maxdepth 0 2>/dev/null)
    TIMEFORMAT='cpu %U %S'
    { time "$tree/tests/fuzz/fuzz_$target" "${options[@]}" -max_total_time="$seconds" -timeout=60 -print_final_stats=1 \
        -artifact_prefix="$tree/findings/$target-" "$corpus" "${seeds[@]}"; } >"$log" 2>&1 || failed=1
    echo "$(value "$log" stat::number_of_executed_units) $(value "$log" cpu)" >>"$corpus.runs"
    rm -rf "$corpus.merged"
    mkdir "$corpus.merged"
    "$tree/tests/fuzz/fuzz_$target" "${options[@]}" -merge=1 "$corpus.merged" "$corpus" "${seeds[@]}" \
        >"$tree/$target.merge.log" 2>&1 || failed=1
    rm -rf "$corpus"
    mv "$corpus.merged" "$corpus"
}

# "88.4%": of the lines of the target's parser, what its inputs reach.
measure() {
    local target=$1 profile=$coverage/$1
    LLVM_PROFILE_FILE=$profile.raw "$coverage/tests/fuzz/fuzz_$target" -runs=0 "$tree/corpus/$target" >/dev/null 2>&1
    "$llvm/llvm-profdata" merge -o "$profile.profile" "$profile.raw"
    "$llvm/llvm-cov" report -instr-profile="$profile.profile" "$coverage/tests/fuzz/fuzz_$target" |
        awk -v files=" $(echo ${parsers[$target]}) " '
            sub(/^.*src\//, "", $1) && index(files, " " $1 " ") { lines += $8; missed += $9 }
            END { printf "%.1f%% of %d", 100 * (lines - missed) / lines, lines }'
}

failed=0
table='%-10s %12s %8s %7s %7s %16s %6s %10s %8s\n'
printf "$table" target executions a_second cpu_s edges lines inputs peak_heap findings
for target in "${targets[@]}"; do
    run "$target"
    log=$tree/$target.log
    read -r executions cpu < <(awk '{ n += $1; s += $2 + $3 } END { printf "%.0f %.0f\n", n, s }' "$tree/corpus/$target.runs")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    printf "$table" "$target" "$executions" $((executions / (cpu > 0 ? cpu : 1))) "$cpu" "$edges" "$(measure "$target")" \
        "$(find "$tree/corpus/$target" -type f | wc -l)" "$(value "$log" stat::peak_heap_bytes)" \
        "$(find "$tree/findings" -name "$target-*" | wc -l)"
done
exit "$failed"
