#!/usr/bin/env bash
# Other kinds of machines: `tests/arch.sh [i386|s390x ...]`, both unless named. Builds for 32-bit x86 (-m32) and for
# s390x, whose bytes are big-endian, with the distribution's compilers and libraries, which it unpacks below
# build/arch-NAME without installing them, and runs, s390x under qemu-user: the unit tests of all but training, the
# shipped models on the sample pictures, which must get the classes and probabilities that they get here, a training
# there whose model is used here, and models read and written anew, to the byte as here.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cores=$(nproc)
native=$root/build/release
cd "$root"
data/packages.sh build-essential cmake ninja-build pkg-config libopenblas-dev libstb-dev zlib1g-dev libjansson-dev \
    libpng-dev libcmocka-dev dataset-fashion-mnist python3 gcc-i686-linux-gnu gcc-s390x-linux-gnu qemu-user-static
cmake -G Ninja -S . -B "$native" -DCMAKE_BUILD_TYPE=Release -DCNN_TESTS=ON -DCNN_WERROR=ON >/dev/null
cmake --build "$native" -j "$cores" --target cnn_command -- --quiet
data=fashion-mnist:/usr/share/datasets/fashion-mnist

# Debian's libraries for an architecture, from apt with lists and caches of its own.
unpack() { # ARCHITECTURE TREE
    local tree=$2 deb
    [ ! -e "$tree/unpacked" ] || return 0
    mkdir -p "$tree/apt/lists/partial" "$tree/apt/cache/archives/partial" "$tree/sysroot"
    : >"$tree/apt/status"
    local apt=(apt-get -qq -o "APT::Architecture=$1" -o "APT::Architectures=$1" -o "Dir::State=$tree/apt"
        -o "Dir::State::status=$tree/apt/status" -o "Dir::Cache=$tree/apt/cache" -o APT::Sandbox::User=root
        -o Debug::NoLocking=true)
    "${apt[@]}" update || true # a list that cannot be had now leaves the others
    "${apt[@]}" -y --download-only --no-install-recommends install libc6-dev libgcc-12-dev libopenblas-dev libstb-dev \
        zlib1g-dev libjansson-dev libpng-dev libcmocka-dev >/dev/null
    for deb in "$tree"/apt/cache/archives/*.deb; do
        dpkg-deb -x "$deb" "$tree/sysroot"
    done
    find "$tree/sysroot" -type l -lname '/*' | while read -r link; do
        ln -sfn "$tree/sysroot$(readlink "$link")" "$link"
    done
    touch "$tree/unpacked"
}

build() { # ARCHITECTURE TREE
    local triplet=$1-linux-gnu compiler=$1-linux-gnu-gcc flags=
    [ "$1" != i386 ] || compiler=i686-linux-gnu-gcc flags="-m32 -Wno-psabi"
    local lib=$2/sysroot/usr/lib/$triplet
    local path=$2/sysroot/lib/$triplet:$lib:$lib/openblas-pthread
    case $1 in
    i386) launcher=("$2/sysroot/lib/ld-linux.so.2" --library-path "$path") ;;
    s390x) launcher=(qemu-s390x-static -L "$2/sysroot" -E "LD_LIBRARY_PATH=$path") ;;
    esac
    PKG_CONFIG_SYSROOT_DIR=$2/sysroot PKG_CONFIG_LIBDIR=$lib/pkgconfig:$lib/openblas-pthread/pkgconfig \
        cmake -G Ninja -S . -B "$2/build" -DCMAKE_BUILD_TYPE=Release -DCNN_TESTS=ON -DCNN_WERROR=ON \
        -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="${compiler%%-*}" -DCMAKE_LIBRARY_ARCHITECTURE="$triplet" \
        -DCMAKE_C_COMPILER="$compiler" -DCMAKE_C_FLAGS="$flags" -DCMAKE_SYSROOT="$2/sysroot" \
        -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
        -DCMAKE_CROSSCOMPILING_EMULATOR="$(IFS=';' && echo "${launcher[*]}")" >/dev/null
    cmake --build "$2/build" -j "$cores" -- --quiet
}

there() {
    "${launcher[@]}" "$tree/build/cnn" "$@"
}

here() {
    "$native/cnn" "$@"
}

# Lines of `classify --json`, here and there: the classes agree, and probabilities to a thousandth.
agree() {
    python3 -c '
import json, sys
a, b = ([json.loads(line) for line in open(name)] for name in sys.argv[1:])
assert len(a) == len(b) > 0
most = 0
for x, y in zip(a, b):
    x, y = ({c["class"]: c["probability"] for c in line["classes"]} for line in (x, y))
    assert max(x, key=x.get) == max(y, key=y.get)
    most = max([most] + [abs(x[c] - y[c]) for c in x])
assert most < 1e-3, most
print(f"{len(a)} pictures, probabilities differ by {most:.1e} at most")' "$1" "$2"
}

classify() { # MODEL PICTURE...
    here classify --top 1000 --json "$@" >"$tree/here.json"
    there classify --top 1000 --json "$@" >"$tree/there.json"
    agree "$tree/here.json" "$tree/there.json"
}

check() {
    local name=$1 model
    tree=$root/build/arch-$name
    unpack "$name" "$tree"
    build "$name" "$tree"
    file -b "$tree/build/cnn" | cut -d, -f1-2
    ctest --test-dir "$tree/build" --parallel "$cores" --output-on-failure \
        --tests-regex '^unit/(base|data|image|net|report)_' | tail -n 3
    for model in models/*.safetensors; do
        case $model in
        *mnist*) pictures=(data/samples/digit-*.png) ;;
        *) pictures=(data/samples/photo-*.png) ;;
        esac
        echo "$model: $(classify "$model" "${pictures[@]}")"
    done

    cat >"$tree/tiny.recipe" <<'RECIPE'
input 28x28x1 scale=standardize
conv filters=6 kernel=5 stride=2
batchnorm
relu
maxpool size=2
dense units=10
train epochs=1 batch=32 images=640 lr=0.05 momentum=0.9
RECIPE
    there train "$tree/tiny.recipe" --data "$data" --quiet --out "$tree/there.safetensors"
    here train "$tree/tiny.recipe" --data "$data" --quiet --out "$tree/here.safetensors"
    for model in there here; do
        echo "trained $model: $(classify "$tree/$model.safetensors" data/samples/fashion-*.png)"
        cp "$tree/$model.safetensors" "$tree/again.safetensors"
        there eval "$tree/$model.safetensors" --data "$data" --record | grep -m 1 accuracy
        here eval "$tree/again.safetensors" --data "$data" --record >/dev/null
        cmp "$tree/$model.safetensors" "$tree/again.safetensors"
    done
    echo "$name: read and written alike"
}

[ $# -gt 0 ] || set -- i386 s390x
for name in "$@"; do
    check "$name"
done
