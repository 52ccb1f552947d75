#!/usr/bin/env bash
# `kill -9` at random moments of a training that saves a checkpoint after each of its short epochs: kill.sh [ROUNDS [SEED]].
# Half of the kills strike by the clock, half by order of the preloaded library within a save: before or after one of its
# calls, or with half of the bytes written. After each, the model is the old or the new; the checkpoint is that of the
# last epoch or the one before, and resumed, in a copy, ends in the model of an undisturbed training. The training itself
# is resumed too, and killed again, until it is through; then another begins.
. "${SOURCE:?the repository}/tests/faults/common.bash" || exit 1
rounds=${1:-${CNN_LONG:+300}} seed=${2:-1}
rounds=${rounds:-10}
RANDOM=$seed
epochs=40
make_start
options=(small.recipe --data mnist:idx --epochs $epochs --set conv1.filters=24 --set lr=0.005)

# train FOLDER ASSIGNMENT...: begins, or goes on, in the folder.
train() {
    local folder=$1 resume=()
    shift
    [ ! -e "$folder/new.checkpoint" ] || resume=(--resume)
    exec env "$@" "$CNN" train "${options[@]}" --out "$folder/new.safetensors" --threads $threads \
        "${resume[@]}" >out 2>err
}

begin() {
    rm -rf run
    mkdir run
    cp old.safetensors run/new.safetensors
    shown=0
}

# The last epoch that the file err tells of: done, or resumed from.
last_epoch() {
    sed -n 's/^epoch *\([0-9]*\)\/.*/\1/p; s/^training .* resumed after epoch \([0-9]*\).*/\1/p' err | tail -n 1
}

# Files that a kill within a save has left in the run's folder.
count_temporary() {
    find run -name '*.tmp.*' | wc -l
}

# Whether new.safetensors in the folder is the undisturbed one.
is_new() {
    cmp -s "$1/new.safetensors" undisturbed.safetensors
}

threads=1
begun=$(date +%s%N)
begin
(train run)
milliseconds=$((($(date +%s%N) - begun) / 1000000))
cp run/new.safetensors undisturbed.safetensors
[ "$(last_epoch)" -eq $epochs ] || fail "undisturbed: $(cat err)"

how=(kill after half)
declare -A tally=([newest]=0 [previous]=0 [none]=0 [complete]=0)
kills=0 ordered=0 inside=0 finished=0 left=0
begin
while [ $kills -lt "$rounds" ]; do
    rm -f log
    : >err # where the kill comes before the command, it holds the last one's
    before=$(count_temporary)
    threads=$((1 + RANDOM % 2)) order=() delay=
    if [ $((2 * ordered)) -le $kills ]; then
        order=(LD_PRELOAD="$INTERPOSE" CNN_FAULT_LOG=log CNN_FAULT_MATCH=.tmp.
            CNN_FAULT=any:$((1 + RANDOM % 60)):${how[RANDOM % 3]})
    else
        delay=$(printf '0.%03d' $((RANDOM % milliseconds % 1000)))
    fi
    (train run "${order[@]}") &
    job=$!
    [ -z "$delay" ] || { sleep "$delay" && kill -9 $job 2>/dev/null; }
    wait $job 2>/dev/null
    code=$?
    epoch=$(last_epoch)
    shown=${epoch:-$shown}
    is_new run || cmp -s run/new.safetensors old.safetensors || fail "round $kills: neither the old model nor the new"
    if [ $code -ne 137 ]; then # it was through before the kill
        [ $code -eq 0 ] && is_new run && [ ! -e run/new.checkpoint ] || fail "round $kills: status $code: $(cat err)"
        finished=$((finished + 1))
        left=$((left + $(count_temporary)))
        begin
        continue
    fi
    kills=$((kills + 1))
    if grep -qs '^fault' log; then
        ordered=$((ordered + 1)) inside=$((inside + 1))
    elif [ "$(count_temporary)" -gt "$before" ]; then
        inside=$((inside + 1))
    fi
    if [ -e run/new.checkpoint ]; then
        rm -rf copy
        cp -r run copy
        cp err killed
        (train copy) || fail "round $kills: the checkpoint cannot be resumed: $(cat err)"
        is_new copy || fail "round $kills: resumed, another model"
        from=$(sed -n 's/^training .* resumed after epoch \([0-9]*\).*/\1/p' err)
        if [ "${from:-0}" -eq "$shown" ]; then
            what=newest
        elif [ "${from:-0}" -eq $((shown - 1)) ]; then
            what=previous
        else
            fail "round $kills: after epoch $shown the checkpoint is of '$from': $(tail -n 2 killed)"
        fi
    elif is_new run; then
        what=complete
        left=$((left + $(count_temporary)))
        begin
    else
        what=none
        [ "$shown" -le 1 ] || fail "round $kills: epoch $shown, and no checkpoint"
    fi
    tally[$what]=$((tally[$what] + 1))
done
echo "seed $seed: $kills kills, $inside within a save ($ordered of them by order), $finished trainings ended before the kill;" \
    "checkpoint: ${tally[newest]} newest, ${tally[previous]} previous, ${tally[none]} before the first," \
    "${tally[complete]} after the last; $((left + $(count_temporary))) temporary files left"
[ $((3 * inside)) -ge $kills ] || fail "fewer than a third of the kills fell within a save"
finish
