#!/usr/bin/env bash
# What happens inside: of a recipe, of a model, and while training; as text and as JSON; and what is said of a bad rate.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes

figure='-?[0-9.]+(e[-+][0-9]+)?'
row="[0-9]+ +(-|[0-9]+) +$figure +$figure +(-|[0-9.]+%) +(-|[0-9.]+%) +$figure +$figure +$figure"
head='layer +units +dead +mean +deviation +zeros +saturated +gradient +weights +update'

# A recipe: the network that a training would begin with, on the images that it would be trained on.
run inspect tiny.recipe --data folder:shapes
expect_code 0
expect_empty err
expect out '^tiny\.recipe: 48 images of folder:shapes$'
expect out "^$head\$"
expect out "^conv1 +$row\$"
expect out "^dense1 +3 +- +$figure +$figure +- +- +$figure +$figure +$figure\$"
awk 'length($0) > 110 { exit 1 }' out || fail "$ran: a line of more than 110 columns"
cp out first
run inspect tiny.recipe --data folder:shapes --threads 3 --seed 1
cmp -s out first || fail "three threads give other figures"
run inspect tiny.recipe --data folder:shapes --seed 2
cmp -s out first && fail "another seed gives the same figures"

# Changed by options, as cnn train changes it: a layer's own, and a whole kind.
run inspect tiny.recipe --data folder:shapes --set conv1.filters=6 --set dense1.init=zeros --set relu=sigmoid
expect_code 0
expect out '^conv1 +6 '
expect out '^dense1 +3 +[0-9-]+ +0 +0 '
cp out changed
sed 's/filters=4/filters=6/; s/^relu/sigmoid/; s/^dense.*/& init=zeros/' tiny.recipe >changed.recipe
run inspect changed.recipe --data folder:shapes
sed 's/^changed/tiny/' out | cmp -s - changed || fail "--set is not what the recipe says: $(diff changed out)"

# Some of the images, evenly chosen: other figures than all give, the same again and with other threads.
run inspect tiny.recipe --data folder:shapes --images 10
expect_code 0
expect out '^tiny\.recipe: 10 images of folder:shapes$'
cp out some
sed 1d first | cmp -s - <(sed 1d some) && fail "$ran: the figures of all images"
run inspect tiny.recipe --data folder:shapes --images 10 --threads 2
cmp -s out some || fail "two threads give other figures of some images"
run inspect tiny.recipe --data folder:shapes --images 48
cmp -s out first || fail "$ran: not the figures of all images"
run inspect tiny.recipe --data folder:shapes --images 2000000000
cmp -s out first || fail "$ran: not the figures of all images"

# Training: warnings alone, or a table after each epoch; nothing of it with --quiet.
run train tiny.recipe --data folder:shapes
expect_code 0
expect_not err "$head"
run train tiny.recipe --data folder:shapes --inspect --epochs 2 --out two.safetensors
expect_code 0
[ "$(grep -cE "^    $head\$" err)" -eq 2 ] || fail "$ran: not a table an epoch: $(cat err)"
[ "$(grep -cE "^    conv1 +$row\$" err)" -eq 2 ] || fail "$ran: not a row an epoch: $(cat err)"
run train tiny.recipe --data folder:shapes --inspect --epochs 2 --out quiet.safetensors --quiet
expect_code 0
expect_empty err
cmp -s two.safetensors quiet.safetensors || fail "looking on changes the model"
run train tiny.recipe --data folder:shapes --epochs 2 --out two.safetensors --json
expect_code 0
expect_json
expect_empty err
[ "$(grep -c '"event":"epoch".*"inspection":{"images":36,.*"layers":\[{"name":"conv1",' out)" -eq 2 ] ||
    fail "$ran: no inspection an epoch: $(cat out)"

# A model: its test images, or those it was trained on.
run inspect tiny.safetensors --data folder:shapes
expect_code 0
expect_empty err
expect out '^tiny\.safetensors: 24 images of folder:shapes$'
expect out "^conv1 +$row\$"
run inspect tiny.safetensors --data folder:shapes --images 5
expect_code 0
expect out '^tiny\.safetensors: 5 images of folder:shapes$'
run inspect tiny.safetensors --data folder:shapes --split train --json
expect_code 0
expect_json
expect out '^\{"file":"tiny\.safetensors","kind":"model","data":"folder:shapes","images":48,"dead":'
if command -v jq >/dev/null; then
    jq -e '([.layers[].name] == ["conv1", "dense1"]) and (.layers[0].units == 4) and (.layers[1].units == 3) and
           (.dead == .layers[0].dead / 4) and (.layers[0].hidden) and (.layers[1].hidden | not) and
           ([.layers[].update_ratio] | max) == .update_ratio' out >/dev/null || fail "$ran: $(cat out)"
fi

# A rate that is far too large: each warning is told once of a layer while training, and of the model that this leaves.
run train tiny.recipe --data folder:shapes --set lr=1 --set val=0 --out bad.safetensors
expect_code 0
expect err '^note: (conv1|dense1): .*: lower the learning rate'
[ -z "$(grep '^note: ' err | tr -d 0-9 | sort | uniq -d)" ] || fail "$ran: a warning again and again: $(cat err)"
run inspect bad.safetensors --data folder:shapes
expect_code 0
expect out '^warning: (conv1|dense1): .*: lower the learning rate'
run inspect bad.safetensors --data folder:shapes --json
expect_code 0
expect out '"warning":"(conv1|dense1): .*: lower the learning rate'

# What it refuses.
refuse 2 "inspect: --set changes recipes, and 'tiny\.safetensors' is a model" \
    inspect tiny.safetensors --data folder:shapes --set relu=tanh
refuse 2 "unknown option 'learning'" inspect tiny.recipe --data folder:shapes --set learning=1
refuse 1 'maxpool: window 9x9 does not fit' inspect tiny.recipe --data folder:shapes --set maxpool1.size=9
refuse 2 "inspect: --images: '0' is not a whole number" inspect tiny.recipe --data folder:shapes --images 0
refuse 1 'cannot|No such file' inspect absent.safetensors --data folder:shapes
refuse 1 "there is no folder 'absent'" inspect tiny.safetensors --data folder:absent
mkdir -p others/train/left others/train/below
cp shapes/train/left/0.bmp others/train/left/
cp shapes/train/left/1.bmp others/train/below/
refuse 1 "the data's class 'below' is not among the model's" inspect tiny.safetensors --data folder:others --split train
refuse 1 "the recipe ends in 3 units, the data set has 2 classes" inspect tiny.recipe --data folder:others
finish
