#!/usr/bin/env bash
# input fit=digit through the command: it travels in the model, and holds wherever picture files become images.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes

run train tiny.recipe --data folder:shapes --set input.fit=digit --out digit.safetensors --epochs 1 --quiet
expect_code 0
run train tiny.recipe --data folder:shapes --out crop.safetensors --epochs 1 --quiet
expect_code 0
! cmp -s digit.safetensors crop.safetensors || fail "training reads the same images with fit=digit"
run info digit.safetensors --json
expect_code 0
expect out 'input 8x8x1 fit=digit'
run eval digit.safetensors --data folder:shapes
expect_code 0
run inspect digit.safetensors --data folder:shapes
expect_code 0
cp digit.safetensors again.safetensors
run classify --model digit.safetensors --model again.safetensors "$SOURCE/data/samples/photo-3.png"
expect_code 0
refuse 1 'model 2 .*fit' classify --model digit.safetensors --model crop.safetensors "$SOURCE/data/samples/photo-3.png"

sed 's/8x8x1/8x8x3 fit=digit/' tiny.recipe >colour.recipe
refuse 1 'colour\.recipe:1:1: input: 8x8x3: fit=digit makes images of 1 channel' info colour.recipe

# Several fits are compared on images of their own.
run compare tiny.recipe --data folder:shapes --vary input.fit=crop,digit --epochs 1 --out compared
expect_code 0
expect out 'digit'
[ "$(cut -d, -f 1-8 compared/results.csv | sort -u | wc -l)" -eq 3 ] || fail "$ran: $(cat compared/results.csv)"
finish
