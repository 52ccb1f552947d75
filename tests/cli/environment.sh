#!/usr/bin/env bash
# Surroundings that are not the usual: something else where a file is expected, names of any bytes and length, closed and
# full streams, unset variables, another locale, no /proc. One clear line and exit status 1 or 2, and never a wait.
. "${SOURCE:?the repository}/tests/cli/common.bash" || exit 1
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE # they choose OpenBLAS's kernels, and so the last bits of a model
make_shapes
run train tiny.recipe --data folder:shapes --quiet
expect_code 0
picture=shapes/test/left/0.bmp

# A program that waits would wait for ever: it is ended, with status 124, after more than any of these takes.
program=$CNN
printf '#!/bin/sh\nexec timeout 100 "%s" "$@"\n' "$program" >cnn
chmod +x cnn
CNN=$work/cnn

# ---- something else where a file is expected
mkdir folder things
mkfifo fifo
ln -s /dev/null null
ln -s /dev/zero zero
: >empty
kinds=(absent empty fifo folder null zero)
if perl -MSocket -e 'socket S, PF_UNIX, SOCK_STREAM, 0 and bind S, pack_sockaddr_un("socket") or exit 1'; then
    kinds+=(socket)
else
    echo "no perl with Socket: sockets are not tested"
fi

# The same for a name that a file of the data set has.
set_of() { # FOLDER FILE KIND
    rm -rf things/set
    cp -rP "$1" things/set
    rm -rf "things/set/${2:?}"
    [ "$3" = absent ] || cp -rP "$3" "things/set/$2"
}
grey=()
for ((i = 0; i < 64; i++)); do grey+=(7); done
mkdir digits objects
for part in train t10k; do
    idx digits/$part-images-idx3-ubyte 1 8 8 -- "${grey[@]}"
    idx digits/$part-labels-idx1-ubyte 1 -- 0
done
for name in data_batch_{1..5}.bin test_batch.bin; do
    head -c 3073 /dev/zero >"objects/$name"
done
sed 's/8x8x1/32x32x3/; s/units=3/units=10/' tiny.recipe >objects.recipe

for kind in "${kinds[@]}"; do
    refuse 1 "$kind" classify $kind $picture
    refuse 1 "$kind" eval $kind --data folder:shapes
    refuse 1 "$kind" info $kind
    refuse 1 "$kind" inspect $kind --data folder:shapes
    refuse 1 "$kind" train $kind --data folder:shapes
    refuse 1 "$kind" compare $kind --data folder:shapes --out compared
    refuse 1 "$kind" classify tiny.safetensors $kind
    for format in folder mnist cifar10; do
        recipe=tiny.recipe
        [ $format != cifar10 ] || recipe=objects.recipe
        refuse 1 "$kind" train $recipe --data $format:$kind --out new.safetensors
    done

    set_of digits train-images-idx3-ubyte $kind
    refuse 1 "things/set" train tiny.recipe --data mnist:things/set --out new.safetensors
    set_of digits train-labels-idx1-ubyte $kind
    refuse 1 "things/set" train tiny.recipe --data mnist:things/set --out new.safetensors
    set_of objects data_batch_3.bin $kind
    refuse 1 "things/set" train objects.recipe --data cifar10:things/set --out new.safetensors
    if [ $kind != absent ]; then
        set_of objects batches.meta.txt $kind
        refuse 1 "batches\.meta" train objects.recipe --data cifar10:things/set --out new.safetensors
        # One bad picture among others is passed over.
        set_of shapes test/left/0.bmp $kind
        run eval tiny.safetensors --data folder:things/set
        expect_code 0
        run classify tiny.safetensors things/set/test/left
        expect_code 1
        [ "$(wc -l <out)" -eq 7 ] && [ "$(wc -l <err)" -eq 1 ] || fail "$ran with a $kind in it: $(cat out err)"
    fi

    # The model, the history and the checkpoint are written where nothing else is than a file.
    for name in model.safetensors model.history.csv model.checkpoint; do
        rm -rf model.*
        [ $kind = absent ] || cp -rP $kind $name
        case $kind in
        absent | empty) ;;
        *) refuse 1 "cannot write '$name': it exists and is no regular file" \
            train tiny.recipe --data folder:shapes --out model.safetensors ;;
        esac
    done
    refuse 1 "model\.checkpoint" train tiny.recipe --data folder:shapes --out model.safetensors --resume
    rm -rf model.*

    case $kind in
    absent | socket | fifo) ;; # the shell cannot open these
    zero) ;;                   # has no end
    *)
        "$CNN" classify tiny.safetensors - <$kind >out 2>err
        code=$? ran="cnn classify tiny.safetensors - <$kind"
        expect_code 1
        expect_empty out
        expect err '^cnn: .*standard input: '
        [ "$(wc -l <err)" -eq 1 ] || fail "$ran: $(cat err)"
        ;;
    esac
done
[ -p fifo ] && [ -c null ] && [ -c /dev/null ] || fail "a pipe or device has been replaced"

# ---- names
# works_as RECIPE MODEL PICTURE: trained, shown and used under such names, which are told in one line.
works_as() {
    cp -- tiny.recipe "$1" && cp -- $picture "$3" || fail "the test cannot make these names"
    run train --data folder:shapes --quiet "--out=$2" -- "$1"
    expect_code 0
    cmp -s -- "$2" tiny.safetensors || fail "$ran: another model"
    run info -- "$2"
    expect_code 0
    run eval --data folder:shapes -- "$2"
    expect_code 0
    run classify -- "$2" "$3"
    expect_code 0
    [ "$(wc -l <out)" -eq 1 ] || fail "$ran: not one line: $(cat out)"
    run classify --json -- "$2" "$3"
    expect_code 0
    expect_json
    rm -- "$1" "$2" "${2%.safetensors}.history.csv" "$3"
}
works_as -r.recipe -m.safetensors -p.bmp
works_as --data --out --json
works_as $'\xc3\xa9\xe2\x82\xac \xf0\x9f\x90\xb1.recipe' $'\xc3\xa9\xe2\x82\xac.safetensors' $'\xf0\x9f\x90\xb1.bmp'
works_as $'a\nb\t\'"$(x)`.recipe' $'m\n\e[31m\\.safetensors' $'p\r\n\'"%s%n.bmp'
works_as $'\xff\xfe.recipe' $'\x80.safetensors' $'\xed\xa0\x80.bmp'
for name in '' ' ' . .. / // /dev/fd/99; do
    refuse 1 . info "$name"
    refuse 1 . train "$name" --data folder:shapes
    refuse 1 . classify tiny.safetensors "$name"
    refuse 1 . train tiny.recipe --data "folder:$name"
    refuse 1 . train tiny.recipe --data folder:shapes --out "$name/"
done

# The names of folders become those of classes.
for class in ' ' $'\xc3\xa9' $'a\nb' $'\xff' '"' '<b>' %s%n; do
    rm -rf odd && cp -r shapes odd
    mv odd/train/left "odd/train/$class" && mv odd/test/left "odd/test/$class"
    run train tiny.recipe --data folder:odd --quiet --out odd.safetensors
    if [ "$code" -eq 0 ]; then
        run eval odd.safetensors --data folder:odd
        expect_code 0
        run classify odd.safetensors $picture --json
        expect_code 0
        expect_json
    else
        refuse 1 "odd" train tiny.recipe --data folder:odd --quiet --out odd.safetensors
    fi
done

# Long names: each works as a whole, or is refused before the training.
long() { printf "%$1s" '' | tr ' ' "${2:-x}"; }
mkdir long
for length in 200 $(seq 225 256) 300; do
    name=long/$(long $((length - 12))).safetensors
    run train tiny.recipe --data folder:shapes --quiet --out "$name"
    left=$(ls long | sed 's/^x*//' | tr '\n' ' ')
    if [ "$code" -eq 0 ]; then
        [ "$left" = ".history.csv .safetensors " ] || fail "a name of $length bytes leaves $left"
        cmp -s "$name" tiny.safetensors || fail "a name of $length bytes: another model"
    else
        [ "$length" -gt 230 ] || fail "a name of $length bytes is refused: $(cat err)"
        [ "$left" = "" ] || fail "a refused name of $length bytes leaves $left"
        refuse 1 "x': File name too long|\.safetensors': File name too long" \
            train tiny.recipe --data folder:shapes --out "$name"
    fi
    rm -f long/*
done

# Paths near the longest (4096 bytes with the end), of which messages keep both ends.
deep=deep
while [ ${#deep} -lt 3700 ]; do deep=$deep/$(long 99 d); done
mkdir -p "$deep"
cp -r shapes "$deep/"
cp tiny.recipe "$deep/"
run train "$deep/tiny.recipe" --data "folder:$deep/shapes" --quiet --out "$deep/m.safetensors"
expect_code 0
cmp -s "$deep/m.safetensors" tiny.safetensors || fail "$deep: another model"
run classify "$deep/m.safetensors" "$deep/$picture" "$deep/shapes/test/left"
expect_code 0
[ "$(wc -l <out)" -eq 9 ] || fail "not all pictures are classified in a deep folder"
refuse 1 "^cnn: cannot open 'deep/.*none': No such file or directory$" info "$deep/none"
refuse 1 "^cnn: data: there is no folder 'deep/.*/none': No such file or directory$" \
    train tiny.recipe --data "folder:$deep/none" --out new.safetensors
rest=$((4095 - ${#deep}))
refuse 1 "File name too long$" info "$deep/$(long 255)/$(long $((rest - 257)))y"
for length in 12 11 1 0; do
    refuse 1 "^cnn: cannot write 'deep/.*: File name too long$" train tiny.recipe --data folder:shapes --out \
        "$deep/$(long 200)/../$(long $((rest - 206 - length)))"
done

# ---- standard streams
for words in "info tiny.safetensors" "eval tiny.safetensors --data folder:shapes" \
    "classify tiny.safetensors $picture" "train tiny.recipe --data folder:shapes --json --out new.safetensors"; do
    # shellcheck disable=SC2086 # words
    {
        "$program" $words >out 2>err </dev/null || fail "cnn $words"
        sed -i 's/"seconds":[^,}]*//g; s/"images_per_second":[^,}]*//g' out
        "$program" $words >closed <&- 2>&- || fail "cnn $words with closed input and errors"
        sed -i 's/"seconds":[^,}]*//g; s/"images_per_second":[^,}]*//g' closed
        cmp -s out closed || fail "cnn $words with closed input and errors: $(diff out closed)"
        [ ! -c /dev/full ] || "$program" $words >out 2>/dev/full || fail "cnn $words with full errors: $?"
    }
done
cmp -s new.safetensors tiny.safetensors || fail "streams change the model"

# ---- variables, permissions, limits
env -i "$program" train tiny.recipe --data folder:shapes --quiet --out bare.safetensors || fail "without environment"
cmp -s bare.safetensors tiny.safetensors || fail "without environment there is another model"
env -i "$program" classify bare.safetensors $picture >out 2>err || fail "classify without environment: $(cat err)"
HOME=/none TMPDIR=/none XDG_CACHE_HOME=/none "$program" eval tiny.safetensors --data folder:shapes >out 2>err ||
    fail "no home and no place for temporary files: $(cat err)"

for mask in 077 022 000; do
    rm -f masked.*
    (umask $mask && exec "$program" train tiny.recipe --data folder:shapes --quiet --out masked.safetensors)
    mode=$(printf '%o' $((0666 & ~mask)))
    [ "$(stat -c %a masked.safetensors masked.history.csv | tr '\n' ' ')" = "$mode $mode " ] ||
        fail "umask $mask: $(ls -l masked.*)"
done

(ulimit -n 16 && exec "$program" train tiny.recipe --data folder:shapes --quiet --out few.safetensors) ||
    fail "with 16 descriptors"
cmp -s few.safetensors tiny.safetensors || fail "with 16 descriptors there is another model"

# Without /proc and /sys, as in a bare chroot.
bare_mounts="umount -l /sys && umount -l /proc && exec"
if unshare --mount sh -c "$bare_mounts true" 2>/dev/null; then
    unshare --mount sh -c "$bare_mounts '$program' train tiny.recipe --data folder:shapes --quiet --out no.safetensors" ||
        fail "without /proc"
    cmp -s no.safetensors tiny.safetensors || fail "without /proc there is another model"
    unshare --mount sh -c "$bare_mounts '$program' classify no.safetensors $picture --json" >out 2>err &&
        [ ! -s err ] || fail "without /proc: $(cat err)"
else
    echo "no right to unmount: /proc is there in all tests"
fi

# ---- a processor that OpenBLAS does not know: the command takes kernels that the processor has, and the user's stand
cat >unknown.c <<'END'
#include <stdio.h>
#include <stdlib.h>
char *openblas_get_corename(void)
{
    const char *asked = getenv("OPENBLAS_CORETYPE");
    fprintf(stderr, "%s\n", asked ? asked : "none");
    return "Prescott";
}
END
cc -shared -fPIC -o unknown.so unknown.c
if [ "$(uname -m)" = x86_64 ] && grep -q avx2 /proc/cpuinfo && ldd "$program" | grep -q openblas; then
    kernels=Haswell
    ! grep -q avx512vl /proc/cpuinfo || kernels=SkylakeX
    LD_PRELOAD=$work/unknown.so "$program" --version >out 2>err || fail "on an unknown processor: $(cat err)"
    [ "$(tr '\n' ' ' <err)" = "none $kernels " ] && [ "$(wc -l <out)" -eq 1 ] ||
        fail "on an unknown processor the kernels are: $(cat err)"
    LD_PRELOAD=$work/unknown.so OPENBLAS_CORETYPE=Nehalem "$program" --version >out 2>err
    [ "$(cat err)" = Nehalem ] || fail "the user's OPENBLAS_CORETYPE becomes $(cat err)"
else
    echo "no OpenBLAS that can be replaced, or no AVX2: unknown processors are not tested"
fi

# ---- a locale with a decimal comma: the command ignores it, and a program that sets it gets the same files
mkdir locales
if localedef -i de_DE -f UTF-8 locales/de_DE.UTF-8 2>err && [ -d locales/de_DE.UTF-8 ]; then
    cat >locale.c <<'END'
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void set(void)
{
    char number[8];
    setlocale(LC_ALL, "");
    snprintf(number, sizeof number, "%.1f", 0.5);
    if (number[1] != ',') {
        abort();
    }
}
END
    cc -shared -fPIC -o locale.so locale.c
    german=(env "LOCPATH=$work/locales" LC_ALL=de_DE.UTF-8)
    for words in "info tiny.safetensors" "info tiny.recipe --json" "eval tiny.safetensors --data folder:shapes" \
        "classify tiny.safetensors shapes/test" "help recipe"; do
        # shellcheck disable=SC2086 # words
        "$program" $words >out 2>err
        # shellcheck disable=SC2086 # words
        "${german[@]}" "$program" $words >german 2>err
        cmp -s out german || fail "cnn $words in another locale: $(diff out german)"
    done
    german+=("LD_PRELOAD=$work/locale.so")
    "${german[@]}" "$program" train tiny.recipe --data folder:shapes --quiet --set lr=0.05 --out german.safetensors ||
        fail "training in another locale"
    cmp -s german.safetensors tiny.safetensors || fail "another locale makes another model"
    for words in "info german.safetensors" "eval german.safetensors --data folder:shapes" \
        "classify german.safetensors $picture"; do
        # shellcheck disable=SC2086 # words
        "$program" $words --json >out 2>err
        # shellcheck disable=SC2086 # words
        "${german[@]}" "$program" $words --json >german 2>err
        cmp -s out german || fail "cnn $words --json in another locale: $(diff out german)"
    done
    "${german[@]}" "$program" train tiny.recipe --data folder:shapes --quiet --set lr=0,05 >out 2>err &&
        fail "a decimal comma is taken"
else
    echo "no locale can be made: the locale is not tested"
fi
finish
