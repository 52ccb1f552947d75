#!/usr/bin/env bash
# Several models together and several views of an image: eval and classify give the means, and what each is alone.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
models=()
for seed in 1 2 3; do
    run train tiny.recipe --data folder:shapes --seed $seed --epochs 1 --set val=0 --out $seed.safetensors --quiet
    expect_code 0
    models+=($seed.safetensors)
done
picture=shapes/test/left/0.bmp

# field NAME: the number of the field in the JSON object in out.
field() {
    sed 's/.*"'"$1"'":\(-\?[0-9.e-]*\).*/\1/' "$work/out"
}

# ---- eval: the ensemble's figures, and the accuracy of each model alone
lines=()
correct=()
for model in "${models[@]}"; do
    run eval "$model" --data folder:shapes
    expect_code 0
    expect_not out '^alone'
    lines+=("$(sed -n 's/^accuracy *\([0-9.]*%\).*/\1/p' out)  $model")
    run eval "$model" --data folder:shapes --json
    expect out "^\{\"model\":\"$model\",\"data\":\"folder:shapes\",\"tta\":\"none\","
    correct+=("$(field correct)")
done
[ "$(printf '%s\n' "${lines[@]%% *}" | sort -u | wc -l)" -gt 1 ] || fail "three models are equally good: ${lines[*]}"
run eval "${models[@]}" --data folder:shapes
expect_code 0
expect_empty err
expect out '^accuracy +[0-9.]+%  \([0-9]+ of 24 images; 95% interval [0-9.]+% to [0-9.]+%\)$'
[ "$(sed -n '/^alone/,/^$/s/^\(alone\)\? *\([0-9]\)/\2/p' out)" = "$(printf '%s\n' "${lines[@]}")" ] ||
    fail "$ran: alone: $(cat out), not ${lines[*]}"
run eval "${models[@]}" --data folder:shapes --json
expect_code 0
expect_json
expect_not out '"model":"1\.safetensors","data"'
for i in 0 1 2; do
    expect out "\{\"model\":\"${models[i]}\",\"correct\":${correct[i]},\"accuracy\":(0\.[0-9]+|1\.0)\}"
done
loss=$(field loss)
run eval 3.safetensors 1.safetensors 2.safetensors --data folder:shapes --json
awk -v a="$loss" -v b="$(field loss)" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-10) }' || fail "$ran: the order matters"
run eval 1.safetensors 1.safetensors --data folder:shapes
expect out "^alone +${lines[0]%% *}  1\.safetensors$"
expect out "^accuracy +${lines[0]%% *} "

# ---- classify: the mean of the models' probabilities, by name
# probability ARGUMENTS...: of "left", of the picture.
probability() {
    run classify "$@" "$picture" --json --top 3
    expect_code 0
    expect_empty err
    sed 's/.*"left","probability":\([0-9.e-]*\).*/\1/' "$work/out"
}
sum=0
for model in "${models[@]}"; do
    sum="$sum $(probability "$model")"
done
mean=$(echo "$sum" | awk '{ print ($2 + $3 + $4) / 3 }')
found=$(probability --model 1.safetensors --model 2.safetensors --model=3.safetensors)
awk -v a="$mean" -v b="$found" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-10) }' || fail "the mean is $mean, not $found"
[ "$found" != "$(probability 1.safetensors)" ] || fail "further models change nothing"
[ "$(probability --model 1.safetensors)" = "$(probability 1.safetensors)" ] || fail "--model of one is another model"
run classify shapes/test/left --model 2.safetensors --model 1.safetensors
expect_code 0
[ "$(wc -l <out)" -eq 8 ] || fail "$ran: $(cat out)"
run classify --model 2.safetensors $picture # one picture: three classes
expect_code 0
expect out "^$picture: [0-9.]+% [a-z]+  [0-9.]+% [a-z]+  [0-9.]+% [a-z]+$"

# ---- views of an image
one=$(probability 1.safetensors)
flip=$(probability 1.safetensors --tta flip)
both=$(probability 1.safetensors --tta=flip+shift)
[ "$one" != "$flip" ] && [ "$flip" != "$both" ] && [ "$one" != "$both" ] || fail "views make no difference: $one $flip $both"
[ "$one" = "$(probability 1.safetensors --tta none)" ] || fail "--tta none is not the default"
losses=()
for tta in none flip flip+shift; do
    run eval "${models[@]}" --data folder:shapes --tta $tta --json
    expect_code 0
    expect out "\"tta\":\"${tta/+/\\+}\""
    losses+=("$(field loss)")
done
[ "$(printf '%s\n' "${losses[@]}" | sort -u | wc -l)" -eq 3 ] || fail "views make no difference: ${losses[*]}"
for command in eval classify; do
    run $command --help
    expect out '^  --tta VIEWS +test-time augmentation'
done
run classify --help
expect out '^Usage: cnn classify MODEL IMAGE\|FOLDER\|- \.\.\. \[options\]$'
expect out '^       cnn classify --model FILE \[--model FILE \.\.\.\] IMAGE\|FOLDER\|- \.\.\. \[options\]$'
expect out '^  --model FILE +a model; then every operand is a picture'
run eval --help
expect out '^Usage: cnn eval MODEL \.\.\. --data SPEC'

# ---- what does not fit
refuse 2 "eval: --tta: 'turn' is none of 'none', 'flip' and 'flip\+shift'" eval 1.safetensors --data mnist:. --tta turn
refuse 2 "classify: --tta: '' is none of" classify 1.safetensors $picture --tta=
refuse 2 "classify: option '--model' needs a value: --model FILE" classify 1.safetensors $picture --model
sed 's/8x8x1/9x9x1/' tiny.recipe >nine.recipe
cp -r shapes others
mv others/train/top others/train/bottom
run train nine.recipe --data folder:shapes --epochs 1 --quiet
run train tiny.recipe --data folder:others --epochs 1 --out others.safetensors --quiet
refuse 1 'model 2 of the ensemble reads 9x9x1, the first one 8x8x1' \
    eval 1.safetensors nine.safetensors --data folder:shapes
refuse 1 "model 3 of the ensemble has no class 'top'" \
    classify --model 1.safetensors --model 2.safetensors --model others.safetensors $picture
refuse 1 'absent\.safetensors' eval 1.safetensors absent.safetensors --data folder:shapes
refuse 1 'absent\.safetensors' classify $picture --model 1.safetensors --model absent.safetensors
refuse 2 "classify: '1\.safetensors' stands among the pictures: of several models, each is a --model FILE" \
    classify 1.safetensors $picture --model 2.safetensors
refuse 2 "classify: '2\.safetensors' stands among the pictures" classify 1.safetensors 2.safetensors $picture
refuse 2 "classify: IMAGE\|FOLDER\|- is missing" classify --model 1.safetensors --model 2.safetensors
refuse 1 "tiny\.recipe' is a recipe" eval 1.safetensors tiny.recipe --data folder:shapes
finish
