#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them all: `tests/run.sh [CTEST ARGUMENT ...]`, from any folder. Three
# builds: build/sanitize, whose unit tests run under AddressSanitizer and UndefinedBehaviorSanitizer; build/fuzz, whose
# fuzz targets run for some seconds; and build/release, warnings being errors, whose tests are all. One ctest run in the
# last covers them all.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cores=$(nproc)

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config git xz-utils libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev dataset-fashion-mnist locales clang libclang-rt-14-dev python3

build() {
    local tree=$root/build/$1
    shift
    cmake -G Ninja -S "$root" -B "$tree" -DCNN_TESTS=ON -DCNN_WERROR=ON "$@" >/dev/null
    cmake --build "$tree" -j "$cores" -- --quiet
}
cmake -G Ninja -S "$root" -B "$root/build/fuzz" -DCNN_TESTS=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang \
    -DCNN_FUZZ=ON >/dev/null
cmake --build "$root/build/fuzz" -j "$cores" --target fuzz -- --quiet
build sanitize -DCMAKE_BUILD_TYPE=Debug -DCNN_SANITIZE=ON
build release -DCMAKE_BUILD_TYPE=Release -DCNN_SANITIZED_TREE="$root/build/sanitize" \
    -DCNN_FUZZ_TREE="$root/build/fuzz"

echo "Installed and built in $SECONDS s."
exec ctest --test-dir "$root/build/release" --output-on-failure --parallel "$cores" "$@"
