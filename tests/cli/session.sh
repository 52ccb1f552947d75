#!/usr/bin/env bash
# A whole session on generated pictures: train, eval, classify, info, as text and as JSON.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes

run train tiny.recipe --data folder:shapes
expect_code 0
expect out '^tiny\.safetensors: 6 epochs in .*, validation accuracy [0-9.]+%, loss [0-9.]+$'
expect err '^recipe .*tiny\.recipe: .* parameters'
expect err '^data .*folder:shapes: 48 images of 8x8x1 in 3 classes, 12 held back to validate$'
expect err '^training .*6 epochs of 5 steps, [0-9]+ threads?, seed 1$'
[ "$(grep -c '^epoch [1-6]/6 ' err)" -eq 6 ] || fail "not one line an epoch: $(cat err)"
expect err '^next: cnn eval tiny\.safetensors --data folder:shapes$'
expect err '^calibrated on the images held back: temperature=[0-9.]+$'
expect_not err $'\033|\r'
[ "$(ls | sort | tr '\n' ' ')" = "err out shapes tiny.history.csv tiny.recipe tiny.safetensors " ] ||
    fail "other files than model and history are left: $(ls)"

# The history: a row an epoch, twelve columns, numbers in ranges that make sense.
head -n 1 tiny.history.csv |
    grep -qx 'epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,images_per_second,seconds,dead,zeros,gradient_norm,update_ratio' ||
    fail "the history's head: $(head -n 1 tiny.history.csv)"
awk -F, 'NR > 1 && (NF != 12 || $1 != NR - 1 || $2 <= 0 || $3 < 0 || $3 > 1 || $4 <= 0 || $5 < 0 || $5 > 1 || $6 <= 0 ||
         $7 <= 0 || $8 <= 0 || $9 < 0 || $9 > 1 || $10 <= 0 || $10 >= 1 || $11 <= 0 || $12 <= 0) { bad = 1 } END { exit bad || NR != 7 }' tiny.history.csv ||
    fail "the history: $(cat tiny.history.csv)"

run eval tiny.safetensors --data folder:shapes
expect_code 0
expect out '^accuracy +[0-9.]+%  \([0-9]+ of 24 images; 95% interval [0-9.]+% to [0-9.]+%\)$'
expect out '^loss +[0-9.]+$'
expect out '^ece +[0-9.]+%  \(expected calibration error'
expect_not out '^unlike'
expect out '^class +precision +recall +images$'
expect out '^left +([0-9.]+%|-) +[0-9.]+% +8$'
expect out '^ +left +right +top$'
accuracy=$(awk '/^accuracy/ { print int($2) }' out)
[ "$accuracy" -ge 90 ] || fail "shapes that differ so much are told apart in $accuracy% only"
awk 'length($0) > 110 { exit 1 }' out || fail "$ran: a line of more than 110 columns"
expect_empty err

run eval tiny.safetensors --data folder:shapes --json
expect_code 0
expect_json
if command -v jq >/dev/null; then
    jq -e '.images == 24 and (.interval[0] <= .accuracy and .accuracy <= .interval[1]) and (.confusion | length) == 3
           and ([.confusion[][]] | add) == 24 and ([.classes[].name] == ["left", "right", "top"])
           and .correct == ([.confusion[0][0], .confusion[1][1], .confusion[2][2]] | add)' out >/dev/null ||
        fail "$ran: figures that do not agree: $(cat out)"
fi

# One picture: three classes; several: one each, in their order; folders by name; standard input.
picture=shapes/test/left/0.bmp
run classify tiny.safetensors $picture
expect_code 0
expect out "^$picture: [0-9.]+% left  [0-9.]+% (right|top)  [0-9.]+% (right|top)$"
expect_empty err
sed 's/^[^:]*: //' out >named
"$CNN" classify tiny.safetensors - <$picture >out 2>err || fail "classify - fails: $(cat err)"
sed 's/^-: //' out | cmp -s - named || fail "standard input is classified otherwise: $(cat out)"
run classify tiny.safetensors --top=2 $picture shapes/test/top/1.bmp
expect_code 0
[ "$(cut -d: -f1 out | tr '\n' ' ')" = "$picture shapes/test/top/1.bmp " ] || fail "$ran: order: $(cat out)"
expect out '^[^ ]+: [0-9.]+% [a-z]+  [0-9.]+% [a-z]+$'
run classify tiny.safetensors --top 99 $picture
expect_code 0
run classify tiny.safetensors shapes/test/right
expect_code 0
[ "$(cut -d: -f1 out | tr '\n' ' ')" = "$(printf 'shapes/test/right/%d.bmp ' 0 1 2 3 4 5 6 7)" ] || fail "$ran: $(cat out)"
run classify tiny.safetensors --json --top 1 shapes/test/right/
expect_code 0
expect_json
expect out '^\{"file":"shapes/test/right/0\.bmp","classes":\[\{"class":"right","probability":[01]\.[0-9]+\}\]\}$'

# Bad pictures are told of, the others classified.
echo text >note.png
run classify tiny.safetensors note.png $picture absent.png
expect_code 1
[ "$(wc -l <out)" -eq 1 ] || fail "$ran: the good picture: $(cat out)"
[ "$(wc -l <err)" -eq 2 ] || fail "$ran: two bad pictures: $(cat err)"
expect err '^cnn: .*note\.png'
expect err '^cnn: .*absent\.png'

# A name may hold anything; a line stays a line.
cp $picture $'new\nline\x1b.bmp'
run classify tiny.safetensors $'new\nline\x1b.bmp' --top 1
expect_code 0
expect out '^new\?line\?\.bmp: '

run info tiny.safetensors
expect_code 0
expect out '^tiny\.safetensors: a trained model$'
expect out '^input +8x8x1$'
expect out '^conv1 +8x8x4 +40 +2,304  conv filters=4 padding=same'
expect out '^total +235 '
expect out '^classes +left, right, top$'
expect out '^training +epochs=6 batch=8 val=0\.25'
expect out '^trained on +folder, 48 images'
expect out '^seed +1$'
expect out '^validation accuracy +[0-9.]+%$'
expect out '^temperature +[0-9.]+$'
expect_not out '^familiarity'
expect_empty err
run info tiny.recipe
expect_code 0
expect out '^tiny\.recipe: a recipe$'
expect out '^total +235 '
expect_not out '^classes'
cp tiny.recipe recipe-by-content
run info recipe-by-content
expect_code 0
expect out ': a recipe$'
for file in tiny.safetensors tiny.recipe; do
    run info $file --json
    expect_code 0
    expect_json
    expect out '"parameters":235'
done

# The recipe in a model file trains the same model again.
if command -v jq >/dev/null; then
    "$CNN" info tiny.safetensors --json | jq -r .recipe >again.recipe
    run train again.recipe --data folder:shapes --quiet
    cmp -s tiny.safetensors again.safetensors || fail "the model's own recipe trains another model"
fi

# --set and --epochs reach the model; --out names all files; --quiet is silent; --json talks in objects.
mkdir models
run train tiny.recipe --data folder:shapes --out models/one.safetensors --set lr=0.02 --set conv1.filters=6 --epochs 2 \
    --quiet
expect_code 0
expect_empty out
expect_empty err
[ "$(ls models | tr '\n' ' ')" = "one.history.csv one.safetensors " ] || fail "models/ holds $(ls models)"
run info models/one.safetensors
expect out 'conv filters=6 padding'
expect out '^training +epochs=2 batch=8 lr=0\.02'
run train tiny.recipe --data folder:shapes --out=models/two --epochs=2 --json
expect_code 0
expect_json
expect_empty err
[ "$(grep -c '"event":"epoch"' out)" -eq 2 ] || fail "$ran: epochs: $(cat out)"
expect out '^\{"event":"start",'
expect out '^\{"event":"done","model":"models/two",'
[ -s models/two ] && [ -s models/two.history.csv ] || fail "models/ holds $(ls models)"

# What a recipe says of temperature and familiarity is the model's; below the threshold pictures are unlike the others.
for least in -1000 1000; do
    run train tiny.recipe --data folder:shapes --epochs 1 --out sure.safetensors --json \
        --set temperature=0.75 --set familiarity=$least
    expect_code 0
    expect out "^\{\"event\":\"done\",.*\"temperature\":0\.75,\"familiarity\":$least\.0\}$"
    run info sure.safetensors
    expect out '^temperature +0\.75$'
    expect out "^familiarity from +$least$"
    run classify sure.safetensors $picture
    ((least < 0)) || expect out '^[^ ]+: .*[a-z]  \(unlike the training images\)$'
    ((least > 0)) || expect_not out 'unlike'
    run classify sure.safetensors --json $picture
    expect out ",\"familiar\":$(((least < 0)) && echo true || echo false)\}$"
    run eval sure.safetensors --data folder:shapes
    expect out "^unlike +$(((least < 0)) && echo '0\.00%  \(0 images' || echo '100\.00%  \(24 images') unlike the training images\)$"
    run eval sure.safetensors --data folder:shapes --json
    expect out "\"calibration_error\":0\.[0-9]+,.*\"unfamiliar\":$(((least < 0)) && echo 0 || echo 24)\}$"
done

# Without images held back there is nothing to validate.
run train tiny.recipe --data folder:shapes --set val=0 --epochs 1 --out plain.safetensors
expect_code 0
expect out 'training accuracy'
expect_not err 'held back|val (loss|accuracy)'
awk -F, 'NR == 2 && (NF != 12 || $4 != "" || $5 != "") { exit 1 }' plain.history.csv || fail "$(cat plain.history.csv)"
finish
