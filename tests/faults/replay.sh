#!/usr/bin/env bash
# What a power failure leaves of a save. The calls of a training over an old model, and of `eval --record`, are recorded
# and replayed up to each, with all that was not synced lost, or not (replay.py): model, checkpoint and history are the old
# or the new, whole, and each of these versions is loaded and gives what it must.
. "${SOURCE:?the repository}/tests/faults/common.bash" || exit 1
command -v python3 >/dev/null || skip "python3 is not there"
make_start
train=(train ../small.recipe --data mnist:../idx --out new.safetensors --quiet --threads 1)

# recorded ARGUMENTS...: runs the command in the folder case, whose files stand beside as they were, and replays its calls.
recorded() {
    ran="cnn $*"
    (cd case && preloaded CNN_FAULT_LOG=log "$CNN" "$@") >out 2>err
    code=$?
    expect_code 0
}

replayed() {
    (cd case && python3 "$SOURCE/tests/faults/replay.py" log "$@") >out 2>err || fail "replay of $ran: $(cat err)"
    echo "cnn ${ran:4:5}...: $(cat out)"
}

mkdir case
cp old.safetensors case/new.safetensors
cp old.safetensors case/new.safetensors.0
recorded "${train[@]}"
replayed new.safetensors new.checkpoint new.history.csv
cmp case/new.safetensors.1 case/new.safetensors || fail "the new model is another"
versions=0
for checkpoint in case/new.checkpoint.[1-9]*; do
    [ -s "$checkpoint" ] || continue
    versions=$((versions + 1))
    rm -rf resumed
    mkdir resumed
    cp "$checkpoint" resumed/new.checkpoint
    (cd resumed && "$CNN" "${train[@]}" --resume) >out 2>err || fail "$checkpoint cannot be resumed: $(cat err)"
    cmp resumed/new.safetensors case/new.safetensors || fail "$checkpoint resumed ends in another model"
done
[ $versions -eq 3 ] || fail "$versions checkpoints in three epochs"

rm -rf case
mkdir case
cp old.safetensors case/new.safetensors
cp old.safetensors case/new.safetensors.0
recorded eval new.safetensors --data mnist:../idx --record --threads 1
replayed new.safetensors
run info case/new.safetensors.1
expect_code 0
expect out '^test accuracy'
finish
