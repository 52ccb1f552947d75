#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them all: `tests/run.sh [CTEST ARGUMENT ...]`, from any folder. Two builds:
# build/sanitize, whose unit tests run under AddressSanitizer and UndefinedBehaviorSanitizer, and build/release, warnings
# being errors, whose tests are all; one ctest run in the latter covers both.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cores=$(nproc)

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config git xz-utils libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev dataset-fashion-mnist locales python3

build() {
    local tree=$root/build/$1
    shift
    cmake -G Ninja -S "$root" -B "$tree" -DCNN_TESTS=ON -DCNN_WERROR=ON "$@" >/dev/null
    cmake --build "$tree" -j "$cores" -- --quiet
}
build sanitize -DCMAKE_BUILD_TYPE=Debug -DCNN_SANITIZE=ON
build release -DCMAKE_BUILD_TYPE=Release -DCNN_SANITIZED_TREE="$root/build/sanitize"

echo "Installed and built in $SECONDS s."
exec ctest --test-dir "$root/build/release" --output-on-failure --parallel "$cores" "$@"
