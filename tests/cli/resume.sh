#!/usr/bin/env bash
# The model is a function of recipe, data and seed: not of the threads, nor of stops and resumptions.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes

train() {
    local out=$1
    shift
    run train tiny.recipe --data folder:shapes --out "$out.safetensors" "$@"
}

train one --threads 1
expect_code 0
train two --threads 2
expect_code 0
cmp -s one.safetensors two.safetensors || fail "one and two threads train different models"
train other --seed 2
cmp -s one.safetensors other.safetensors && fail "another seed trains the same model"

# stop SECONDS SIGNAL COMMAND...: runs the command, sends it the signal so many seconds after its training began, and
# leaves its exit status in $code. Job control gives the command a terminal's handling of SIGINT.
stop() {
    local seconds=$1 signal=$2 job
    shift 2
    ran=$*
    rm -f out err # the last command's, which may say "training" too
    set -m
    "$@" >out 2>err &
    job=$!
    set +m
    until grep -qs '^training' err || ! kill -0 $job 2>/dev/null; do
        sleep 0.02
    done
    sleep "$seconds"
    kill "-$signal" $job 2>/dev/null
    wait $job
    code=$?
}

# Stopped again and again by Ctrl-C, within epochs too, and resumed with other numbers of threads; later and later, so
# that a slow machine gets to the end.
cat >tiny.recipe <<'END'
input 8x8x1
conv filters=192 kernel=3 padding=same
batchnorm
relu
conv filters=192 kernel=3 padding=same
relu
dropout rate=0.1
dense units=3
train epochs=25 batch=2 lr=0.0003 val=0.25 schedule=cosine
augment shift=1
END
epochs=25
train whole --quiet
expect_code 0
threads=1 within=0 resume=()
for ((stops = 0; stops < 50; stops++)); do
    stop "$((stops / 10)).$((1 + stops % 3))" INT "$CNN" train tiny.recipe --data folder:shapes --out parts.safetensors \
        --threads $threads "${resume[@]}"
    [ -e parts.checkpoint ] || break
    expect_code 1
    expect err '^stopped (after|in) epoch [0-9]+.*; to go on: .* train .*--resume'
    grep -q '^stopped in epoch' err && within=$((within + 1))
    expect_empty out
    [ ! -e parts.safetensors ] || fail "a stopped training has left a model"
    resume=(--resume) threads=$((3 - threads))
done
expect_code 0
[ "$stops" -gt 0 ] || fail "the training was too fast to be stopped"
[ "$within" -gt 0 ] || fail "no stop fell within an epoch"
expect err '^training .*resumed (after|in) epoch'
cmp -s whole.safetensors parts.safetensors || fail "a training stopped $stops times differs"
[ "$(wc -l <parts.history.csv)" -eq $((epochs + 1)) ] || fail "the history has $(wc -l <parts.history.csv) lines"
cut -d, -f1-6 whole.history.csv >whole.rows
cut -d, -f1-6 parts.history.csv | cmp -s - whole.rows || fail "the history of a stopped training differs"

# The command that a stopped training names is complete, whatever the names are.
mkdir 'it'\''s mine'
cp -r shapes 'it'\''s mine/'
stop 0.2 TERM "$CNN" train tiny.recipe --data "folder:it's mine/shapes" --out "it's mine/a b.safetensors" --epochs 2000
[ $code -eq 1 ] || fail "SIGTERM does not stop a training as SIGINT does: $(tail -n 2 err)"
command=$(sed -n 's/^stopped .*; to go on: //p' err)
stop 0.1 INT bash -c "exec $command"
expect_code 1
grep -q 'resumed [ai].* epoch' err || fail "'$command' does not resume: $(cat err)"

# What --resume refuses, and what it leaves as it was.
cp parts.safetensors before
refuse 1 "no checkpoint 'parts\.checkpoint' to resume from: 'parts\.safetensors' is complete" \
    train tiny.recipe --data folder:shapes --out parts.safetensors --resume
refuse 1 "no checkpoint 'new\.checkpoint' to resume from; leave out --resume" \
    train tiny.recipe --data folder:shapes --out new.safetensors --resume
cmp -s parts.safetensors before || fail "a refused --resume has changed the model"
cp "it's mine/a b.checkpoint" new.checkpoint
cp new.checkpoint before
refuse 1 'new\.checkpoint: the checkpoint was made with another recipe' \
    train tiny.recipe --data "folder:it's mine/shapes" --out new.safetensors --epochs 7 --resume
rm "it's mine/shapes/train/left/3.bmp"
refuse 1 'new\.checkpoint: the checkpoint was made with other data' \
    train tiny.recipe --data "folder:it's mine/shapes" --out new.safetensors --epochs 2000 --resume
head -c 1000 before >new.checkpoint
refuse 1 'new\.checkpoint' train tiny.recipe --data folder:shapes --out new.safetensors --epochs 2000 --resume
refuse 1 'checkpoint' eval before --data folder:shapes

# An earlier training's checkpoint is named before a new one begins, and gone when that is done.
cp before new.checkpoint
train new --epochs 6
expect_code 0
expect err "^note: the checkpoint 'new\.checkpoint' of an earlier training"
[ ! -e new.checkpoint ] || fail "the checkpoint outlives the training"
train fresh --epochs 6
cmp -s new.safetensors fresh.safetensors || fail "an old checkpoint changes a new training"
finish
