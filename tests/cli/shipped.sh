#!/usr/bin/env bash
# The trained models of models/ are what is said of them: each loads, is the network and training of the recipe beside it,
# has the accuracy that models/README.md tells, takes the sample pictures of its classes for what they show, and, where the
# images that it was measured on are here, does as well on them again (large ones with test-time augmentation only when the
# variable EVERY is set). All weights together are small.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1

most_bytes=12000000
most_views_bytes=4000000 # of a model that is measured again with --tta, too, unless the variable EVERY is set
most_difference=0.0005 # of accuracies: another kind of processor rounds differently

# told FILE KEY: a string of the JSON object in the file, as it stands there; nothing where it has none.
told() {
    sed -n 's/.*"'"${2//./\\.}"'":"\(\([^"\\]\|\\.\)*\)".*/\1/p' "$1"
}

# spec_of FORMAT: where images of a format are here, as --data takes them; nothing where they are not.
prepared=$(datasets)
spec_of() {
    local folder=
    case $1 in
    mnist) folder=${prepared:+$prepared/mnist} ;;
    fashion-mnist) folder=/usr/share/datasets/fashion-mnist ;;
    cifar10) folder=${prepared:+$prepared/cifar-10-batches-bin} ;;
    folder) folder=shapes ;; # the models that this test makes
    esac
    [ ! -d "$folder" ] || echo "$1:$folder"
}

# Each of the following checks prints a line for each complaint, and what it could not check to stderr. What `cnn info`
# tells of the model is in the file model.json.

# check_recipe FOLDER NAME: what the model carries is the recipe beside it, both in canonical text.
check_recipe() {
    if ! "$CNN" info "$1/$2.recipe" --json >recipe.json 2>err; then
        echo "$2: no recipe: $(cat err)"
    elif [ "$(told recipe.json recipe)" != "$(told model.json recipe)" ]; then
        echo "$2: made by another recipe than $2.recipe: $(told model.json recipe)"
    fi
}

# check_readme FOLDER NAME: a line of README.md names the file and tells its accuracy, with two decimals.
check_readme() {
    local percent
    percent=$(awk -v share="$(told model.json accuracy.test)" 'BEGIN { printf "%.2f%%", 100 * share }')
    grep -F "\`$2.safetensors\`" "$1/README.md" | grep -qE "(^|[^0-9.])${percent/./\\.}" ||
        echo "$2: no line of README.md tells of $2.safetensors with $percent"
}

# check_sample FOLDER NAME PICTURE CLASS
check_sample() {
    if ! "$CNN" classify "$1/$2.safetensors" "$3" --json >sample.json 2>err; then
        echo "$2: ${3##*/} is not classified: $(cat err)"
    elif [[ $(<sample.json) != *'"classes":[{"class":"'"$4"'",'* ]]; then
        echo "$2: ${3##*/} is not taken for '$4': $(cat sample.json)"
    fi
}

# check_samples FOLDER NAME SAMPLES: the pictures that show a class of the model, SET-CLASS.png or SET-CLASS-NUMBER.png,
# are taken for it.
check_samples() {
    local picture class word classes tried=0
    mapfile -t classes < <(sed 's/.*"classes":\["\([^]]*\)"\].*/\1/; s/","/\n/g' model.json)
    for picture in "$3"/{mnist,digit,fashion,cifar10}-*.{png,jpg}; do
        for class in "${classes[@]}"; do
            word=${class,,} # "T-shirt/top" is t-shirt-top
            if [[ -e $picture && ${picture##*/} =~ ^[a-z0-9]+-"${word//[ \/]/-}"(-[0-9]+)?\.[a-z]+$ ]]; then
                check_sample "$1" "$2" "$picture" "$class"
                tried=$((tried + 1))
            fi
        done
    done
    echo "$2: $tried sample pictures" >&2
}

# check_accuracy FOLDER NAME TTA KEY: measured again, the accuracy that the model has under the key is the same.
check_accuracy() {
    local data spec
    data=$(told model.json "$4.data")
    spec=$(spec_of "${data%%,*}")
    if [ -z "$spec" ]; then
        echo "$2: $4 is not measured again: the images of '$data' are not here" >&2
        return
    fi
    if [[ $3 != none && -z ${EVERY:-} && $(wc -c <"$1/$2.safetensors") -gt $most_views_bytes ]]; then
        echo "$2: $4 is not measured again: minutes of work; EVERY=1 does" >&2
        return
    fi
    cp "$1/$2.safetensors" again.safetensors
    "$CNN" eval again.safetensors --data "$spec" --tta "$3" --record >/dev/null 2>err || echo "$2: $(cat err)"
    "$CNN" info again.safetensors --json >again.json
    if [ "$(told again.json "$4.data")" != "$data" ]; then
        echo "$2: $4 was measured on '$data', $spec is '$(told again.json "$4.data")'"
    elif ! awk -v a="$(told model.json "$4")" -v b="$(told again.json "$4")" -v most=$most_difference \
        'BEGIN { exit !((a - b) ^ 2 <= most ^ 2) }'; then
        echo "$2: $4 is $(told model.json "$4"), measured again $(told again.json "$4")"
    elif cmp -s "$1/$2.safetensors" again.safetensors; then
        echo "$2: $4 is $(told model.json "$4") again, on $spec" >&2
    else
        echo "$2: $4 is $(told model.json "$4"), on $spec here $(told again.json "$4")" >&2
    fi
}

# check_model FOLDER NAME SAMPLES
check_model() {
    local tta key
    if ! "$CNN" info "$1/$2.safetensors" --json >model.json 2>err; then
        echo "$2: does not load: $(cat err)"
        return
    fi
    check_recipe "$1" "$2"
    check_samples "$@"
    if [ -z "$(told model.json accuracy.test)" ]; then
        echo "$2: no accuracy.test: 'cnn eval --record' has not been run"
        return
    fi
    check_readme "$1" "$2"
    for tta in none flip flip+shift; do
        key=accuracy.test.${tta/+/-}
        key=${key%.none}
        [ -z "$(told model.json $key)" ] || check_accuracy "$1" "$2" $tta $key
    done
}

# check_models FOLDER SAMPLES
check_models() {
    local model bytes
    for model in "$1"/*.safetensors; do
        model=${model##*/}
        [ ! -e "$1/$model" ] || check_model "$1" "${model%.safetensors}" "$2"
    done
    bytes=$(find "$1" -maxdepth 1 -name '*.safetensors' -exec cat {} + | wc -c)
    [ "$bytes" -le $most_bytes ] || echo "$bytes bytes of weights, more than $most_bytes"
}

# ---- the checks find what is wrong: with a model that is as it should be, and damaged in every respect
make_shapes
mkdir -p good/models good/samples
mv tiny.recipe good/models/
run train good/models/tiny.recipe --data folder:shapes --out good/models/tiny.safetensors --quiet
expect_code 0
rm good/models/tiny.history.csv
cp good/models/tiny.safetensors unrecorded.safetensors
for tta in none flip; do
    run eval good/models/tiny.safetensors --data folder:shapes --tta $tta --record
    expect_code 0
done
cp shapes/test/left/0.bmp good/samples/mnist-left.png
cp shapes/test/top/0.bmp good/samples/digit-top-2.png
cp shapes/test/top/1.bmp good/samples/fashion-bottom.png # no class of the model

# write_readme: what the model in models/ says of its accuracy.
write_readme() {
    "$CNN" info models/tiny.safetensors | sed -n 's/^test accuracy *\([0-9.]*%\).*/| `tiny.safetensors` | \1 |/p' >models/README.md
}
(cd good && write_readme)

complaints=$(check_models good/models good/samples 2>notes)
[ -z "$complaints" ] || fail "a model with nothing wrong: $complaints"
grep -q '^tiny: 2 sample pictures$' notes || fail "not two samples: $(cat notes)"
[ "$(grep -c '^tiny: accuracy\.test.* again, on folder:shapes$' notes)" -eq 2 ] || fail "not measured again: $(cat notes)"

# fault PATTERN COMMAND...: after the command in a copy of good/ there is one complaint, which matches.
fault() {
    rm -rf damaged
    cp -r good damaged
    (cd damaged && "${@:2}") || fail "${*:2} fails"
    complaints=$(check_models damaged/models damaged/samples 2>notes)
    [[ $complaints =~ $1 && $complaints != *$'\n'* ]] || fail "after ${*:2}: '$complaints', not '$1'"
}

# set_entry KEY VALUE: overwrites an entry of the model's file by one of the same length, and makes the checksum right.
set_entry() {
    local file=models/tiny.safetensors crc
    LC_ALL=C sed -i 's/\("'"${1//./\\.}"'":"\)[^"]*/\1'"$2"'/; s/\("crc32":"\)[0-9a-f]*/\100000000/' $file
    crc=$(gzip -c $file | tail -c 8 | od -An -tu1 -N4 | awk '{ printf "%02x%02x%02x%02x", $4, $3, $2, $1 }')
    LC_ALL=C sed -i 's/\("crc32":"\)[0-9a-f]*/\1'"$crc"'/' $file
}

# pretend KEY: another accuracy than was measured.
pretend() {
    local old new
    old=$("$CNN" info models/tiny.safetensors --json | told /dev/stdin "$1")
    new=${old/#0.[0-9]/0.0}
    [ "$old" != 1 ] || new=0
    set_entry "$1" "$new"
    write_readme
}

measure_elsewhere() {
    cp -r ../shapes .
    rm shapes/test/left/0.bmp
    "$CNN" eval models/tiny.safetensors --data folder:shapes --record >/dev/null 2>&1
    write_readme
}

fault "^tiny: does not load: .*checksum" sed -i '1s/"origin\.seed":"1"/"origin.seed":"2"/' models/tiny.safetensors
fault "^tiny: no recipe" rm models/tiny.recipe
fault "^tiny: made by another recipe than tiny\.recipe: input 8x8x1" sed -i 's/lr=0.05/lr=0.06/' models/tiny.recipe
fault "^tiny: no accuracy\.test" cp ../unrecorded.safetensors models/tiny.safetensors
fault "^tiny: no line of README\.md" sed -i 's/[0-9.]*%/12.34%/' models/README.md
fault "^tiny: no line of README\.md" sed -i 's/tiny/other/' models/README.md
fault "^tiny: mnist-right\.png is not taken for 'right'" mv samples/mnist-left.png samples/mnist-right.png
fault "^tiny: mnist-left\.png is not classified" cp models/README.md samples/mnist-left.png
fault "^tiny: accuracy\.test is 0.*, measured again" pretend accuracy.test
fault "^tiny: accuracy\.test\.flip is 0.*, measured again" pretend accuracy.test.flip
fault "^tiny: accuracy\.test was measured on 'folder, 23 images, .*, folder:shapes is 'folder, 24" measure_elsewhere
most_bytes=1000 fault "^[0-9]+ bytes of weights, more than 1000$" true

# ---- the models that there are
complaints=$(check_models "$SOURCE/models" "$SOURCE/data/samples" 2>notes)
cat notes
[ -z "$complaints" ] || fail "$complaints"
ls "$SOURCE"/models/*.safetensors >/dev/null 2>&1 || echo "There are no trained models in models/ yet."
finish
