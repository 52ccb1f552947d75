#!/usr/bin/env bash
# Trains LeNet for an epoch on real data: it learns, and the model file is the same to the byte for any number of threads
# and after a stop and resume. MNIST where a checkout of the data sets stands beside the project's, else Fashion-MNIST.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1

fashion=/usr/share/datasets/fashion-mnist
if prepared=$(datasets); then
    data=mnist:$prepared/mnist
    least=0.98
elif [ -d $fashion ]; then
    data=fashion-mnist:$fashion
    least=0.82
else
    skip "neither a checkout of the data sets nor $fashion is there"
fi
# An epoch that has almost all of its learning rate, whatever the recipe plans for more of them.
train=(train "$SOURCE/models/lenet.recipe" --data "$data" --epochs 1 --set warmup=0.2 --seed 7)

run "${train[@]}" --threads 1 --out one.safetensors
expect_code 0
run "${train[@]}" --threads 2 --out two.safetensors
expect_code 0
cmp one.safetensors two.safetensors || fail "1 and 2 threads gave different models"

run eval one.safetensors --data "$data" --json
expect_code 0
accuracy=$(grep -oE '"accuracy":[0-9.]+' out | head -1 | cut -d: -f2)
awk -v a="$accuracy" -v least=$least 'BEGIN { exit !(a >= least) }' || fail "test accuracy $accuracy, not $least"
echo "Accuracy $accuracy on the test set of $data after one epoch"

"$CNN" "${train[@]}" --threads 2 --out stopped.safetensors 2>err &
until grep -q '^training' err || ! kill -0 $! 2>/dev/null; do
    sleep 0.05
done
sleep 1
kill -TERM $!
wait $! && fail "the training ended before it could be stopped"
[ ! -e stopped.safetensors ] || fail "a stopped training left a model"
run "${train[@]}" --threads 1 --out stopped.safetensors --resume
expect_code 0
expect err '^training .*resumed in epoch'
cmp one.safetensors stopped.safetensors || fail "stopped and resumed, the model differs"
finish
