#!/usr/bin/env bash
# What a person sees: one live line on a terminal, plain lines elsewhere, colours unless NO_COLOR asks for none.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
command -v script >/dev/null || skip "the program 'script' makes the terminal"
make_shapes

# watch COLUMNS ENVIRONMENT... -- ARGUMENTS...: what the program shows on a terminal, in the file seen.
watch() {
    local columns=$1 environment=()
    shift
    while [ "$1" != -- ]; do
        environment+=("$1")
        shift
    done
    shift
    ran="cnn $* on a terminal"
    env -u NO_COLOR TERM=xterm LC_ALL=C "${environment[@]}" \
        script -qec "stty cols $columns 2>/dev/null; '$CNN' $*" /dev/null </dev/null >seen 2>&1
    code=$?
}
train="train tiny.recipe --data folder:shapes --epochs 30"

watch 100 -- "$train"
expect_code 0
expect seen $'\r\033\\[K'
expect seen 'epoch +[0-9]+/30 .*#.* +[0-9]+% +[0-9,]+ images/s  loss [0-9.]+  acc +[0-9.]+%  [0-9:]+ left'
expect seen $'\033\\[1m'
[ "$(grep -c 'epoch .*lr ' seen)" -eq 30 ] || fail "not one kept line an epoch"
expect seen 'tiny\.safetensors: 30 epochs'
# Ten redraws a second at the most, each line erased before the next.
seconds=$(sed -n 's/.*30 epochs in \([0-9]*\).*/\1/p' seen)
redraws=$(grep -o ' left' seen | wc -l)
[ "$redraws" -ge 1 ] && [ "$redraws" -le $((10 * (seconds + 2))) ] || fail "$redraws redraws in $seconds s"

watch 100 NO_COLOR=1 -- "$train"
expect_not seen $'\033\\[[0-9]*m'
expect seen $'\r\033\\[K'
watch 100 NO_COLOR= -- "$train"
expect seen $'\033\\[1m'
watch 100 TERM=dumb -- "$train"
expect_not seen $'\033'
watch 100 LC_ALL=C.UTF-8 -- "$train"
expect seen '━'

# However narrow, a redrawn line takes one row.
for columns in 1 8 30 60; do
    watch $columns NO_COLOR=1 -- "$train"
    expect_code 0
    tr '\r' '\n' <seen | sed -n $'s/^\033\\[K//p' | grep -v ' lr \|^tiny\|^history\|^next' |
        awk -v columns=$columns 'length($0) >= columns && columns > 1 { exit 1 }' ||
        fail "a live line of more than $columns columns"
done

watch 100 -- "$train --quiet"
[ ! -s seen ] || fail "--quiet shows $(head -c 200 seen)"
watch 100 -- "$train --json"
expect_not seen $'\033'

# Into a pipe there are plain lines, on a terminal's stdout colours only in the matrix.
"$CNN" $train 2>&1 | cat >seen
expect_not seen $'\033|\r'
watch 100 -- "eval tiny.safetensors --data folder:shapes"
expect seen $'\033\\[32m'
watch 100 NO_COLOR=1 -- "eval tiny.safetensors --data folder:shapes"
expect_not seen $'\033'
finish
