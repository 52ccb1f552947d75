#!/usr/bin/env bash
# Whether the algorithm of the convolutions changes what is learnt: accuracy.sh --data SPEC [--seeds N] [--epochs N]
# [--set K=V ...] [--threads N] [--out DIR] RECIPE
# Trains the recipe with each algorithm in every convolution, once a seed, and evaluates each model on the data set's test
# images: a last figure, by which nothing is chosen. DIR (accuracy-RECIPE) keeps the models and results: the same call goes on
# where an earlier one was stopped. Results: a line a run and a table to stdout; training's own words to DIR/*.log.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
usage() {
    [ $# -eq 0 ] || echo "$0: $*" >&2
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
}

data='' seeds=5 out='' train=()
while [[ ${1:-} == --* ]]; do
    [ $# -ge 2 ] || usage "$1 needs a value"
    case "$1" in
    --data) data=$2 ;;
    --seeds) seeds=$2 ;;
    --out) out=$2 ;;
    --epochs | --set | --threads) train+=("$1" "$2") ;;
    *) usage "there is no option $1" ;;
    esac
    shift 2
done
[ $# -eq 1 ] || usage "one recipe is needed"
[ -n "$data" ] || usage "--data is needed"
[[ $seeds =~ ^[1-9][0-9]*$ ]] || usage "--seeds takes a number"
recipe=$1
out=${out:-accuracy-$(basename "$recipe" .recipe)}
cnn=${CNN:-$root/build/release/cnn}
[ -x "$cnn" ] || { echo "$0: there is no $cnn: build it, or name another with CNN=..." >&2; exit 2; }

# Results of different trainings must not be mixed. The number of seeds may grow, and threads change nothing.
mkdir -p "$out"
settings=$(echo "data=$data"; printf '%s\n' "${train[@]}" | awk '$0 == "--threads" { getline; next } { print }'; cat "$recipe")
if [ ! -e "$out/settings" ]; then
    printf '%s\n' "$settings" >"$out/settings"
elif [ "$settings" != "$(cat "$out/settings")" ]; then
    echo "$0: $out has results of another recipe, data or options: name another folder with --out, or remove it" >&2
    exit 1
fi

# force ALGORITHM: the recipe with it in every convolution that it can compute, and im2col, which computes all, in the others.
force() {
    local copy=$out/$1.recipe line refused
    sed -E -e '/^[ \t]*conv([ \t#]|$)/ { s/[ \t]+algorithm=[a-z0-9]+//; s/conv/conv algorithm='"$1"'/ }' "$recipe" >"$copy"
    while ! refused=$("$cnn" info "$copy" 2>&1 >/dev/null); do
        line=$(sed -nE 's/.*\.recipe:([0-9]+):[0-9]+: conv: algorithm='"$1"' .*/\1/p' <<<"$refused")
        [ -n "$line" ] || { echo "$refused" >&2; exit 1; }
        sed -i "${line}s/algorithm=$1/algorithm=im2col/" "$copy"
    done
    if ! grep -q "algorithm=$1" "$copy"; then
        echo "$0: no convolution of $recipe can be computed with algorithm=$1" >&2
        exit 1
    fi
}

# run ALGORITHM SEED: trains and evaluates, unless that is done.
run() {
    local name=$out/$1-$2 resume=()
    [ ! -e "$name.json" ] || return 0
    [ ! -e "$name.checkpoint" ] || resume=(--resume)
    if [ ! -e "$name.safetensors" ] || [ ${#resume[@]} -gt 0 ]; then
        "$cnn" train "$out/$1.recipe" --data "$data" --seed "$2" --out "$name.safetensors" "${train[@]}" "${resume[@]}" \
            >>"$name.log" 2>&1 || { tail -n 2 "$name.log" >&2; exit 1; }
    fi
    "$cnn" eval "$name.safetensors" --data "$data" --json >"$name.json.part"
    mv "$name.json.part" "$name.json"
}

for algorithm in im2col winograd; do
    force $algorithm
done
results=()
for ((seed = 1; seed <= seeds; seed++)); do
    for algorithm in im2col winograd; do
        run $algorithm "$seed"
        read -r accuracy images loss < <(
            sed -nE 's/.*"images":([0-9]+),.*"accuracy":([0-9.e-]+),.*"loss":([0-9.e-]+),.*/\2 \1 \3/p' \
                "$out/$algorithm-$seed.json" | awk '{ print 100 * $1, $2, $3 }'
        )
        results+=("$algorithm $accuracy")
        printf '%-8s  seed %d  %.2f%% of %d, loss %.4f\n' $algorithm "$seed" "$accuracy" "$images" "$loss"
    done
done
echo
printf '%s\n' "${results[@]}" | awk '
    { n[$1]++; sum[$1] += $2; squares[$1] += $2 ^ 2 }
    function row(name) {
        mean[name] = sum[name] / n[name]
        variance = n[name] > 1 ? (squares[name] - n[name] * mean[name] ^ 2) / (n[name] - 1) : 0
        spread = n[name] > 1 ? sprintf("%.3f", sqrt(variance > 0 ? variance : 0)) : "-"
        printf "| %s | %d | %.3f | %s |\n", name, n[name], mean[name], spread
    }
    END {
        print "| algorithm | runs | mean accuracy, % | standard deviation |"
        print "|---|---|---|---|"
        row("im2col")
        row("winograd")
        printf "| winograd - im2col | | %+.3f | |\n", mean["winograd"] - mean["im2col"]
    }'
