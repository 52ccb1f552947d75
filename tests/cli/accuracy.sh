#!/usr/bin/env bash
# tests/bench/accuracy.sh: every convolution is told its algorithm, results are kept, a stopped training goes on, and the
# table says what the runs said.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
cat >small.recipe <<'END'
input 8x8x1
conv filters=4
relu
residual projection=batchnorm {
    conv filters=8 stride=2 padding=same # Winograd cannot
}
conv algorithm=auto filters=8 padding=same
dense units=3
train epochs=6 batch=8 lr=0.05 val=0.25
END

study() {
    ran="accuracy.sh $*"
    "$SOURCE/tests/bench/accuracy.sh" "$@" >out 2>err
    code=$?
}
usual=(--data folder:shapes --epochs 1 --set lr=0.002 --out kept)

study "${usual[@]}" --seeds 1 small.recipe
expect_code 0
study "${usual[@]}" --seeds 2 --threads 1 small.recipe
expect_code 0
expect_empty err
for algorithm in im2col winograd; do
    for seed in 1 2; do
        expect out "^$algorithm +seed $seed  [0-9.]+% of 24, loss [0-9.]+\$"
    done
    expect out "^\| $algorithm \| 2 \| [0-9.]+ \| [0-9.]+ \|\$"
done
awk '$2 == "seed" { sum[$1] += $4; runs[$1]++ }
     $2 in runs && $3 == "|" { off = $6 - sum[$2] / runs[$2]; wrong += off > 0.01 || off < -0.01; rows++ }
     END { exit wrong > 0 || rows != 2 }' out || fail "$ran: means that are not the runs': $(cat out)"
[ "$(grep -c 'algorithm=im2col' kept/im2col.recipe)" -eq 3 ] || fail "im2col.recipe: $(cat kept/im2col.recipe)"
[ "$(grep -c 'algorithm=winograd' kept/winograd.recipe)" -eq 2 ] || fail "winograd.recipe: $(cat kept/winograd.recipe)"
grep -q 'conv algorithm=im2col filters=8 stride=2' kept/winograd.recipe || fail "winograd.recipe: $(cat kept/winograd.recipe)"

# Nothing is done twice; what is missing is done again, with the same result.
cp out before
rm kept/winograd-2.*
touch -d '2001-01-01' kept/im2col-1.safetensors
study "${usual[@]}" --seeds 2 small.recipe
cmp -s out before || fail "$ran: the results differ: $(diff before out)"
[ ! kept/im2col-1.safetensors -nt small.recipe ] || fail "$ran: trained again"
[ -e kept/winograd-2.json ] || fail "$ran: not kept"

study "${usual[@]}" --epochs 3 --seeds 1 small.recipe
expect_code 1
expect err 'results of another recipe, data or options'
sed '/^residual/,$d; s/^conv.*/conv filters=4 kernel=7/' small.recipe >other.recipe
echo 'dense units=3' >>other.recipe
study --data folder:shapes --seeds 1 other.recipe
expect_code 1
expect err 'no convolution of other.recipe can be computed with algorithm=winograd'
study --seeds 1 small.recipe
expect_code 2
expect err 'needed'
finish
