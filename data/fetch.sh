#!/usr/bin/env bash
# Gets a data set: uses what is there, else downloads it, and verifies all of it. See fetch.sh --help.
set -euo pipefail

packaged=${CNN_DATASETS:-/usr/share/datasets}

usage() {
    cat <<'END'
Usage: data/fetch.sh mnist|fashion-mnist|cifar10 [DIR]

Puts a data set into DIR, by default ${XDG_CACHE_HOME:-~/.cache}/cnn/NAME, and prints the folder that holds it, ready for
  cnn train RECIPE --data NAME:FOLDER

Files that are there and right are kept, so a second run is short. Fashion-MNIST is taken from Debian's package
dataset-fashion-mnist where that is installed. Everything else is downloaded with curl or wget from the official place
or a mirror. A download that was interrupted is resumed. Each file's content must have the right SHA-256 before it gets
its name; until then it is called NAME.part.

With CNN_DATASETS=FOLDER packaged data sets are looked for in FOLDER, not in /usr/share/datasets.

  mnist           11 MB   70,000 handwritten digits, 28x28x1
  fashion-mnist   30 MB   70,000 pictures of clothes, 28x28x1
  cifar10        170 MB   60,000 pictures of ten kinds, 32x32x3

Exit status: 0 all there, 1 failed, 2 wrong usage.
END
}

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "fetch.sh: $*"
    exit 1
}

idx_files=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
cifar_files=(data_batch_1.bin data_batch_2.bin data_batch_3.bin data_batch_4.bin data_batch_5.bin test_batch.bin)
cifar_names="airplane automobile bird cat deer dog frog horse ship truck"

# The SHA-256 of a file's unpacked content: mirrors may have packed it anew.
sum_of() {
    case $1/$2 in
    mnist/train-images-idx3-ubyte) echo ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db ;;
    mnist/train-labels-idx1-ubyte) echo 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 ;;
    mnist/t10k-images-idx3-ubyte) echo 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 ;;
    mnist/t10k-labels-idx1-ubyte) echo ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 ;;
    fashion-mnist/train-images-idx3-ubyte) echo c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 ;;
    fashion-mnist/train-labels-idx1-ubyte) echo bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 ;;
    fashion-mnist/t10k-images-idx3-ubyte) echo 5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b ;;
    fashion-mnist/t10k-labels-idx1-ubyte) echo 0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 ;;
    cifar10/data_batch_1.bin) echo cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5 ;;
    cifar10/data_batch_2.bin) echo a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed ;;
    cifar10/data_batch_3.bin) echo bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67 ;;
    cifar10/data_batch_4.bin) echo 014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48 ;;
    cifar10/data_batch_5.bin) echo 755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add ;;
    cifar10/test_batch.bin) echo 8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b ;;
    esac
}

# The places to try in turn; the first is the official one where that is dependable.
mirrors() {
    case $1 in
    mnist)
        echo https://ossci-datasets.s3.amazonaws.com/mnist
        echo https://storage.googleapis.com/cvdf-datasets/mnist
        echo http://yann.lecun.com/exdb/mnist
        ;;
    fashion-mnist)
        echo http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
        echo https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion
        ;;
    cifar10)
        echo https://www.cs.toronto.edu/~kriz
        echo https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10
        echo https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets
        ;;
    esac
}

sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -d ' ' -f 1
}

# Whether file $1, packed or not, holds what file $2 of the data set shall hold.
is_right() {
    local reader=cat sum
    [ -f "$1" ] || return 1
    case $1 in *.gz | *.gz.part) reader='gzip -dc' ;; esac
    sum=$($reader <"$1" 2>/dev/null | sha256) && [ "$sum" = "$(sum_of "$name" "$2")" ]
}

# Downloads $1 to $2, going on where $2 ends. curl and wget give up on a server that sends nothing for a minute.
download() {
    if command -v curl >/dev/null; then
        local progress=-sS
        if [ -t 2 ]; then progress=-#; fi
        curl -fL $progress --connect-timeout 20 --speed-limit 100 --speed-time 60 --retry 2 -C - -o "$2" "$1" >&2
    elif command -v wget >/dev/null; then
        wget -nv -c --timeout=60 --tries=3 -O "$2" "$1" >&2
    else
        die "neither curl nor wget is installed: install one of them"
    fi
}

# Downloads file $1 of the data set to $dir/$1.part until check $2 finds it right. A part that a server cannot go on with,
# or that another mirror packed differently, is thrown away and its download begun anew.
fetch() {
    local part=$dir/$1.part check=$2 place had status
    "$check" "$part" && return
    for place in $(mirrors "$name"); do
        while true; do
            had=no
            status=0
            if [ -s "$part" ]; then had=yes; fi
            say "Downloading $place/$1"
            download "$place/$1" "$part" || status=$?
            case $status in
            0)
                "$check" "$part" && return
                say "$place/$1 is not what it should be"
                rm -f "$part"
                ;;
            8 | 22 | 33 | 36) rm -f "$part" ;; # the server refuses: wget's, then curl's numbers for it
            *) had=no ;;
            esac
            if [ $had = no ]; then break; fi
        done
    done
    if [ ! -s "$part" ]; then rm -f "$part"; fi
    die "could not get $1 of $name; tried $(mirrors "$name" | tr '\n' ' ')- check the network and run this again: it resumes"
}

# ---- MNIST and Fashion-MNIST: four gzip files

has_idx() {
    is_right "$1/$2" "$2" || is_right "$1/$2.gz" "$2"
}

has_all_idx() {
    local file
    for file in "${idx_files[@]}"; do
        has_idx "$1" "$file" || return 1
    done
}

is_right_part() {
    local file=${1##*/}
    is_right "$1" "${file%.gz.part}"
}

get_idx() {
    local file
    if [ -z "$given" ] && has_all_idx "$packaged/$name"; then
        dir=$packaged/$name
        return
    fi
    mkdir -p "$dir"
    for file in "${idx_files[@]}"; do
        has_idx "$dir" "$file" && continue
        if is_right "$packaged/$name/$file.gz" "$file"; then
            cp "$packaged/$name/$file.gz" "$dir/$file.gz.part"
        fi
        fetch "$file.gz" is_right_part
        mv -f "$dir/$file.gz.part" "$dir/$file.gz"
    done
}

# ---- CIFAR-10: an archive of six batches and the class names

has_cifar() {
    local file
    for file in "${cifar_files[@]}"; do
        is_right "$1/$file" "$file" || return 1
    done
    [ "$(tr -s '\r\n' ' ' <"$1/batches.meta.txt" | sed 's/ $//')" = "$cifar_names" ]
}

# Unpacks archive $1 beside it and checks the content. Only the files that are expected are unpacked.
is_right_archive() {
    [ -s "$1" ] || return 1
    rm -rf "$unpacked"
    mkdir "$unpacked"
    tar -xzf "$1" -C "$unpacked" "${cifar_files[@]/#/cifar-10-batches-bin/}" cifar-10-batches-bin/batches.meta.txt \
        2>/dev/null || return 1
    has_cifar "$unpacked/cifar-10-batches-bin"
}

get_cifar10() {
    local file
    has_cifar "$dir" 2>/dev/null && return
    if has_cifar "$dir/cifar-10-batches-bin" 2>/dev/null; then
        dir=$dir/cifar-10-batches-bin
        return
    fi
    mkdir -p "$dir"
    unpacked=$dir/unpacked.part
    trap 'rm -rf "$unpacked"' EXIT
    fetch cifar-10-binary.tar.gz is_right_archive
    for file in "${cifar_files[@]}" batches.meta.txt; do
        mv -f "$unpacked/cifar-10-batches-bin/$file" "$dir/$file"
    done
    rm -f "$dir/cifar-10-binary.tar.gz.part"
}

case ${1:-} in
-h | --help)
    usage
    exit 0
    ;;
esac
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
    usage >&2
    exit 2
fi
name=$1
given=${2:-}
dir=${given:-${XDG_CACHE_HOME:-$HOME/.cache}/cnn/$name}
case $name in
mnist | fashion-mnist) get_idx ;;
cifar10) get_cifar10 ;;
*)
    say "fetch.sh: unknown data set '$name': mnist, fashion-mnist or cifar10"
    exit 2
    ;;
esac
echo "$dir"
