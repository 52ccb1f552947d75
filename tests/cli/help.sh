#!/usr/bin/env bash
# Help, version, and what is said of a wrong command line: nothing is read or written, the exit status is 2.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1

run --version
expect_code 0
expect out '^cnn [0-9]+\.[0-9]+\.[0-9]+$'
expect_empty err

for words in --help -h help; do
    run $words
    expect_code 0
    expect out 'Usage: cnn COMMAND'
    expect out '^Exit status: 0 done, 1 failed, 2 wrong usage\.$'
    expect out '^  CNN_ISA +.*baseline, x86-64-v3 or x86-64-v4'
    for command in train compare eval classify info inspect help; do
        expect out "^  $command "
    done
    expect_empty err
done

for command in train compare eval classify info inspect help; do
    run $command --help
    expect_code 0
    expect out "^Usage: cnn $command "
    expect out '^  --help '
    expect out '^Exit status: 0 .*, 1 .*, 2 wrong usage\.$'
    expect_empty err
    cp out asked
    run help $command
    cmp -s asked out || fail "'cnn help $command' is not 'cnn $command --help'"
    awk 'length($0) > 100 { exit 1 }' out || fail "$ran: a line of more than 100 columns"
done
options() { # COMMAND OPTION...
    run "$1" --help
    shift
    for option in "$@" help; do
        expect out "^  --$option "
    done
    [ "$(grep -c '^  --' out)" -eq $(($# + 1)) ] || fail "$ran: other options: $(cat out)"
}
options train data out epochs seed threads resume set tune inspect json quiet
options compare data out vary seeds test tta reach epochs set threads json quiet
options inspect data split set images seed threads json

run help recipe
expect_code 0
for word in input conv relu leakyrelu prelu elu selu gelu silu softplus sigmoid tanh softsign abs linear maxout maxpool \
    avgpool globalavgpool dense dropout batchnorm residual train augment; do
    expect out "\b$word\b"
done
expect_empty err
for word in auto he-normal he-uniform glorot-normal glorot-uniform lecun-normal lecun-uniform uniform normal orthogonal \
    dirac zeros; do
    expect out "^    $word +[a-z]" # what the words of init= mean
done

refuse 2 'no command given'
refuse 2 "unknown command 'trian': did you mean 'train'\?" trian
refuse 2 "unknown command 'frobnicate'; 'cnn --help'" frobnicate
refuse 2 "unknown option '--frobnicate'" --frobnicate
refuse 2 "unknown topic 'recipes': did you mean 'recipe'\?" help recipes
refuse 2 "help: unexpected argument 'eval'" help train eval

refuse 2 "train: RECIPE is missing" train
refuse 2 "train: option '--data SPEC' is missing" train x.recipe
refuse 2 "train: unexpected argument 'y'" train x.recipe y --data mnist:.
refuse 2 "train: unknown option '--epoch': did you mean '--epochs'\?" train x.recipe --epoch 3
refuse 2 "train: unknown option '--epoch': did you mean '--epochs'\?" train x.recipe --epoch=3
refuse 2 "train: unknown option '--zzz'; 'cnn train --help'" train --zzz
refuse 2 "train: unknown option '-o'" train -o x
refuse 2 "train: option '--out' needs a value: --out FILE" train x.recipe --out
refuse 2 "train: option '--out' needs a value" train x.recipe --out --json
refuse 2 "train: option '--json' takes no value" train x.recipe --json=yes
for number in 0 -1 1.5 ten 99999999999999999999 "" " 1"; do
    refuse 2 "train: --epochs: '$number' is not a whole number" train x.recipe --data mnist:. --epochs="$number"
done
refuse 2 "train: --seed: '-1' is not a whole number" train x.recipe --data mnist:. --seed=-1
refuse 2 "compare: RECIPE is missing" compare
refuse 2 "compare: option '--data SPEC' is missing" compare x.recipe y.recipe
refuse 2 "compare: option '--out DIR' is missing" compare x.recipe --data mnist:.
refuse 2 "compare: unknown option '--varry': did you mean '--vary'\?" compare x.recipe --varry lr=1
refuse 2 "compare: --reach: '2.5' is not a whole number from 1 to 99" compare x.recipe --reach 2.5
refuse 2 "eval: MODEL is missing" eval
refuse 2 "eval: option '--data SPEC' is missing" eval x.safetensors
refuse 2 "classify: MODEL is missing" classify
refuse 2 "classify: IMAGE\|FOLDER\|- is missing" classify x.safetensors
refuse 2 "classify: IMAGE\|FOLDER\|- is missing" classify --model x.safetensors
refuse 2 "classify: --top: '0' is not a whole number" classify x.safetensors x.png --top 0
refuse 2 "info: MODEL\|RECIPE is missing" info
refuse 2 "info: unexpected argument 'b'" info a b
refuse 2 "inspect: MODEL\|RECIPE is missing" inspect
refuse 2 "inspect: option '--data SPEC' is missing" inspect x.safetensors
refuse 2 "inspect: --split: 'val' is neither 'train' nor 'test'" inspect x.recipe --data mnist:. --split val
refuse 2 "inspect: --split: a recipe is inspected on the images" inspect x.recipe --data mnist:. --split test

# "--" ends the options: what follows is a file's name.
refuse 1 "'?--json'?" info -- --json

[ -z "$(ls | grep -vx -e out -e err -e asked)" ] || fail "files were left: $(ls)"
finish
