#!/usr/bin/env bash
# Folders and lists of pictures in which some are bad: each bad one is told of in one line, all others are classified in
# their order, and the exit status says that something was missing.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
run train tiny.recipe --data folder:shapes --epochs 1 --quiet
expect_code 0

# ---- a folder with pictures of every kind of badness between good ones
mkdir mixed
for name in 00 02 04 06 08 10 12 14 16; do
    cp shapes/test/left/0.bmp mixed/$name.bmp
done
echo 'this is no picture' >mixed/01.png
head -c 100 shapes/test/left/0.bmp >mixed/03.bmp
: >mixed/05.jpg
ln -s nowhere mixed/07.png
mkdir mixed/09.png
{ printf 'BM' && bytes 0 0 0 0 0 0 0 0 54 0 0 0 40 0 0 0 255 255 255 127 255 255 255 127 1 0 24 0 && head -c 24 /dev/zero; } \
    >mixed/11.bmp
{ head -c 20 "$SOURCE/data/samples/digit-2.png" && tail -c +22 "$SOURCE/data/samples/digit-2.png"; } >mixed/13.png
mkfifo mixed/15.png
echo 'passed over' >mixed/notes.txt
good=(mixed/{00,02,04,06,08,10,12,14,16}.bmp)
bad=(mixed/{01.png,03.bmp,05.jpg,07.png,09.png,11.bmp,13.png,15.png})

# names_in FILE: the pictures that the lines of results are about.
names_in() {
    sed -E 's/^\{"file":"([^"]*)".*/\1/; s/: .*//' "$1"
}

# expect_mixed: the good ones in their order on stdout, a line for each bad one, in its order, on stderr; status 1.
expect_mixed() {
    expect_code 1
    [ "$(names_in out)" = "$(printf '%s\n' "${good[@]}")" ] || fail "$ran: classified: $(names_in out)"
    [ "$(wc -l <err)" -eq ${#bad[@]} ] || fail "$ran: ${#bad[@]} bad pictures: $(cat err)"
    local i
    for ((i = 0; i < ${#bad[@]}; i++)); do
        sed -n "$((i + 1))p" err | grep -q "^cnn: .*${bad[i]}" || fail "$ran: nothing about ${bad[i]}: $(cat err)"
    done
}
run classify tiny.safetensors mixed
expect_mixed
expect err '01\.png: not a JPEG, PNG or BMP picture'
expect err '03\.bmp: the picture is cut short'
expect err '05\.jpg: the file is empty'
expect err "'mixed/07\.png': No such file"
expect err "'mixed/09\.png': it is a folder"
expect err '11\.bmp: 2147483647x2147483647 pixels are too many'
expect err '13\.png: the picture is (damaged|cut short)'
expect err "'mixed/15\.png'.*no regular file"
run classify tiny.safetensors mixed/ --json
expect_mixed
expect_json

# ---- the same as operands, but for the pipe, which is waited for where it is named
rm mixed/15.png
unset 'bad[-1]'
run classify tiny.safetensors "${good[@]:0:4}" "${bad[@]}" "${good[@]:4}"
expect_mixed

# ---- what cannot be read at all does not stop the others either
run classify tiny.safetensors absent.png shapes/test/right/0.bmp mixed/01.png shapes/test/top
expect_code 1
[ "$(wc -l <out)" -eq 9 ] || fail "$ran: 9 pictures can be read: $(cat out)"
[ "$(wc -l <err)" -eq 2 ] || fail "$ran: 2 pictures cannot be read: $(cat err)"
mkdir bad
cp mixed/01.png mixed/05.jpg bad
run classify tiny.safetensors bad
expect_code 1
expect_empty out
[ "$(wc -l <err)" -eq 2 ] || fail "$ran: $(cat err)"
run classify tiny.safetensors mixed/00.bmp mixed/02.bmp
expect_code 0
expect_empty err

# ---- training passes over bad pictures, says how many, and learns from the others
cp -r shapes spoiled
cp mixed/01.png mixed/03.bmp mixed/05.jpg mixed/11.bmp spoiled/train/left
run train tiny.recipe --data folder:spoiled --epochs 1 --out spoiled.safetensors
expect_code 0
expect err '4 .*(picture|image|file)'
finish
