#!/usr/bin/env bash
# One study of the evidence: `models/studies/run.sh NAME DATA DIR [--quick]`, with a NAME of the table in README.md, DATA a
# data set as `cnn train` takes it (the table says which), and DIR for the results. A stopped study goes on when it is
# called again. --quick: a small part of the data and one seed, to see that it runs. CNN and BENCH name the programs
# (default: build/cnn and cnn-bench in it), THREADS how many each may use (default: one a processor).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cnn=${CNN:-$here/../../build/cnn}
[ $# -ge 3 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
name=$1 data=$2 out=$3
quick=${4:-}
threads=(${THREADS:+--threads "$THREADS"})

# compare SEEDS RECIPE ... -- OPTION ...: into $out.
compare() {
    local seeds=$1 recipes=()
    shift
    while [ "$1" != -- ]; do
        recipes+=("$here/$1.recipe")
        shift
    done
    shift
    if [ -n "$quick" ]; then
        set -- "$@" --seeds 1 --epochs 1 --set images=300
        grep -q ' val=' "${recipes[0]}" && set -- "$@" --set val=300
    else
        set -- "$@" --seeds "$seeds"
    fi
    "$cnn" compare "${recipes[@]}" --data "$data" --out "$out" "${threads[@]}" "$@"
}

# look NAME RECIPE OPTION ...: the layers of an untrained network, from three seeds, into $out/NAME.md.
look() {
    local file=$out/$1.md recipe=$here/$2.recipe seeds="1 2 3" images=10000
    shift 2
    [ -z "$quick" ] || seeds=1 images=1000
    mkdir -p "$out"
    echo '| seed | layer | mean | deviation | zeros | gradient |' >"$file.new"
    echo '|---|---|---|---|---|---|' >>"$file.new"
    for seed in $seeds; do
        "$cnn" inspect "$recipe" --data "$data" --seed "$seed" --images "$images" "${threads[@]}" "$@" |
            awk -v seed="$seed" '$1 == "layer" { on = 1; next } on && NF == 0 { exit } on {
                printf "| %d | %s | %s | %s | %s | %s |\n", seed, $1, $4, $5, $6, $8 }' >>"$file.new"
    done
    mv "$file.new" "$file"
}

# ablate NAME OPTION ...: cifar10-94.recipe at half its epochs with one change, into $out/NAME, and its row into $out/results.md.
ablate() {
    local change=$1 measure=(--epochs 4 --test --tta flip+shift)
    shift
    [ -z "$quick" ] || measure=(--set batch=100)
    [ "$change" != base ] || rm -f "$out/results.md"
    (out=$out/$change && compare 1 ../cifar10-94 -- "$@" "${measure[@]}")
    {
        [ "$change" != base ] || sed -n '1,2s/^/| change /p' "$out/$change/results.md" | sed '2s/ change /---/'
        sed -n "3s/^/| $change /p" "$out/$change/results.md"
    } >>"$out/results.md"
}

case $name in
    relu-vs-tanh)
        compare 3 relu-vs-tanh -- --vary relu=relu,tanh,sigmoid --vary lr=0.001,0.003,0.01,0.03 --reach 25
        out=$out/small-normal # weights that begin as small as was usual before He et al.
        compare 3 relu-vs-tanh -- --vary relu=relu,tanh --vary lr=0.01,0.03 --reach 25 \
            --set init=normal --set std=0.01 --set dense1.std=0.1
        ;;
    init-depth)
        for init in he-normal glorot-normal; do
            look "start-$init" init-depth --set init=$init
        done
        compare 3 init-depth -- --vary init=he-normal,glorot-normal
        ;;
    vanishing)
        for depth in 5 10 20; do
            for activation in sigmoid tanh relu; do
                look "start-$depth-$activation-uniform" vanishing-$depth --set sigmoid=$activation
                look "start-$depth-$activation-suited" vanishing-$depth --set sigmoid=$activation \
                    --set "dense=dense units=100" --set dense$depth.units=10
            done
        done
        ;;
    sparsity)
        look start sparsity
        compare 3 sparsity -- --vary activation-l1=0,1e-5,1e-4,3e-4,1e-3,3e-3
        ;;
    dying-relu)
        compare 3 dying-relu -- --vary relu=relu,leakyrelu,prelu,elu --vary lr=0.003,0.01,0.03,0.1
        ;;
    bias)
        compare 5 bias -- --vary bias=0,0.01,0.1,1
        ;;
    elu-depth)
        compare 3 elu-depth -- --vary "relu=relu,leakyrelu slope=0.1,elu" --vary lr=0.01,0.03
        ;;
    prelu)
        compare 3 prelu -- --vary "relu=relu,leakyrelu slope=0.25,prelu,prelu per=layer"
        ;;
    maxout)
        compare 3 maxout-relu maxout-wide maxout-equal --
        ;;
    scaling)
        compare 3 scaling -- --vary input.scale=standardize,standardize-pixels,whiten,unit,symmetric,none \
            --vary lr=0.003,0.03
        ;;
    ablation)
        ablate base
        ablate relu --set gelu=relu
        ablate he-initialization --set init=auto
        ablate no-whitening --set conv1.init=he-normal --set conv1.frozen=off
        ablate random-flip --set augment.flip=on
        ablate no-label-smoothing --set label-smoothing=0
        ablate averaged-weights --set average=0.9
        # As in Jordan's form with SGD, logits times 1/9 being a ninth of the last layer's weights and 1/81 of their rate.
        ablate sgd --set optimizer=sgd --set batch=1024 --set lr=1.5 --set momentum=0.85 --set weight-decay=1.33e-3 \
            --set bias-lr=64 --set head-lr=0.0123 --set dense1.weight-decay=0.108 --set norm=0 \
            --set warmup=0.92 --set lr-final=0.07
        ;;
    cost)
        mkdir -p "$out"
        seconds=2
        [ -z "$quick" ] || seconds=0.1
        "${BENCH:-$here/../../build/tests/cnn-bench}" "$here/bias.recipe" --only activations --seconds $seconds |
            tee "$out/cost.txt"
        ;;
    *)
        echo "$0: there is no study '$name'" >&2
        exit 2
        ;;
esac
