#!/usr/bin/env bash
# Installs what the tests need, builds, and runs them all: `tests/run.sh [CTEST ARGUMENT ...]`, from any folder. Builds:
# build/sanitize, whose unit tests run under AddressSanitizer and UndefinedBehaviorSanitizer; build/thread, whose tests of
# threads run under ThreadSanitizer; build/fuzz, whose fuzz targets run for some seconds; and build/release, warnings being
# errors, whose tests are all. One ctest run in the last covers them all.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cores=$(nproc)

"$root/data/packages.sh" build-essential cmake ninja-build pkg-config git xz-utils libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev dataset-fashion-mnist locales clang libclang-rt-14-dev python3

build() { # TREE TARGET OPTIONS...
    local tree=$root/build/$1 target=$2
    shift 2
    cmake -G Ninja -S "$root" -B "$tree" -DCNN_TESTS=ON -DCNN_WERROR=ON "$@" >/dev/null
    cmake --build "$tree" -j "$cores" --target "$target" -- --quiet
}
build sanitize all -DCMAKE_BUILD_TYPE=Debug -DCNN_SANITIZE=ON
build thread thread_tests -DCMAKE_BUILD_TYPE=Debug -DCNN_SANITIZE=thread
build fuzz fuzz -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DCNN_FUZZ=ON
build release all -DCMAKE_BUILD_TYPE=Release -DCNN_SANITIZED_TREES="$root/build/sanitize;$root/build/thread" \
    -DCNN_FUZZ_TREE="$root/build/fuzz"

echo "Installed and built in $SECONDS s."
exec ctest --test-dir "$root/build/release" --output-on-failure --parallel "$cores" "$@"
