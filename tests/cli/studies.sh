#!/usr/bin/env bash
# models/studies/run.sh: every study runs, with --quick on one thread, and leaves what README.md says. On Fashion-MNIST where
# a checkout of the data sets does not stand beside the project's; what wants CIFAR-10 is left out then.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
studies=$SOURCE/models/studies
fashion=/usr/share/datasets/fashion-mnist
export CNN BENCH THREADS=1
: "${BENCH:?the benchmark program}"

grey=(init-depth vanishing sparsity elu-depth)
colour=(relu-vs-tanh dying-relu bias prelu maxout scaling)

# Every study of run.sh is here and in the table of README.md.
sed -n 's/^    \([a-z-]*\))$/\1/p' "$studies/run.sh" | sort >known
printf '%s\n' "${grey[@]}" "${colour[@]}" ablation cost | sort | cmp -s - known || fail "other studies in run.sh: $(cat known)"
if [ -e "$studies/README.md" ]; then
    sed -n '/^|/,/^[^|]*$/p' "$studies/README.md" |
        awk -F'|' '!/^\|/ { exit } NR > 2 { gsub(/[][` ]|\(.*\)/, "", $2); print $2 }' | sort >told
    cmp -s told known || fail "studies of README.md and of run.sh: $(diff told known)"
else
    echo "no README.md of the studies yet"
fi

# study NAME DATA: runs it, in the folder NAME.
study() {
    local TIMEFORMAT='%U'
    ran="run.sh $1 $2"
    { time "$studies/run.sh" "$1" "$2" "$1" --quick >out 2>err; } 2>time
    code=$?
    expect_code 0
    echo "$1: $(cat time) s of computing"
}

# tables FOLDER: its results.md has a row for each run, of which there are some.
tables() {
    local rows runs
    rows=$(grep -c '^| [a-z]' "$1/results.md")
    runs=$(ls "$1"/runs/*.json | wc -l)
    [ "$rows" -gt 2 ] && [ "$((rows - 1))" -eq "$runs" ] ||
        fail "$ran: $runs runs, and this table: $(cat "$1/results.md")"
    [ -s "$1/train-error.svg" ] || fail "$ran: no chart in $1"
}

# starts FOLDER COUNT ROWS: its tables of untrained networks, and how many layers each tells of.
starts() {
    local files=("$1"/start*.md) file
    [ "${#files[@]}" -eq "$2" ] || fail "$ran: not $2 tables of the start: ${files[*]}"
    for file in "${files[@]}"; do
        [ "$(grep -cE '^\| 1 \| [a-z0-9.]+ (\| [^| ]+ ){4}\|$' "$file")" -ge "$3" ] || fail "$ran: $file: $(cat "$file")"
        [ "$(grep -c '^|' "$file")" -eq "$(wc -l <"$file")" ] || fail "$ran: $file: $(cat "$file")"
    done
}

data=$(datasets)
if [ -n "$data" ]; then
    mnist=mnist:$data/mnist
    cifar=cifar10:$data/cifar-10-batches-bin
elif [ -d $fashion ]; then
    mnist=fashion-mnist:$fashion
    cifar=
else
    mnist='' cifar=''
fi

study cost none
grep -q 'gelu' cost/cost.txt || fail "$ran: cost.txt: $(cat cost/cost.txt)"

if [ -n "$mnist" ]; then
    for name in "${grey[@]}"; do
        study "$name" "$mnist"
        [ "$name" = vanishing ] || tables "$name"
    done
    starts init-depth 2 30
    starts vanishing 18 5
    starts sparsity 1 4
else
    echo "left out, for want of MNIST and Fashion-MNIST: ${grey[*]}"
fi

if [ -n "$cifar" ]; then
    for name in "${colour[@]}"; do
        study "$name" "$cifar"
        tables "$name"
    done
    tables relu-vs-tanh/small-normal
    study ablation "$cifar"
    changes=(ablation/*/)
    [ "$(grep -c '^| [a-z]' ablation/results.md)" -eq $((${#changes[@]} + 1)) ] ||
        fail "$ran: ${#changes[@]} changes, and this table: $(cat ablation/results.md)"
else
    echo "left out, for want of CIFAR-10: ${colour[*]} ablation"
fi

# What it refuses.
for words in "" "bias" "nothing $mnist out"; do
    ran="run.sh $words"
    # shellcheck disable=SC2086
    "$studies/run.sh" $words >out 2>err
    code=$?
    expect_code 2
    expect_empty out
    [ -s err ] || fail "$ran: says nothing"
done
finish
