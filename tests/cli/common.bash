# What the tests of the command share: sourced by each. CNN is the program, SOURCE the repository. A test runs in an empty
# folder, tells of each expectation that fails, and ends with `finish`.
set -u
: "${CNN:?the program to test}" "${SOURCE:?the repository}"
unset NO_COLOR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

finish() {
    [ "$failures" -eq 0 ] || exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

# Runs the program: its exit status goes to $code, what it writes to the files out and err.
run() {
    ran="cnn $*"
    "$CNN" "$@" >"$work/out" 2>"$work/err"
    code=$?
}

expect_code() {
    [ "$code" -eq "$1" ] || fail "$ran: exit status $code, not $1; stderr: $(head -c 500 "$work/err")"
}

# expect FILE PATTERN: a line of the file matches the extended regular expression.
expect() {
    grep -Eq -- "$2" "$work/$1" || fail "$ran: nothing like '$2' in $1: $(tail -c 1000 "$work/$1")"
}

expect_not() {
    ! grep -Eq -- "$2" "$work/$1" || fail "$ran: '$2' in $1: $(grep -E -- "$2" "$work/$1")"
}

expect_empty() {
    [ ! -s "$work/$1" ] || fail "$ran: $1 is not empty: $(head -c 500 "$work/$1")"
}

# refuse CODE PATTERN ARGUMENTS...: the program ends with the code, no result, and exactly one line that matches.
refuse() {
    local expected=$1 pattern=$2
    shift 2
    run "$@"
    expect_code "$expected"
    expect_empty out
    [ "$(wc -l <"$work/err")" -eq 1 ] || fail "$ran: not one line on stderr: $(cat "$work/err")"
    expect err "^cnn: "
    expect err "$pattern"
}

bytes() {
    local all=
    printf -v all '\\x%02x' "$@"
    printf '%b' "$all"
}

# bmp FILE SIDE KIND SEED: a picture of SIDE x SIDE pixels, bright at its left, right or top (KIND 0, 1, 2), and noisy.
bmp() {
    local file=$1 side=$2 kind=$3 noise=$4 x y bright
    local row=$((side * 3 + 3 & ~3)) pixels=()
    local size=$((54 + row * side))
    for ((y = 0; y < side; y++)); do # rows go from the bottom to the top
        for ((x = 0; x < side; x++)); do
            noise=$(((noise * 1103515245 + 12345) & 0x7fffffff))
            bright=$((kind == 0 ? x < side / 2 : kind == 1 ? x >= side / 2 : y >= side / 2))
            bright=$((bright * 150 + (noise >> 16) % 90))
            pixels+=("$bright" "$bright" "$bright")
        done
        for ((x = side * 3; x < row; x++)); do
            pixels+=(0)
        done
    done
    {
        printf BM
        bytes $((size & 255)) $((size >> 8)) 0 0 0 0 0 0 54 0 0 0 40 0 0 0 "$side" 0 0 0 "$side" 0 0 0 1 0 24 0 \
            0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
        bytes "${pixels[@]}"
    } >"$file"
}

# pictures FOLDER COUNT SEED: COUNT pictures in each of the subfolders left, right and top.
pictures() {
    local kind=0 class i
    for class in left right top; do
        mkdir -p "$1/$class"
        for ((i = 0; i < $2; i++)); do
            bmp "$1/$class/$i.bmp" 8 $kind $(($3 + 100 * kind + i))
        done
        kind=$((kind + 1))
    done
}

# The data set folder:shapes of three classes and tiny.recipe for it: trained in a moment.
make_shapes() {
    pictures shapes/train 16 1
    pictures shapes/test 8 5000
    cat >tiny.recipe <<'END'
input 8x8x1
conv filters=4 kernel=3 padding=same
relu
maxpool size=2
dropout rate=0.1
dense units=3
train epochs=6 batch=8 lr=0.05 val=0.25
augment shift=1
END
}

# idx FILE DIMENSIONS -- BYTES: an IDX file of bytes.
idx() {
    local file=$1 sizes=() dimension
    shift
    while [ "$1" != -- ]; do
        dimension=$1
        sizes+=($((dimension >> 24)) $((dimension >> 16 & 255)) $((dimension >> 8 & 255)) $((dimension & 255)))
        shift
    done
    shift
    bytes 0 0 8 $((${#sizes[@]} / 4)) "${sizes[@]}" "$@" >"$file"
}

# Prints the folder of real data sets that a checkout beside the project's prepares, one test at a time; fails where there
# is none.
datasets() {
    local prepare=$SOURCE/../shared/datasets/prepare.sh
    [ -x "$prepare" ] && flock "$prepare" "$prepare"
}

# Where each line of the file out must be JSON: checked by what is there.
expect_json() {
    if command -v jq >/dev/null; then
        jq -e . out >/dev/null || fail "$ran: not JSON: $(head -c 500 out)"
    elif command -v python3 >/dev/null; then
        python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <out || fail "$ran: not JSON: $(cat out)"
    fi
}
