#!/usr/bin/env bash
# A disk that is full after any number of bytes, and a folder that cannot be written: by order of the preloaded library,
# and for root on a small file system of its own. Training then fails with one line that says why, old files stay, and
# where a checkpoint is left, it goes on once there is room.
. "${SOURCE:?the repository}/tests/faults/common.bash" || exit 1
make_start
step=1500
[ -z "$long" ] || step=37

train() { # FOLDER COMMAND-PREFIX... : into the folder
    local folder=$1
    shift
    ran="$* cnn train in $folder"
    "$@" "$CNN" train small.recipe --data mnist:idx --out "$folder/new.safetensors" --quiet --threads 1 $resume >out 2>err
    code=$?
}

# check FOLDER REASON: the run has failed as it should.
check() {
    expect_code 1
    [ "$(wc -l <err)" -eq 1 ] || fail "$ran: not one line: $(cat err)"
    expect err "^cnn: cannot write '$1/new\..*: $2"
    cmp -s "$1/new.safetensors" old.safetensors || fail "$ran: the old model is gone"
    [ -z "$(ls "$1" | grep -vx 'new\.safetensors\|new\.checkpoint\|new\.history\.csv')" ] || fail "$ran: left: $(ls "$1")"
}

# goes_on FOLDER: with room again, the training ends as if nothing had been.
goes_on() {
    resume=
    [ ! -e "$1/new.checkpoint" ] || resume=--resume
    train "$1" env
    resume=
    expect_code 0
    cmp -s "$1/new.safetensors" new.safetensors || fail "$ran: another model after a full disk"
}

resume=
train .
expect_code 0

# Room for so many bytes.
runs=0
for ((room = 0; ; room += step)); do
    rm -rf small
    mkdir small
    cp old.safetensors small/new.safetensors
    train small preloaded CNN_FAULT_ROOM=$room
    [ $code -ne 0 ] || break
    check small "No space left on device"
    goes_on small
    runs=$((runs + 1))
done
[ $runs -gt 2 ] || fail "the disk was full in $runs trainings only"
cmp -s small/new.safetensors new.safetensors || fail "$ran: another model"

# No folder that can be written, from the K-th change on: at once, and in the middle of a training.
for ((k = 1; ; k++)); do
    rm -rf small
    mkdir small
    cp old.safetensors small/new.safetensors
    train small preloaded "CNN_FAULT=create,write,rename,unlink,mkdir:$k+:EROFS"
    [ $code -ne 0 ] || break
    [ $k -gt 1 ] || [ "$(ls small)" = new.safetensors ] || fail "$ran: files in a folder that cannot be written"
    if ! grep -q "Read-only file system" err || [ "$(wc -l <err)" -ne 1 ] || ! cmp -s small/new.safetensors old.safetensors; then
        fail "$ran: $(cat err)"
    fi
    goes_on small
done
grep -q "cannot remove 'small/new.checkpoint': Read-only file system" err || fail "$ran: not the last change: $(cat err)"
echo "$runs full disks, $((k - 1)) folders that could not be written"

# The same on a real one.
rm -rf small
mkdir small
if mount -t tmpfs -o size=48k none small 2>/dev/null; then
    trap 'umount "$work/small"; rm -rf "$work"' EXIT
    failed=0
    for ((pages = 0; pages < 12; pages++)); do
        cp old.safetensors small/new.safetensors
        head -c $((pages * 4096)) /dev/zero >small/filler
        train small env
        if [ $code -ne 0 ]; then
            rm small/filler
            failed=$((failed + 1))
            check small "No space left on device"
            goes_on small
        fi
        rm -f small/*
    done
    [ $failed -gt 2 ] || fail "the file system was full in $failed trainings only"
    echo "$failed trainings on a file system that was full"
    cp old.safetensors small/new.safetensors
    mount -o remount,ro small
    train small env
    check small "Read-only file system"
    mount -o remount,rw small
    goes_on small
else
    echo "a real file system is not tried: mount needs root"
fi
finish
