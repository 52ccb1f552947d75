#!/usr/bin/env bash
# Trains LeNet for an epoch on real data: it learns, and the model file is the same to the byte for any number of threads
# and after a stop and resume. MNIST where a checkout of the data sets stands beside the project's, else Fashion-MNIST.
set -euo pipefail

fail() {
    echo "$*"
    exit 1
}

prepare=$SOURCE/../shared/datasets/prepare.sh
fashion=/usr/share/datasets/fashion-mnist
if [ -x "$prepare" ]; then
    data=mnist:$("$prepare")/mnist
    least=0.97
elif [ -d $fashion ]; then
    data=fashion-mnist:$fashion
    least=0.80
else
    echo "skipped: neither $prepare nor $fashion is there"
    exit 77
fi
echo "On $data, at least $least"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# train NAME ARGUMENT ...: an epoch into $work/NAME.safetensors.
train() {
    "$CNN" train "$SOURCE/models/lenet.recipe" --data "$data" --epochs 1 --seed 7 --out "$work/$1.safetensors" "${@:2}"
}

train one --threads 1
train two --threads 2 --quiet
cmp "$work/one.safetensors" "$work/two.safetensors" || fail "1 and 2 threads gave different models"

accuracy=$("$CNN" eval "$work/one.safetensors" --data "$data" --json | grep -oE '"accuracy":[0-9.]+' | head -1 | cut -d: -f2)
awk -v a="$accuracy" -v least="$least" 'BEGIN { exit !(a >= least) }' || fail "accuracy $accuracy on the test set"
echo "Accuracy $accuracy after one epoch"

train stopped --threads 2 --quiet &
training=$!
sleep 1.5
kill -INT "$training"
wait "$training" && fail "the training ended before it could be stopped"
[ ! -e "$work/stopped.safetensors" ] || fail "a stopped training left a finished model"
train stopped --threads 1 --quiet --resume
cmp "$work/one.safetensors" "$work/stopped.safetensors" || fail "stopped and resumed, the model differs"
echo "The same model for 1 and 2 threads, and after a stop and resume"
