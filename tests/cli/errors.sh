#!/usr/bin/env bash
# Bad input of every kind: one clear line, exit status 1 or 2, and existing files stay as they were.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes
run train tiny.recipe --data folder:shapes --quiet
expect_code 0
files=(tiny.recipe tiny.safetensors tiny.history.csv)
before=$(cksum "${files[@]}")
picture=shapes/test/left/0.bmp

# ---- recipes
refuse 1 'absent\.recipe' train absent.recipe --data folder:shapes
refuse 1 "shapes" train shapes --data folder:shapes
wrong_recipe() { # PATTERN TEXT
    printf '%b' "$2" >wrong.recipe
    refuse 1 "$1" train wrong.recipe --data folder:shapes
    refuse 1 "$1" info wrong.recipe
}
wrong_recipe 'wrong\.recipe' ''
wrong_recipe 'wrong\.recipe:2:1: .*conf' 'input 8x8x1\nconf filters=3\n'
wrong_recipe 'wrong\.recipe:2:.*filters' 'input 8x8x1\nconv filters=many\n'
wrong_recipe 'wrong\.recipe:2:.*frames' 'input 8x8x1\nconv frames=3\n'
wrong_recipe 'wrong\.recipe:3:.*window 9x9 does not fit in 8x8x1' 'input 8x8x1\nrelu\nmaxpool size=9\n'
wrong_recipe 'wrong\.recipe' 'input 8x8x1\nresidual {\nrelu\n'
wrong_recipe 'wrong\.recipe' 'dense units=3\n'
wrong_recipe 'wrong\.recipe' '\x00\x01\x02\x03'
refuse 2 'learning' train tiny.recipe --data folder:shapes --set learning=3
refuse 2 'lr' train tiny.recipe --data folder:shapes --set lr=fast
refuse 2 'lr' train tiny.recipe --data folder:shapes --set lr
refuse 2 'conv7' train tiny.recipe --data folder:shapes --set conv7.filters=3
refuse 1 '2' train tiny.recipe --data folder:shapes --set dense1.units=2

# ---- where results go
refuse 1 "cannot write 'absent/m\.safetensors': No such file or directory" \
    train tiny.recipe --data folder:shapes --out absent/m.safetensors
refuse 1 "cannot write 'shapes': it exists and is no regular file" train tiny.recipe --data folder:shapes --out shapes
refuse 1 "cannot write '/dev/null'" train tiny.recipe --data folder:shapes --out /dev/null

# ---- data sets
refuse_data() { # PATTERN SPEC
    refuse 1 "$1" train tiny.recipe --data "$2"
    refuse 1 "$1" eval tiny.safetensors --data "$2"
}
mkdir empty foreign bare
mkdir -p bare/left bare/right bare/top
refuse_data 'shapes' shapes
refuse_data 'mniste' mniste:shapes
refuse_data 'absent' folder:absent
refuse_data 'absent' mnist:absent
refuse_data 'empty' folder:empty
refuse_data 'empty' mnist:empty
refuse_data 'empty' cifar10:empty
refuse_data 'bare' folder:bare
refuse_data 'tiny\.recipe' folder:tiny.recipe

mkdir -p unreadable/left unreadable/right unreadable/top
for class in left right top; do
    echo 'no picture' >unreadable/$class/0.png
    head -c 100 $picture >unreadable/$class/1.bmp
done
refuse_data 'unreadable' folder:unreadable

grey=()
for ((i = 0; i < 256; i++)); do grey+=(7); done
# idx_set FOLDER: 4 images of 8x8 and their labels, as train and test set.
idx_set() {
    local part
    mkdir -p "$1"
    for part in train t10k; do
        idx "$1/$part-images-idx3-ubyte" 4 8 8 -- "${grey[@]}"
        idx "$1/$part-labels-idx1-ubyte" 4 -- 0 1 2 3
    done
}
# wrong_idx PATTERN FILE COMMAND...: the set whose file (images or labels of both parts) the command spoils is refused.
wrong_idx() {
    local pattern=$1 file=$2 part
    shift 2
    idx_set idx
    for part in train t10k; do
        "$@" "idx/$part-$file"
    done
    refuse_data "$pattern" mnist:idx
    rm -r idx
}
cut_short() { truncate -s -5 "$1"; }
cut_head() { truncate -s 6 "$1"; }
lengthen() { echo more >>"$1"; }
make_text() { echo 'this is no IDX file' >"$1"; }
label_10() { idx "$1" 4 -- 0 1 2 10; }
three_labels() { idx "$1" 3 -- 0 1 2; }
gigantic() { idx "$1" 4294967295 4294967295 4294967295 -- 1 2 3; }
foreign_gzip() { printf '\x1f\x8bnothing' >"$1.gz" && rm "$1"; }
missing() { rm "$1"; }
for damage in cut_short cut_head lengthen make_text gigantic foreign_gzip missing; do
    wrong_idx 'idx' images-idx3-ubyte $damage
    wrong_idx 'idx' labels-idx1-ubyte $damage
done
wrong_idx '10' labels-idx1-ubyte label_10
wrong_idx '3' labels-idx1-ubyte three_labels
sed 's/8x8x1/9x9x1/' tiny.recipe >nine.recipe
idx_set idx
refuse 1 '8x8' train nine.recipe --data mnist:idx --out nine.safetensors

for name in data_batch_{1..5}.bin test_batch.bin; do
    head -c 1000 /dev/zero >"foreign/$name"
done
printf '%s\n' airplane automobile bird cat deer dog frog horse ship truck >foreign/batches.meta.txt
refuse_data 'foreign' cifar10:foreign
sed 's/8x8x1/32x32x3/' tiny.recipe >rgb.recipe
refuse 1 'foreign' train rgb.recipe --data cifar10:foreign --out rgb.safetensors

# The classes of the data must be the model's.
cp -r shapes others
mv others/test/top others/test/bottom
mv others/train/top others/train/bottom
refuse 1 'bottom' eval tiny.safetensors --data folder:others

# ---- models
wrong_model() { # PATTERN FILE
    refuse 1 "$1" eval "$2" --data folder:shapes
    refuse 1 "$1" classify "$2" $picture
}
echo 'this is no model' >text.safetensors
: >nothing.safetensors
head -c 500 tiny.safetensors >short.safetensors
head -c -1 tiny.safetensors >clipped.safetensors
{ cat tiny.safetensors && echo more; } >long.safetensors
size=$(wc -c <tiny.safetensors)
cp tiny.safetensors flipped.safetensors
last=$(tail -c 1 tiny.safetensors | od -An -tu1)
bytes $(((last + 1) % 256)) | dd of=flipped.safetensors bs=1 seek=$((size - 1)) conv=notrunc status=none
for name in absent text nothing short clipped long flipped; do
    wrong_model "$name\.safetensors" $name.safetensors
done
wrong_model "shapes" shapes
wrong_model "tiny\.recipe' is a recipe" tiny.recipe
refuse 1 'short\.safetensors' info short.safetensors
refuse 1 'absent' info absent

# ---- pictures
refuse 1 'empty: no pictures' classify tiny.safetensors empty
refuse 1 'tiny\.recipe' classify tiny.safetensors tiny.recipe
head -c 100 $picture >short.bmp
refuse 1 'short\.bmp' classify tiny.safetensors short.bmp
"$CNN" classify tiny.safetensors - </dev/null >out 2>err && fail "no picture on standard input is classified"
grep -q '^cnn: standard input: ' err && [ "$(wc -l <err)" -eq 1 ] || fail "classify - of nothing: $(cat err)"
"$CNN" classify tiny.safetensors - <&- >out 2>err && fail "a closed standard input is classified"
grep -q '^cnn: cannot read standard input: ' err || fail "a closed standard input: $(cat err)"

# ---- instruction set levels
export CNN_ISA
for CNN_ISA in sse x86-64-v9 "$(printf 'a\tb')"; do
    for words in "train tiny.recipe --data folder:shapes" "info tiny.recipe" "info tiny.safetensors" \
        "eval tiny.safetensors --data folder:shapes" "classify tiny.safetensors $picture"; do
        # shellcheck disable=SC2086 # words
        refuse 1 '^cnn: environment: CNN_ISA=.* is no level of this build: unset it, or use one of baseline' $words
    done
done
for CNN_ISA in "" baseline x86-64-v3 x86-64-v4; do
    run info tiny.safetensors
    case $code in
    0) expect out "^instruction set +${CNN_ISA:-(baseline|x86-64-v[34])}\$" ;;
    *) expect err "CNN_ISA=$CNN_ISA (needs instructions that this processor lacks|is no level of this build): unset it" ;;
    esac
done
unset CNN_ISA

[ "$(cksum "${files[@]}")" = "$before" ] || fail "a refused command has changed a file"

# ---- divergence: the message names the place and what to try; the model and the last good checkpoint stay
run train tiny.recipe --data folder:shapes --set lr=1000 --epochs 50 --quiet
expect_code 1
expect err '^cnn: epoch [0-9]+, step [0-9]+: .* lr '
expect_empty out
[ "$(wc -l <err)" -eq 1 ] || fail "$ran: $(cat err)"
[ "$(cksum tiny.recipe tiny.safetensors)" = "$(echo "$before" | head -n 2)" ] || fail "divergence has changed a file"
finish
