#!/usr/bin/env bash
# cnn compare --test: models that are those of cnn train, figures that are those of cnn eval, nothing computed twice,
# and going on after a stop.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
sed -i 's/epochs=6/epochs=2/' tiny.recipe # hard enough that seeds differ

compare() { # OUT OPTION...
    local out=$1
    shift
    run compare tiny.recipe --data folder:shapes --out "$out" "$@"
}

told() { # PATTERN
    grep -cE -- "$1" err
}

# kept FOLDER: names and inodes of its runs: a file that is written again has another.
kept() {
    ls -i "$1/runs"
}

# column FILE NAME: the values of the column of a results.csv whose rows have no quotes.
column() {
    awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i } NR > 1 { print $at }' "$1"
}

# untimed FILE: a results.csv without the times.
untimed() {
    awk -F, -v OFS=, '
        NR == 1 { for (i = 1; i <= NF; i++) timed[i] = $i ~ /seconds/ }
        { for (i = 1; i <= NF; i++) if (timed[i]) $i = ""; print }' "$1"
}

# check_tests FOLDER TTA SUFFIX: results.csv's accuracy and loss of lr=0.01, and without augmentation the calibration
# error, are what cnn eval tells of model1 to model3, whose losses differ.
check_tests() {
    local seed name figures names=(accuracy loss)
    [ -n "$3" ] || names+=(calibration_error)
    for seed in 1 2 3; do
        run eval "model$seed.safetensors" --data folder:shapes --tta "$2" --json
        expect_code 0
        sed 's/.*"accuracy":\([^,]*\),.*"loss":\([^,]*\),"calibration_error":\([^,]*\),.*/\1 \2 \3/' out
    done >evaluated
    for name in "${names[@]}"; do
        figures="$(column "$1/results.csv" "test_${name}${3}_mean" | head -1)"
        figures+=" $(column "$1/results.csv" "test_${name}${3}_deviation" | head -1)"
        figures+=" $(column "$1/results.csv" "test_${name}${3}_count" | head -1)"
        awk -v name="$name" -v told="$figures" '
            BEGIN { at = name == "accuracy" ? 1 : name == "loss" ? 2 : 3 }
            { value[NR] = $at; mean += $at / 3 }
            END {
                for (i = 1; i <= 3; i++) squares += (value[i] - mean) ^ 2
                split(told, t, " ")
                exit !(NR == 3 && t[3] == 3 && (squares > 0 || at == 1) &&
                       (t[1] - mean) ^ 2 + (t[2] - sqrt(squares / 2)) ^ 2 < 1e-12)
            }' evaluated || fail "$1: $name of --tta $2 is '$figures', evaluations are $(cat evaluated)"
    done
}

# ---- models and figures
lr=(--vary lr=0.01,1000)
compare one "${lr[@]}" --seeds 2
expect_code 0
expect_not out 'test '
expect_not err 'test accuracy|model'
[ -z "$(column one/results.csv test_accuracy_mean | tr -d '\n')" ] || fail "$ran: has test figures"
ls one/runs/*.safetensors 2>/dev/null && fail "$ran: keeps models without --test"

# What was trained without its model is trained again, but for what diverged, which has none.
compare one "${lr[@]}" --seeds 3 --test --tta flip
expect_code 0
[ "$(told 'trained before')" -eq 2 ] && [ "$(told 'lr=1000 seed=[12].*, diverged \(trained before\)$')" -eq 2 ] ||
    fail "$ran: $(cat err)"
figure='[0-9]+\.[0-9]{2}'
pattern="^[123]/6 lr=0\.01 .*, test accuracy $figure%, with flip $figure%, model one/runs/[0-9a-f]{16}\.safetensors\$"
[ "$(told "$pattern")" -eq 3 ] || fail "$ran: $(cat err)"
expect out '% \| test accuracy, % \| test loss \| calibration error, % \| test accuracy with flip, % \| test loss with flip'
pattern='[0-9.]+ ± [0-9.]+'
tested="$figure ± $figure \(3 seeds\) \| $pattern"
expect out "^\| tiny \| 0\.01 \|( $pattern \|){4} $tested \| $pattern \| $tested \|"
expect out '^\| tiny \| 1000 \|( - \|){12} 3 of 3 \|'
[ "$(ls one/runs/*.json | wc -l)" -eq 6 ] && [ "$(ls one/runs/*.safetensors | wc -l)" -eq 3 ] &&
    [ "$(ls one/runs | wc -l)" -eq 9 ] || fail "$ran: left $(ls one/runs)"
models=($(sed -n 's/.* lr=0\.01 .*, model \(.*\)$/\1/p' err))
cp one/results.csv first.csv
for seed in 1 2 3; do
    run train tiny.recipe --data folder:shapes --set lr=0.01 --seed $seed --threads $seed --out model$seed.safetensors
    expect_code 0
    cmp "model$seed.safetensors" "${models[seed - 1]}" || fail "the model of seed $seed is not that of cnn train"
done
check_tests one none ''
check_tests one flip _flip
[ -z "$(column one/results.csv test_loss_flip_shift_mean | tr -d '\n')" ] || fail "$ran: another augmentation"

# ---- nothing is computed twice
kept one >before
compare one "${lr[@]}" --seeds 3 --test --tta flip --threads 2
expect_code 0
[ "$(told 'trained before')" -eq 6 ] && [ "$(told ', with flip .*, model .* \(trained before\)$')" -eq 3 ] ||
    fail "$ran: $(cat err)"
cmp -s one/results.csv first.csv || fail "$ran: other figures"
[ "$(kept one)" = "$(cat before)" ] || fail "$ran: writes runs again"
# Another augmentation is evaluated only, and the one before is no part of the table, but stays.
compare one "${lr[@]}" --seeds 3 --test --tta flip+shift
expect_code 0
[ "$(told 'trained before')" -eq 6 ] || fail "$ran: trains again: $(cat err)"
expect out '\| test accuracy with flip\+shift, % \|'
expect_not out 'with flip[ ,]'
[ "$(kept one | grep safetensors)" = "$(grep safetensors before)" ] || fail "$ran: writes models again"
check_tests one flip+shift _flip_shift
kept one >before
compare one "${lr[@]}" --seeds 3 --test
[ "$(kept one)" = "$(cat before)" ] || fail "$ran: writes runs again"
expect out 'test accuracy, %'
expect_not out 'with flip'
compare one "${lr[@]}" --seeds 3 --json
expect_not out '"test_accuracy":\{"mean":[0-9]'
# Figures that are stored need no model.
rm "${models[0]}"
compare one "${lr[@]}" --seeds 3 --test --tta flip --json
expect_code 0
expect_json
[ "$(told 'trained before')" -eq 6 ] || fail "$ran: trains what is known: $(cat err)"
[ "$(untimed one/results.csv)" = "$(untimed first.csv)" ] || fail "$ran: other figures"
expect out "\"models\":\[null,\"${models[1]##*/}\",\"${models[2]##*/}\"\],"
expect out '"lr":"1000"\},.*"models":\[null,null,null\],'

# ---- without the figures: no model, a damaged one and another run's are trained anew, a good one is evaluated
compare two "${lr[@]}" --seeds 4 --test --tta flip --quiet
expect_code 0
cp two/results.csv four.csv
models=($(grep -l 'lr=0\.01 ' two/runs/*.json | sed 's/json$/safetensors/'))
sed -i '/"accuracy":/d' two/runs/*.json
kept two >before
rm "${models[0]}"
truncate -s -4 "${models[1]}"
cp "${models[2]}" "${models[3]}"
compare two "${lr[@]}" --seeds 4 --test --tta flip
expect_code 0
[ "$(told 'lr=0\.01 .* \(trained before\)$')" -eq 1 ] && [ "$(told 'trained before')" -eq 5 ] || fail "$ran: $(cat err)"
[ "$(untimed two/results.csv)" = "$(untimed four.csv)" ] || fail "$ran: other figures"
[ "$(kept two | grep -c safetensors)" -eq 4 ] || fail "$ran: left $(ls two/runs)"
cmp -s "${models[2]}" "${models[3]}" && fail "$ran: another run's model stays"

# ---- stopped while a model is evaluated, and gone on with by the same command
cat >wide.recipe <<'END'
input 28x28x1
conv filters=32 kernel=3 padding=same
relu
conv filters=32 kernel=3 padding=same
relu
maxpool size=4
dense units=10
train epochs=1 batch=10 lr=0.01
END
mkdir images
for ((i = 0; i < 40 * 49; i++)); do
    printf 'pixels %9d' $((i * 7919 * i % 1000000000))
done >forty
for ((i = 0; i < 50; i++)); do
    cat forty
done >many
{ bytes 0 0 8 3 0 0 0 40 0 0 0 28 0 0 0 28 && cat forty; } >images/train-images-idx3-ubyte
{ bytes 0 0 8 1 0 0 0 40 && bytes {0..9} {0..9} {0..9} {0..9}; } >images/train-labels-idx1-ubyte
{ bytes 0 0 8 3 0 0 7 208 0 0 0 28 0 0 0 28 && cat many; } >images/t10k-images-idx3-ubyte
{ bytes 0 0 8 1 0 0 7 208 && head -c 2000 /dev/zero; } >images/t10k-labels-idx1-ubyte
wide=(compare wide.recipe --data mnist:images --seeds 2 --test --tta flip+shift)
run "${wide[@]}" --out whole --quiet
expect_code 0
expect_empty out

# A first Ctrl-C lets the evaluation end, a second one does not.
stopped=
for ((try = 0; try < 5; try++)); do
    for kills in 1 2; do
        rm -rf parts
        ran="cnn ${wide[*]} --out parts, stopped $kills times"
        set -m
        "$CNN" "${wide[@]}" --out parts >out 2>err &
        job=$!
        set +m
        until grep -qs '"none"' parts/runs/*.json || ! kill -0 $job 2>/dev/null; do
            sleep 0.02
        done
        for ((i = 0; i < kills; i++)); do
            kill -INT $job 2>/dev/null
            sleep 0.05
        done
        wait $job
        code=$?
        [ "$code" -eq 0 ] && continue
        [ ! -e parts/results.csv ] || fail "$ran: has results"
        if [ "$kills" -eq 1 ]; then
            expect_code 1
            expect err '^stopped after [01] of 2 runs; the same command goes on$'
        elif ! grep -qs 'flip.shift' parts/runs/*.json; then
            stopped=yes
        fi
        run "${wide[@]}" --out parts
        expect_code 0
        [ "$(told 'seed=1: .*trained before')" -eq 1 ] || fail "$ran: trains again: $(cat err)"
        [ "$(untimed whole/results.csv)" = "$(untimed parts/results.csv)" ] || fail "$ran: other figures"
    done
    [ -z "$stopped" ] || break
done
[ -n "$stopped" ] || fail "$ran: too fast to be stopped in an evaluation"

# ---- what is refused, before anything is written
refuse 2 'compare: --tta flip is for test images: it needs --test' \
    compare tiny.recipe --data folder:shapes --out none --tta flip
refuse 2 "compare: --tta: 'flop' is none of" compare tiny.recipe --data folder:shapes --out none --test --tta flop
cp -r shapes others
mv others/test/top others/test/bottom
refuse 1 "folder:others: the test images' class 'bottom' is not among those to train on" \
    compare tiny.recipe --data folder:others --out none --test
rm -r others/test
refuse 1 "others.*test" compare tiny.recipe --data folder:others --out none --test
[ ! -e none ] || fail "a refused comparison leaves a folder"
finish
