#!/usr/bin/env bash
# Where results cannot be written: a full disk, a closed standard output, a reader that goes away.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
"$CNN" train tiny.recipe --data folder:shapes --quiet || fail "training"

commands=("--help" "help recipe" "train --help" "info tiny.safetensors" "info tiny.recipe --json"
    "eval tiny.safetensors --data folder:shapes" "eval tiny.safetensors --data folder:shapes --json"
    "classify tiny.safetensors shapes/test/left" "classify tiny.safetensors shapes/test/left --json"
    "train tiny.recipe --data folder:shapes --epochs 1 --out other --json")
for words in "${commands[@]}"; do
    if [ -c /dev/full ]; then
        "$CNN" $words >/dev/full 2>err
        [ $? -eq 1 ] || fail "cnn $words on a full disk: not exit status 1"
        grep -qx 'cnn: cannot write to standard output: No space left on device' err || fail "cnn $words: $(cat err)"
        [ "$(wc -l <err)" -eq 1 ] || fail "cnn $words on a full disk: $(cat err)"
    fi
    "$CNN" $words >&- 2>err
    [ $? -eq 1 ] || fail "cnn $words with a closed standard output: not exit status 1"
    grep -qx 'cnn: cannot write to standard output: Bad file descriptor' err || fail "cnn $words: $(cat err)"
    { "$CNN" $words 2>err; echo $? >code; } | true
    grep -q 'standard output' err && fail "cnn $words into a closed pipe complains: $(cat err)"
    [ "$(cat code)" -le 1 ] || fail "cnn $words into a closed pipe: exit status $(cat code)"
done

# Whatever is closed, files are written whole: none takes the place of a standard stream.
"$CNN" train tiny.recipe --data folder:shapes --out closed.safetensors <&- >&- 2>&-
cmp -s tiny.safetensors closed.safetensors || fail "closed standard streams change the model"

# A disk that is full, at each size of the room that is left: the old files stay.
[ "$(id -u)" -eq 0 ] && mkdir disk && mount -t tmpfs -o size=64k,mode=700 cnn-test disk 2>/dev/null || {
    echo "no right to mount a small disk: writing to a full one is tested for standard output only"
    finish
    exit 0
}
trap 'umount disk; rm -rf "$work"' EXIT
cp tiny.safetensors tiny.history.csv disk/
before=$(cksum disk/tiny.safetensors disk/tiny.history.csv)
for room in 0 4096 8192 12288; do
    rm -f disk/filler
    free=$(df --output=avail -B1 disk | tail -n 1)
    [ "$free" -le "$room" ] || head -c $((free - room)) /dev/zero >disk/filler
    "$CNN" train tiny.recipe --data folder:shapes --seed 9 --set conv1.filters=64 --out disk/tiny.safetensors \
        --quiet >out 2>err
    code=$?
    [ "$code" -eq 1 ] || fail "training with $room bytes left on the disk: exit status $code"
    grep -q '^cnn: .*No space left on device' err || fail "$room bytes left: $(cat err)"
    [ "$(wc -l <err)" -eq 1 ] || fail "$room bytes left: $(cat err)"
    [ "$(cksum disk/tiny.safetensors)" = "${before%%$'\n'*}" ] || fail "a full disk has changed the model"
    rm -f disk/tiny.checkpoint
    [ "$(ls disk | tr '\n' ' ')" = "filler tiny.history.csv tiny.safetensors " ] || fail "a full disk: left $(ls disk)"
done
finish
