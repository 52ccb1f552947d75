#!/usr/bin/env bash
# Combinations of settings beside each other: tables, charts, what they are made of, going on after a stop, bad input.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
make_shapes

compare() { # OUT OPTION...
    local out=$1
    shift
    run compare tiny.recipe --data folder:shapes --out "$out" "$@"
}

# told PATTERN: how many lines of err match.
told() {
    grep -cE -- "$1" err
}

# figures FILE: a results.csv without the times.
figures() {
    awk -F, -v OFS=, '
        NR == 1 { for (i = 1; i <= NF; i++) timed[i] = $i ~ /seconds/ }
        { for (i = 1; i <= NF; i++) if (timed[i]) $i = ""; print }' "$1"
}

# check_figures FOLDER REACH: means, deviations and counts of FOLDER/results.csv, whose only key is lr, are those of the
# last epochs in FOLDER/runs/*.json; those that diverged have none.
check_figures() {
    awk -F, -v reach="$2" '
        function add(name, value) {
            values[lr, name, ++count[lr, name]] = value
        }
        function end_run(name, i, before) {
            for (i = 1; i <= epochs && errors[i] > reach; i++) before = errors[i]
            if (i <= epochs) {
                add("epochs_to_reach", before ? i - 1 + (before - reach) / (before - errors[i]) : 1)
            }
            if (epochs && !diverged) {
                for (name in last) add(name, last[name])
                add("seconds", seconds)
            }
            epochs = seconds = 0
        }
        FILENAME ~ /json$/ && FNR == 1 { end_run() }
        FILENAME ~ /json$/ && /"recipe":/ { lr = $0; sub(/.* lr=/, "", lr); sub(/[^0-9.].*/, "", lr); next }
        FILENAME ~ /json$/ && /"diverged":/ { diverged = /true/ }
        FILENAME ~ /json$/ && /"((train|val)_.*|dead|zeros|seconds)":/ {
            split($0, part, /[": ,]+/)
            if (part[2] == "train_loss") epochs++
            if (part[2] == "train_error") errors[epochs] = part[3] + 0
            if (part[2] == "seconds") seconds += part[3]
            else last[part[2]] = part[3] + 0
        }
        FILENAME ~ /csv$/ && FNR == 1 { end_run(); for (i = 1; i <= NF; i++) head[i] = $i; next }
        FILENAME ~ /csv$/ {
            rows++
            for (i = 3; head[i] ~ /_mean$/; i += 3) {
                name = substr(head[i], 1, length(head[i]) - 5)
                if (name == "seconds_to_reach") continue
                n = count[$2, name] + 0
                mean = squares = 0
                for (k = 1; k <= n; k++) mean += values[$2, name, k] / n
                for (k = 1; k <= n; k++) squares += (values[$2, name, k] - mean) ^ 2
                deviation = n > 1 ? sqrt(squares / (n - 1)) : 0
                if ($(i + 2) != n || (n < 1) != ($i == "") || (n < 2) != ($(i + 1) == "") ||
                    ($i - mean) ^ 2 + ($(i + 1) - deviation) ^ 2 > 1e-10) {
                    print "lr=" $2, name ":", $i, $(i + 1), $(i + 2), "not", mean, deviation, n
                    bad = 1
                }
                checked += n
            }
        }
        END { print rows + 0, "rows,", checked + 0, "numbers"; exit bad || checked < 14 }' \
        "$1"/runs/*.json "$1/results.csv" >wrong || fail "$1/results.csv is not what the runs say: $(cat wrong)"
}

# ---- tables and charts
# A rate of 1000 diverges, which does not stop the others.
compare one --vary lr=0.005,1000,0.04 --seeds 3 --reach 20
expect_code 0
[ "$(told '^[1-9]/9 lr=(0\.005|1000|0\.04) seed=[123]: ')" -eq 9 ] || fail "$ran: not a line a run: $(cat err)"
[ "$(told ': 6 epochs in .*, training error [0-9.]+%, validation error [0-9.]+%$')" -eq 6 ] || fail "$ran: $(cat err)"
[ "$(told '^[456]/9 lr=1000 .*, diverged$')" -eq 3 ] || fail "$ran: lr=1000 does not diverge: $(cat err)"
cmp -s out one/results.md || fail "$ran: the table on stdout is not results.md: $(cat out)"
expect out '^\| recipe \| lr \| training loss \| training error, % \|.*\| epochs to 20% \| seconds to 20% \|.*\| diverged \|'
number='[0-9]+\.[0-9]+( ± [0-9]+\.[0-9]+)?( \([12] of 3\))?'
for lr in 0.005 0.04; do
    expect out "^\| tiny \| $lr \|( ($number|-) \|){9} 0 of 3 \| 235 \| [0-9]+ \|\$"
done
expect out '^\| tiny \| 1000 \|( - \|){9} 3 of 3 \| 235 \|'
[ "$(wc -l <out)" -eq 5 ] || fail "$ran: not two lines and a row a combination: $(cat out)"
awk -F'|' 'NR == 1 { columns = NF } NF != columns { exit 1 }' out || fail "$ran: rows of several lengths: $(cat out)"
[ "$(ls one | tr '\n' ' ')" = "results.csv results.json results.md runs train-error.png train-error.svg \
val-error.png val-error.svg " ] || fail "$ran: left $(ls one)"
[ "$(ls one/runs/*.json | wc -l)" -eq 9 ] && [ "$(ls one/runs | wc -l)" -eq 9 ] || fail "$ran: left $(ls one/runs)"
check_figures one 0.2
[ "$(cut -d, -f1,2 one/results.csv | tr '\n' ' ')" = "recipe,lr tiny,0.005 tiny,1000 tiny,0.04 " ] ||
    fail "$ran: rows of results.csv: $(cat one/results.csv)"
for chart in train-error val-error; do
    for lr in 0.005 1000 0.04; do
        grep -q ">lr=$lr<" one/$chart.svg || fail "$chart.svg does not name lr=$lr"
    done
    [ "$(head -c 4 one/$chart.png | tail -c 3)" = PNG ] || fail "$chart.png is no PNG picture"
done
if command -v jq >/dev/null; then
    jq -e '.data == "folder:shapes" and .reach == 0.2 and ([.combinations[].settings.lr] == ["0.005", "1000", "0.04"])
           and .combinations[1].diverged == 3 and .combinations[1].train_loss.mean == null
           and ([.combinations[] | .seeds == 3 and .recipe == "tiny.recipe" and .parameters == 235] | all)' \
        one/results.json >/dev/null || fail "results.json: $(cat one/results.json)"
    jq -r '.combinations[] | "\(.settings.lr),\(.train_loss.mean),\(.val_error.deviation)"' one/results.json >json.csv
    awk -F, 'NR == FNR { mean[$1] = $2; deviation[$1] = $3; next }
        FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { off = ($at["train_loss_mean"] - mean[$2]) ^ 2 + ($at["val_error_deviation"] - deviation[$2]) ^ 2
          if (off > 1e-12) exit 1 }' json.csv one/results.csv || fail "results.json is not results.csv"
fi

# ---- what has been trained is kept
cp one/results.csv before
compare one --vary lr=0.005,1000,0.04 --seeds 3 --reach 20
expect_code 0
[ "$(told ' \(trained before\)$')" -eq 9 ] || fail "$ran: trained again: $(cat err)"
cmp -s one/results.csv before || fail "$ran: other figures without training"
compare one --vary lr=0.02,0.005 --seeds 4 --threads 2 # 3 runs of 8 are there
expect_code 0
[ "$(told ' \(trained before\)$')" -eq 3 ] && [ "$(told '^[1-8]/8 ')" -eq 8 ] || fail "$ran: $(cat err)"
expect_not out 'epochs to'
compare two --vary lr=0.02,0.005 --seeds 4 --threads 1
[ "$(told 'trained before')" -eq 0 ] || fail "$ran: finds runs in another folder"
[ "$(figures one/results.csv)" = "$(figures two/results.csv)" ] || fail "threads or former runs change the figures"
check_figures two 0

# Files that are damaged, or of something else, are trained anew.
damage=0
for file in two/runs/*.json; do
    case $((damage++)) in
        0) truncate -s -20 "$file" ;;
        1) echo '{}' >"$file" ;;
        2) sed -i '/"zeros"/d' "$file" ;;
        3) sed -i 's/"seed": ./"seed": 9/' "$file" ;;
        4) tr -d '\n' <"$file" | sed 's/"epochs":.*/"epochs": []}/' >new && mv new "$file" ;;
    esac
done
cp two/results.csv before
compare two --vary lr=0.02,0.005 --seeds 4
expect_code 0
[ "$(told 'trained before')" -eq 3 ] || fail "$ran: damaged files pass for runs: $(cat err)"
[ "$(figures two/results.csv)" = "$(figures before)" ] || fail "$ran: other figures after damage"

# ---- stopped, and gone on with by the same command
cat >slow.recipe <<'END'
input 8x8x1
conv filters=96 kernel=3 padding=same
batchnorm
relu
conv filters=96 kernel=3 padding=same
relu
dropout rate=0.1
dense units=3
train epochs=30 batch=2 lr=0.0003 val=0.25
augment shift=1
END
slow=(compare slow.recipe --data folder:shapes --vary momentum=0,0.5 --vary "relu=relu,leakyrelu slope=0.2")
run "${slow[@]}" --out whole --quiet
expect_code 0
expect_empty out
expect_empty err
ran="cnn ${slow[*]} --out parts"
for ((stops = 0; stops < 5; stops++)); do
    rm -f err
    touch begun
    set -m
    "$CNN" "${slow[@]}" --out parts >out 2>err &
    job=$!
    set +m
    # At least an epoch, whose end a checkpoint tells of, or a whole run.
    until [ -n "$(find parts/runs -name '*.checkpoint' -newer begun 2>/dev/null)" ] ||
        grep -qvs 'trained before' err || ! kill -0 $job 2>/dev/null; do
        sleep 0.02
    done
    sleep "0.$((1 + stops % 3))"
    kill -INT $job 2>/dev/null
    wait $job
    code=$?
    ls parts/runs/*.checkpoint >/dev/null 2>&1 || break
    expect_code 1
    expect_empty out
    expect err '^stopped after [0-3] of 4 runs; the same command goes on$'
    [ ! -e parts/results.csv ] || fail "$ran: a stopped comparison has results"
done
[ "$stops" -gt 0 ] || fail "$ran: too fast to be stopped"
run "${slow[@]}" --out parts
expect_code 0
[ "$(ls parts/runs/*.json | wc -l)" -eq 4 ] || fail "$ran: left $(ls parts/runs)"
[ "$(figures whole/results.csv)" = "$(figures parts/results.csv)" ] ||
    fail "a comparison stopped $stops times differs: $(figures whole/results.csv; figures parts/results.csv)"
expect out '^\| slow \| 0\.5 \| leakyrelu slope=0\.2 \|'
grep -q '>momentum=0\.5 relu=leakyrelu slope=0\.2<' parts/val-error.svg || fail "val-error.svg lacks a combination"

# ---- several recipes, with odd names; options for all; JSON
sed 's/filters=4/filters=6/' tiny.recipe >'odd|"na,me.recipe'
run compare tiny.recipe 'odd|"na,me.recipe' --data folder:shapes --out three/deep/ --epochs 2 --set lr=0.02 --json
expect_code 0
expect_json
[ "$(wc -l <out)" -eq 1 ] || fail "$ran: not one object: $(cat out)"
expect out '^\{"data":"folder:shapes","reach":null,"combinations":\[\{"recipe":"tiny\.recipe","settings":\{\},'
expect err '^2/2 odd\|"na,me seed=1: 2 epochs in '
grep -q '^"odd|""na,me",' three/deep/results.csv || fail "$ran: quoting: $(cat three/deep/results.csv)"
grep -qF '| odd\|"na,me |' three/deep/results.md || fail "$ran: a bar in a cell: $(cat three/deep/results.md)"
grep -q '>tiny<' three/deep/train-error.svg || fail "$ran: train-error.svg does not name the recipe"
[ "$(grep -l '"recipe": "input .* lr=0\.02 ' three/deep/runs/*.json | wc -l)" -eq 2 ] ||
    fail "$ran: --set is lost: $(cat three/deep/runs/*)"
run compare tiny.recipe --data folder:shapes --out three/deep --epochs 2 --set lr=0.02 --json --quiet
expect_code 0
expect_empty err
[ "$(wc -l <out)" -eq 1 ] || fail "$ran: $(cat out)"
# Without images held back there is no chart of them, not even an earlier one.
run compare tiny.recipe --data folder:shapes --out three/deep --epochs 2 --set val=0
expect_code 0
expect_not out 'validation'
expect_not err 'validation'
[ ! -e three/deep/val-error.svg ] && [ ! -e three/deep/val-error.png ] || fail "$ran: an old chart stays"
# More combinations than a chart can hold.
compare many --vary "lr=$(seq -s, -f '0.0%g' 201 401)" --epochs 1 --set images=8 --quiet
expect_code 0
[ "$(wc -l <many/results.csv)" -eq 202 ] || fail "$ran: not 201 rows"
grep -q 'Training error of the first 200 combinations' many/train-error.svg || fail "$ran: the chart's title"

# ---- what is refused, before anything is written
refuse_compare() { # CODE PATTERN OPTION...
    local code=$1 pattern=$2
    shift 2
    refuse "$code" "$pattern" compare tiny.recipe --data folder:shapes --out none "$@"
    [ ! -e none ] || fail "$ran: leaves a folder"
}
for vary in lr =1 lr= ''; do
    refuse_compare 2 "compare: --vary '$vary' is not of the form KEY=VALUE" --vary "$vary"
done
refuse_compare 2 "compare: --vary names 'lr' twice" --vary lr=1,2 --vary lr=3
refuse_compare 2 "unknown option 'learning'" --vary learning=1,2
refuse_compare 2 "lr=fast: must be a number" --vary lr=0.1,fast
refuse_compare 2 "lr=: must be" --vary lr=0.1,,0.2
refuse_compare 2 "has no 'conv7'" --vary conv7.filters=1,2
refuse_compare 2 "has no layer 'tanh' to replace" --vary tanh=relu
refuse_compare 2 "relu=: must be a layer" --vary relu=relu,
refuse_compare 2 "unknown .*'rleu'.*did you mean 'relu'\?" --vary relu=rleu
refuse_compare 2 "unknown option 'slop'" --vary "relu=relu,leakyrelu slop=1"
refuse_compare 1 'maxpool: window 9x9 does not fit' --vary maxpool1.size=2,9
refuse_compare 1 '^cnn: dense1\.units=5: the network ends in 5 units, the data set has 3 classes$' \
    --vary dense1.units=3,5
refuse_compare 2 'more than 10000 combinations' --vary "lr=$(seq -s, 101)" --vary "momentum=$(seq -s, 100)"
refuse_compare 2 "compare: --seeds: '0' is not a whole number" --seeds 0
refuse_compare 2 "compare: --reach: '100' is not a whole number from 1 to 99" --reach 100
refuse_compare 2 "'lr' is not of the form" --set lr
refuse 1 "there is no folder 'absent'" compare tiny.recipe --data folder:absent --out none
refuse 1 'absent\.recipe' compare tiny.recipe absent.recipe --data folder:shapes --out none
refuse 2 'compare: RECIPE is missing' compare --data folder:shapes --out none
refuse 2 "compare: option '--data SPEC' is missing" compare tiny.recipe --out none
refuse 2 "compare: option '--out DIR' is missing" compare tiny.recipe --data folder:shapes
[ ! -e none ] || fail "a refused comparison leaves a folder"
refuse 1 "cannot make the folder 'tiny\.recipe': File exists" \
    compare tiny.recipe --data folder:shapes --out tiny.recipe
mkdir -p taken/results.csv
refuse 1 "cannot write 'taken/results\.csv': it exists and is no regular file" \
    compare tiny.recipe --data folder:shapes --out taken
finish
