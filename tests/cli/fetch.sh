#!/usr/bin/env bash
# data/fetch.sh without a network: programs of our own take the place of curl and wget. They serve a small data set, whose
# sums are put into a copy of the script; Fashion-MNIST's package, where it is installed, tests the real sums.
set -euo pipefail

fail() {
    echo "$*"
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache CNN_DATASETS=$work/packaged MODE LOG=$work/log SERVER=$work/server
fetch=$work/fetch.sh
mkdir "$work/bin" "$SERVER"

# curl ... -o FILE URL, in the way MODE tells: good, cut (half of what is left), wrong, down, refusing to resume; by-place
# is wrong at the first place that is asked and good at all others.
cat >"$work/bin/curl" <<'END'
#!/usr/bin/env bash
out= url=
while [ $# -gt 0 ]; do
    case $1 in
    -o) out=$2; shift ;;
    http*) url=$1 ;;
    esac
    shift
done
echo "$url" >>"$LOG"
file=$SERVER/${url##*/}
have=$(stat -c %s "$out" 2>/dev/null || echo 0)
left=$(($(stat -c %s "$file") - have))
case $MODE in
good) tail -c "+$((have + 1))" "$file" >>"$out" ;;
cut) tail -c "+$((have + 1))" "$file" | head -c $((left / 2)) >>"$out"; exit 18 ;;
wrong) echo rubbish >"$out" ;;
down) echo "no network" >&2; exit 6 ;;
refusing) if [ "$have" -gt 0 ]; then exit 33; fi; cat "$file" >"$out" ;;
by-place) if [ "$(wc -l <"$LOG")" -eq 1 ]; then echo rubbish >"$out"; else tail -c "+$((have + 1))" "$file" >>"$out"; fi ;;
esac
END
chmod +x "$work/bin/curl"

# ---- the served data and the script with its sums
cp "$SOURCE/data/fetch.sh" "$fetch"
put_sum() { # FILE NAME: the sum of FILE's content becomes that of NAME
    local sum
    sum=$(sha256sum <"$1" | cut -d ' ' -f 1)
    sed -i "s|^    $2) echo [0-9a-f]*|    $2) echo $sum|" "$fetch"
    grep -q "$2) echo $sum" "$fetch" || fail "the script has no sum for $2"
}
for file in train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
    head -c 3000 /dev/urandom >"$work/$file"
    put_sum "$work/$file" "mnist/$file"
    gzip -c "$work/$file" >"$SERVER/$file.gz"
done
mkdir "$work/cifar-10-batches-bin"
for file in data_batch_{1,2,3,4,5}.bin test_batch.bin; do
    head -c 3073 /dev/urandom >"$work/cifar-10-batches-bin/$file"
    put_sum "$work/cifar-10-batches-bin/$file" "cifar10/$file"
done
printf '%s\n' airplane automobile bird cat deer dog frog horse ship truck '' >"$work/cifar-10-batches-bin/batches.meta.txt"
tar -czf "$SERVER/cifar-10-binary.tar.gz" -C "$work" cifar-10-batches-bin

# run MODE STATUS ARGUMENT ...: stdout to $out, stderr to $err
run() {
    local wanted=$2 status=0
    MODE=$1
    : >"$LOG"
    PATH=$work/bin:$PATH "$fetch" "${@:3}" >"$work/out" 2>"$work/err" || status=$?
    out=$(cat "$work/out") err=$(cat "$work/err")
    [ "$status" -eq "$wanted" ] || fail "fetch.sh ${*:3} ($1) ended with $status, not $wanted: $err"
}

downloads() {
    [ "$(wc -l <"$LOG")" -eq "$1" ] || fail "$(wc -l <"$LOG") downloads, not $1: $(cat "$LOG")"
}

holds() { # DIR FILE ...: DIR holds these files and no others
    [ "$(cd "$1" && printf '%s\n' * | sort)" = "$(printf '%s\n' "${@:2}" | sort)" ] || fail "$1 holds: $(ls "$1")"
}

idx_gz=(train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz)

# ---- usage
run good 0 --help
[[ $out == *"Usage: data/fetch.sh mnist|fashion-mnist|cifar10 [DIR]"* ]] || fail "no usage in: $out"
run good 2
run good 2 imagenet
[[ $err == *"unknown data set 'imagenet'"* ]] || fail "$err"
run good 2 mnist a b

# ---- all is downloaded, once
run good 0 mnist
[ "$out" = "$work/cache/cnn/mnist" ] || fail "printed $out"
downloads 4
holds "$out" "${idx_gz[@]}"
run good 0 mnist
downloads 0

# ---- what is there is used: unpacked files, packaged ones
mkdir "$work/plain"
cp "$work"/*-ubyte "$work/plain"
run down 0 mnist "$work/plain"
downloads 0
mkdir -p "$work/packaged/mnist"
cp "$SERVER"/*-ubyte.gz "$work/packaged/mnist"
rm -r "$work/cache"
run down 0 mnist
[ "$out" = "$work/packaged/mnist" ] || fail "printed $out"
run down 0 mnist "$work/copied"
[ "$out" = "$work/copied" ] || fail "printed $out"
holds "$work/copied" "${idx_gz[@]}"
rm -r "$work/packaged"

# ---- a damaged file is replaced, and only that
echo more >>"$work/copied/t10k-images-idx3-ubyte.gz"
run good 0 mnist "$work/copied"
downloads 1
cmp "$work/copied/t10k-images-idx3-ubyte.gz" "$SERVER/t10k-images-idx3-ubyte.gz"

# ---- no network: every place is tried and named, nothing is left
run down 1 mnist "$work/none"
downloads 3
[[ $err == *"could not get train-images-idx3-ubyte.gz of mnist; tried https://"*yann.lecun.com*"it resumes"* ]] || fail "$err"
[ -z "$(ls "$work/none")" ] || fail "left: $(ls "$work/none")"

# ---- wrong content never gets a final name
run wrong 1 mnist "$work/none"
[[ $err == *"is not what it should be"* ]] || fail "$err"
[ -z "$(ls "$work/none")" ] || fail "left: $(ls "$work/none")"
run by-place 0 mnist "$work/second"
downloads 5

# ---- an interrupted download is resumed, or begun anew where a server cannot
run cut 1 mnist "$work/half"
holds "$work/half" train-images-idx3-ubyte.gz.part
run good 0 mnist "$work/half"
downloads 4
holds "$work/half" "${idx_gz[@]}"
run cut 1 mnist "$work/anew"
run refusing 0 mnist "$work/anew"
downloads 5
mkdir "$work/foreign"
head -c 100 /dev/urandom >"$work/foreign/train-images-idx3-ubyte.gz.part"
run good 0 mnist "$work/foreign"
downloads 5
holds "$work/foreign" "${idx_gz[@]}"

# ---- CIFAR-10: the same with an archive
cifar=(data_batch_{1,2,3,4,5}.bin test_batch.bin batches.meta.txt)
run good 0 cifar10 "$work/cifar"
downloads 1
holds "$work/cifar" "${cifar[@]}"
run down 0 cifar10 "$work/cifar"
downloads 0
run cut 1 cifar10 "$work/cut"
holds "$work/cut" cifar-10-binary.tar.gz.part
run good 0 cifar10 "$work/cut"
holds "$work/cut" "${cifar[@]}"
run wrong 1 cifar10 "$work/wrong"
[ -z "$(ls "$work/wrong")" ] || fail "left: $(ls "$work/wrong")"
mkdir "$work/outer"
cp -r "$work/cifar-10-batches-bin" "$work/outer"
run down 0 cifar10 "$work/outer"
[ "$out" = "$work/outer/cifar-10-batches-bin" ] || fail "printed $out"

# ---- wget does as well as curl; one of them is needed
mkdir "$work/tools"
for tool in bash env cat cp cut gzip ls mkdir mv rm sed sha256sum tar tr stat tail wc; do
    ln -s "$(command -v "$tool")" "$work/tools/$tool"
done
PATH=$work/tools "$fetch" mnist "$work/bare" 2>"$work/err" && fail "downloaded with neither curl nor wget"
grep -q "neither curl nor wget is installed" "$work/err" || fail "$(cat "$work/err")"
sed 's/-o) out/-O) out/' "$work/bin/curl" >"$work/tools/wget"
chmod +x "$work/tools/wget"
MODE=good PATH=$work/tools "$fetch" mnist "$work/bare" >/dev/null 2>&1
holds "$work/bare" "${idx_gz[@]}"

# ---- the real sums
if [ -d /usr/share/datasets/fashion-mnist ]; then
    [ "$(CNN_DATASETS=/usr/share/datasets "$SOURCE/data/fetch.sh" fashion-mnist)" = /usr/share/datasets/fashion-mnist ]
fi
