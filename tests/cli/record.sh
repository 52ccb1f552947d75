#!/usr/bin/env bash
# eval --record: the accuracy goes into the model's file, once for each --tta, and nothing else in it changes.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
run train tiny.recipe --data folder:shapes --epochs 1 --quiet
expect_code 0
cp tiny.safetensors before.safetensors

# entry KEY: its value in the file's metadata, as JSON of info has it.
entry() {
    "$CNN" info tiny.safetensors --json | sed -n 's/.*"'"${1//./\\.}"'":"\([^"]*\)".*/\1/p'
}

# measured TTA: the accuracy that eval tells.
measured() {
    "$CNN" eval tiny.safetensors --data folder:shapes --tta "$1" --json | sed 's/.*"accuracy":\([0-9.]*\).*/\1/'
}

# same A B: as numbers, to the nine digits that eval tells
same() {
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && b != "" && (a - b) ^ 2 < 1e-16) }'
}

run info tiny.safetensors
expect_not out '^test'
run eval tiny.safetensors --data folder:shapes
cp out unrecorded
run eval tiny.safetensors --data "folder:$PWD/shapes" --record
expect_code 0
cmp -s out unrecorded || fail "$ran: other figures: $(cat out)"
[ "$(cat err)" = "recorded in tiny.safetensors" ] || fail "$ran: $(cat err)"
same "$(entry accuracy.test)" "$(measured none)" || fail "recorded is $(entry accuracy.test), not $(measured none)"
[[ $(entry accuracy.test.data) =~ ^folder,\ 24\ images,\ crc32\ [0-9a-f]{8}$ ]] ||
    fail "measured on '$(entry accuracy.test.data)'"
[ -z "$(entry accuracy.test.flip)" ] || fail "recorded with views that were not asked for"
! grep -qaF "$PWD" tiny.safetensors || fail "the file has a path in it"
run info tiny.safetensors
expect out '^test accuracy +[0-9.]+%  \(folder, 24 images, crc32 [0-9a-f]{8}\)$'

# Apart from the record and the checksum the file is what it was, and recording again changes nothing.
# stripped FILE: without these, and without what follows from the header's length.
stripped() {
    tail -c +9 "$1" | LC_ALL=C sed -e 's/"accuracy\.test[a-z.-]*":"[^"]*",//g; s/"crc32":"[0-9a-f]*"//; s/}} */}}/'
}
cmp <(stripped tiny.safetensors) <(stripped before.safetensors) || fail "--record has changed more than it should"
! cmp -s tiny.safetensors before.safetensors || fail "--record has changed nothing"
[ "$(ls | grep -c safetensors)" -eq 2 ] || fail "other files are left: $(ls)"
cp tiny.safetensors once.safetensors
run eval tiny.safetensors --data folder:shapes --record --json
expect_code 0
expect_json
cmp tiny.safetensors once.safetensors || fail "recorded twice, the file differs"

# With other views it is another record; with other images the record is replaced.
for tta in flip flip+shift; do
    run eval tiny.safetensors --data folder:shapes --record --tta $tta
    expect_code 0
    key=accuracy.test.${tta/+/-}
    same "$(entry $key)" "$(measured $tta)" || fail "$key is $(entry $key), not $(measured $tta)"
    [ "$(entry $key.data)" = "$(entry accuracy.test.data)" ] || fail "$key.data is '$(entry $key.data)'"
done
same "$(entry accuracy.test)" "$(measured none)" || fail "without views recorded is $(entry accuracy.test)"
run info tiny.safetensors
expect out '^test, flip +[0-9.]+%  \(folder, 24'
expect out '^test, flip\+shift +[0-9.]+%  \(folder, 24'
cmp <(stripped tiny.safetensors) <(stripped before.safetensors) || fail "--tta --record has changed more than it should"
mkdir fewer
cp -r shapes/train shapes/test fewer
rm fewer/test/left/0.bmp
run eval tiny.safetensors --data folder:fewer --record
expect_code 0
[[ $(entry accuracy.test.data) == "folder, 23 images, "* ]] || fail "not replaced: '$(entry accuracy.test.data)'"
[[ $(entry accuracy.test.flip.data) == "folder, 24 images, "* ]] || fail "replaced: '$(entry accuracy.test.flip.data)'"

# What is refused leaves the file as it was.
cp tiny.safetensors last.safetensors
refuse 2 "eval: --record takes a single MODEL" eval tiny.safetensors before.safetensors --data folder:shapes --record
refuse 2 "eval: --record does not go with --tune" eval tiny.safetensors --data folder:shapes --record --tune
refuse 1 "absent" eval tiny.safetensors --data folder:absent --record
refuse 1 "no regular file" eval <(cat tiny.safetensors) --data folder:shapes --record
cmp tiny.safetensors last.safetensors || fail "a refused command has changed the file"
finish
