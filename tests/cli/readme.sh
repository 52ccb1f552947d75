#!/usr/bin/env bash
# README.md holds what it says: its `sh` blocks run in order (on a small set in Fashion-MNIST's place; blocks that install
# are marked `bash`, and are not run), its recipes plan, its C compiles, its tables and messages are the program's.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
readme=$SOURCE/README.md

# block LANGUAGE NUMBER: the content of the README's block; fails where there is none.
block() {
    awk -v fence="\`\`\`$1" -v number="$2" '
        $0 == fence { on = ++count == number; next }
        /^```/ { on = 0 }
        on { print; found = 1 }
        END { exit !found }' "$readme"
}

mkdir -p bin data/samples models
ln -s "$CNN" bin/cnn
PATH=$work/bin:$PATH
cp "$SOURCE"/models/*.recipe models/
for ((i = 0; i < 3; i++)); do
    bmp data/samples/fashion-$i.png 30 $i $i
done
cp data/samples/fashion-0.png data/samples/fashion-sneaker.png
cat >data/fetch.sh <<'END'
#!/usr/bin/env bash
# 40 and 20 pictures, each with bright rows at its label's place.
set -e
mkdir -p "$2"
make() { # NAME COUNT
    local i row rows image images= labels=
    for ((i = 0; i < 256; i++)); do # 28 pixels of each brightness
        printf -v row '\\x%02x' "$i"
        rows[i]=$row$row$row$row$row$row$row
        rows[i]=${rows[i]}${rows[i]}${rows[i]}${rows[i]}
    done
    for ((i = 0; i < $2; i++)); do
        image=
        for ((row = 0; row < 28; row++)); do
            image+=${rows[row / 3 == i % 10 ? 255 - i : i]}
        done
        images+=$image
        printf -v labels '%s\\x%02x' "$labels" $((i % 10))
    done
    printf '%b' "\0\0\x08\3\0\0\0\x$(printf %x "$2")\0\0\0\x1c\0\0\0\x1c$images" >"$1-images-idx3-ubyte"
    printf '%b' "\0\0\x08\1\0\0\0\x$(printf %x "$2")$labels" >"$1-labels-idx1-ubyte"
}
make "$2/train" 40
make "$2/t10k" 20
END
chmod +x data/fetch.sh

for ((number = 1; ; number++)); do
    block sh $number >session.sh || break
    bash -euo pipefail session.sh >out 2>err || fail "the README's sh block $number: $(cat session.sh err)"
done
[ "$number" -gt 3 ] || fail "$((number - 1)) sh blocks were found in README.md"
[ -s lenet.safetensors ] && [ -s lenet.history.csv ] && [ -s wide.safetensors ] || fail "the session leaves $(ls)"

for ((number = 1; ; number++)); do
    block recipe $number >block.recipe || break
    run info block.recipe
    expect_code 0
done
[ "$number" -gt 2 ] || fail "$((number - 1)) recipe blocks were found in README.md"

block c 1 >program.c || fail "no c block in README.md"
if command -v cc >/dev/null; then
    cc -std=c11 -Wall -Wextra -Werror -I "$SOURCE/include" -fsyntax-only program.c || fail "the README's C program"
fi

# The message that README.md shows as an example.
message=$(sed -n 's/.*`\(lenet\.recipe:[0-9]*:[0-9]*: .*\)`.*/\1/p' "$readme")
printf 'input 12x12x1\nconv filters=1 kernel=9\nrelu\nmaxpool size=9\n' >lenet.recipe
run info lenet.recipe
[ "cnn: $message" = "$(cat err)" ] || fail "README.md shows '$message', the program says '$(cat err)'"

# Statements and options of the README's table are those of the reference.
run help recipe
sed -n 's/^    \([a-z0-9-]*\)=.*/\1/p' out | sort -u >known
sed -n '/^| statement /,/^$/s/.*| `*\([^|`]*\)`* |$/\1/p' "$readme" | tr ' ' '\n' | grep -v '^options$\|^---\|^$' | sort -u >told
cmp -s known told || fail "options of README.md and of 'cnn help recipe': $(diff told known)"
sed -n 's/^\([a-z]\+\)  .*/\1/p' out | sort -u >known
sed -n '/^| statement /,/^$/s/^| \([^|]*\) |.*/\1/p' "$readme" | grep -o '`[a-z]\+' | tr -d '`' | sort -u >told
cmp -s known told || fail "statements of README.md and of 'cnn help recipe': $(diff told known)"

for recipe in "$SOURCE"/models/*.recipe; do
    run info "$recipe"
    expect_code 0
    grep -q "\`${recipe##*/}\`" "$SOURCE/models/README.md" || fail "models/README.md does not tell of ${recipe##*/}"
done
finish
