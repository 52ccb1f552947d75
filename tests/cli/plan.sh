#!/usr/bin/env bash
# What the planner chose, as text and as JSON; and --tune, which measures instead and says so.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1

# plan LAYER PASS PATTERN: what stands behind the name of a pass of `info --plan`.
plan() {
    expect out "^ +[0-9]+  $1 +$2  +$3\$"
}
lanes='8 x 8 images'
cut="($lanes|[0-9]+ slices of all)"
winograd='winograd F\(4x4,3x3\), [0-9]+ tiles a group'

run info "$SOURCE/models/lenet.recipe"
expect_code 0
expect_not out '^plan'
cp out plain
run info "$SOURCE/models/lenet.recipe" --plan
expect_code 0
expect_empty err
head -n "$(wc -l <plain)" out | cmp -s - plain || fail "--plan changes what stands before the plan"
expect out '^plan: a training step of 64 images, in 8 lanes, 6 stages; [0-9.]+ MB of scratch memory a thread$'
plan conv1 'forward, relu' "$lanes  +[0-9.]+ kB  im2col, [0-9]+ rows a strip"
plan conv1 'weight gradient' "$lanes  +[0-9.]+ kB  im2col, [0-9]+ rows a strip"
expect_not out '^ +[0-9]+  conv1 +input gradient'
plan conv2 'forward, relu' "$lanes  +[0-9.]+ MB  winograd F\(2x2,5x5\), [0-9]+ tiles a group"
plan conv2 'input gradient' "$lanes  +[0-9.]+ MB  im2col, [0-9]+ rows a strip"
plan conv2 'weight gradient' "$lanes  +[0-9.]+ MB  winograd F\(2x2,5x5\), [0-9]+ tiles a group, [0-9]+ filters at once"
expect_not out '^ +[0-9]+  relu[12] +forward' # the layer before does it
plan maxpool1 forward "$lanes +-"
plan dense1 'forward, relu' '4 slices of all +-'
plan dense1 'weight gradient' '4 slices of all +-'
awk '$2 == "dense1" && $3 == "forward," { alone = $1 } { count[$1]++ } END { exit count[alone] != 1 }' out ||
    fail "a layer over the whole batch has no stage of its own: $(cat out)"

run info "$SOURCE/tests/bench/vgg-small.recipe" --plan
expect_code 0
expect out '^plan: a training step of 64 images, in 8 lanes, [0-9]+ stages?; '
plan conv1 'forward, relu' "$lanes  +[0-9.]+ kB  im2col, [0-9]+ rows a strip"
for layer in conv2 conv3 conv4 conv5 conv6; do
    plan $layer 'forward, relu' "$cut  +[0-9.]+ MB  $winograd"
    plan $layer 'input gradient' "$cut  +[0-9.]+ MB  $winograd"
    plan $layer 'weight gradient' "$cut  +[0-9.]+ MB  $winograd, [0-9]+ filters at once"
done
cp out first
run info "$SOURCE/tests/bench/vgg-small.recipe" --plan
cmp -s out first || fail "the plan differs from call to call: $(diff first out)"

# The recipe's batch and algorithm= are respected.
sed 's/batch=64/batch=12/; s/filters=32 /filters=32 algorithm=im2col /' "$SOURCE/tests/bench/vgg-small.recipe" >other.recipe
run info other.recipe --plan
expect out '^plan: a training step of 12 images, in 2 lanes, '
plan conv2 'forward, relu' '2 x 6 images  +[0-9.]+ kB  im2col, [0-9]+ rows a strip'
plan conv3 'forward, relu' "2 x 6 images  +[0-9.]+ MB  $winograd"

for recipe in models/lenet.recipe tests/bench/vgg-small.recipe models/cifar10-resnet20.recipe; do
    run info "$SOURCE/$recipe" --plan --json
    expect_code 0
    expect_json
    expect_empty err
    if command -v jq >/dev/null; then
        jq -e '.plan | .batch == .lanes * .lane_images and .stages == .passes[-1].stage and .passes[0].stage == 1
               and .passes[0].layer == "conv1" and (.passes[0].pass | startswith("forward")) and .passes[0].slices == 0
               and .scratch_bytes == ([.passes[].scratch_bytes] | max)
               and all(.passes[] | select(.layer | startswith("conv")); .method | test("^(im2col|winograd)"))
               and all(.passes[] | select(.layer | startswith("relu")); .method == "")' out >/dev/null ||
            fail "$ran: figures that do not agree: $(cat out)"
    fi
done
run info "$SOURCE/models/lenet.recipe" --json
expect_not out '"plan"'

# --tune: told of in one line, and nothing else is said otherwise; without it nothing is told.
note='^note: --tune measures .*; results may differ in the last bits from run to run$'
make_shapes
sed -i 's/filters=4/filters=16/; s/^maxpool/conv filters=16 padding=same\nmaxpool/' tiny.recipe
run train tiny.recipe --data folder:shapes --out rule.safetensors
expect_code 0
expect_not err tune
run train tiny.recipe --data folder:shapes --tune
expect_code 0
[ "$(grep -Ec "$note" err)" -eq 1 ] || fail "$ran: $(cat err)"
run train tiny.recipe --data folder:shapes --tune --quiet --out quiet.safetensors
expect_code 0
expect_empty err
run info tiny.safetensors --json
expect_not out 'tune'

run eval tiny.safetensors --data folder:shapes
expect_empty err
accuracy=$(grep '^accuracy' out)
run eval tiny.safetensors --data folder:shapes --tune
expect_code 0
expect err "$note"
[ "$(wc -l <err)" -eq 1 ] || fail "$ran: $(cat err)"
[ "$(grep '^accuracy' out)" = "$accuracy" ] || fail "$ran: $(grep '^accuracy' out), not $accuracy"
run classify tiny.safetensors shapes/test/left
expect_empty err
cp out named
run classify tiny.safetensors shapes/test/left --tune
expect_code 0
expect err "$note"
[ "$(wc -l <err)" -eq 1 ] || fail "$ran: $(cat err)"
[ "$(cut -d' ' -f3 out)" = "$(cut -d' ' -f3 named)" ] || fail "$ran: other classes: $(diff named out)"
finish
