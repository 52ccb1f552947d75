#!/usr/bin/env bash
# Installs into an empty folder, moves that elsewhere, builds the programs of tests/apps against it in four ways (CMake
# and pkg-config, shared and static), and compares what they print with what `cnn classify` prints.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$BUILD" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
prefix=$work/prefix
lib=$(dirname "$(find "$prefix" -name 'libcnn.so.0')")

for file in "$prefix/bin/cnn" "$prefix/include/cnn.h" "$lib/libcnn.a" "$lib/libcnn.so" "$lib/pkgconfig/cnn.pc" \
    "$prefix/share/doc/cnn/LICENSE" "$prefix/share/doc/cnn/README.md"; do
    [ -e "$file" ] || { echo "not installed: ${file#"$prefix/"}"; exit 1; }
done
if grep -rIl -e "$BUILD" -e "$SOURCE" -e "$work/first" "$prefix"; then
    echo "these installed files name the build's folders"
    exit 1
fi

# A model that tells trousers from boots, and the pictures of both kinds that it learnt from.
pictures=()
for class in trouser ankle-boot; do
    mkdir -p "$work/data/$class"
    found=("$SOURCE"/data/samples/fashion-*"$class"*.png)
    cp "${found[@]}" "$work/data/$class/"
    pictures+=("${found[@]}")
done
printf 'input 28x28x1\nmaxpool size=2\ndense units=2\ntrain epochs=20 batch=2 lr=0.01\n' >"$work/tiny.recipe"
"$prefix/bin/cnn" train "$work/tiny.recipe" --data "folder:$work/data" --out "$work/tiny.safetensors" --quiet
"$prefix/bin/cnn" classify "$work/tiny.safetensors" "${pictures[@]}" --top 1 | sed 's/^.*: //' >"$work/expected"
[ "$(wc -l <"$work/expected")" -eq ${#pictures[@]} ]

# Runs the programs in folder $1 and compares.
compare() {
    local picture
    for picture in "${pictures[@]}"; do
        "$1/classify" "$work/tiny.safetensors" "$picture" >"$work/both"
        [ "$(uniq "$work/both" | wc -l)" -eq 1 ] || { echo "$1: file and memory differ"; cat "$work/both"; return 1; }
        uniq "$work/both"
    done | diff "$work/expected" - || { echo "$1/classify and cnn classify differ"; return 1; }
    "$1/threads" "$work/tiny.safetensors" "${pictures[@]}" | diff "$work/expected" - || { echo "$1/threads differs"; return 1; }
}

# Fails unless program $1 needs libcnn.so ($2 = yes) or does without (no).
expect_shared() {
    local needs=no
    readelf --dynamic "$1" | grep -q 'NEEDED.*libcnn\.so\.0' && needs=yes
    [ $needs = "$2" ] || { echo "$1: needs libcnn.so.0: $needs, expected: $2"; return 1; }
}

for target in cnn::cnn cnn::static; do
    tree=$work/cmake-${target#cnn::}
    cmake -S "$SOURCE/tests/apps" -B "$tree" -DCMAKE_PREFIX_PATH="$prefix" -DCNN_TARGET=$target >/dev/null
    cmake --build "$tree" >/dev/null
    compare "$tree"
done
expect_shared "$work/cmake-cnn/classify" yes
expect_shared "$work/cmake-static/classify" no

export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
read -ra flags <<<"$(pkg-config --cflags cnn)"
for kind in shared static; do
    tree=$work/pkg-config-$kind
    mkdir "$tree"
    if [ $kind = shared ]; then
        libs=$(pkg-config --libs cnn)
    else
        libs=$(pkg-config --static --libs cnn | sed 's/-lcnn/-l:libcnn.a/')
    fi
    read -ra libs <<<"$libs"
    cc "${flags[@]}" "$SOURCE/tests/apps/classify.c" -o "$tree/classify" "${libs[@]}"
    c++ -std=c++17 "${flags[@]}" "$SOURCE/tests/apps/threads.cpp" -o "$tree/threads" "${libs[@]}" -pthread
    compare "$tree"
done
expect_shared "$work/pkg-config-shared/classify" yes
expect_shared "$work/pkg-config-static/classify" no
echo "Programs built against the installed package agree with cnn classify."
