#!/usr/bin/env bash
# What can be found without running anything, a finding being a failure: `tests/static.sh [gcc|clang|tidy|cppcheck ...]`,
# all four unless named. gcc compiles the library and the command with -fanalyzer, clang these and the tests, with warnings
# as errors; clang-tidy (.clang-tidy says which checks) and cppcheck read the sources. Kernels are compiled for the baseline
# alone, since the levels differ in nothing else; trees are build/static-*. tests/apps are what others would write.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cores=$(nproc)
cd "$root"
data/packages.sh build-essential cmake ninja-build pkg-config libopenblas-dev libstb-dev zlib1g-dev libjansson-dev \
    libpng-dev libcmocka-dev clang clang-tidy cppcheck

configure() {
    local compiler=$1
    shift
    cmake -G Ninja -S . -B "build/static-$compiler" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release \
        -DCNN_WERROR=ON -DCNN_HAS_ISA_FLAGS=OFF -DCMAKE_EXPORT_COMPILE_COMMANDS=ON "$@" >/dev/null
}

# Version 12 loses what memcpy() or a loop writes into an array, and what hangs on the elements of one: valgrind and
# LeakSanitizer look for these. Optimized code it follows less well.
check_gcc() {
    configure gcc -DCNN_TESTS=OFF -DCMAKE_BUILD_TYPE=Debug \
        -DCMAKE_C_FLAGS="-fanalyzer -Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-malloc-leak" &&
        cmake --build build/static-gcc -j "$cores" -- --quiet -k 0
}

check_clang() {
    configure clang -DCNN_TESTS=ON &&
        cmake --build build/static-clang -j "$cores" -- --quiet -k 0
}

# tidy TREE FOLDER...: each C file of the folders, as the tree compiles it. Headers are read where they are included.
tidy() {
    local tree=$1
    shift
    find "$@" -name '*.c' -print0 |
        xargs -0 -n 8 -P "$cores" clang-tidy -p "$tree" --quiet --warnings-as-errors='*' 2>/dev/null
}

check_tidy() {
    local folders
    mapfile -t folders < <(find tests -mindepth 1 -maxdepth 1 -type d -not -name apps -not -name fuzz)
    configure clang -DCNN_TESTS=ON && cmake -G Ninja -S . -B build/static-fuzz -DCMAKE_C_COMPILER=clang -DCNN_TESTS=ON \
        -DCNN_FUZZ=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null || return 1
    local found=0
    tidy build/static-clang src "${folders[@]}" || found=1
    tidy build/static-fuzz tests/fuzz || found=1
    return $found
}

# Version 2.10 is wrong about the ids left out: it loses what a loop writes into an array, takes the lesser of two sizes for
# the greater, does not see macros use a member, and reports names that stand below the header that it says they are
# shadowed in. gcc warns of each of these where it is right. In loss.c the sum is at least 1, in prelu.c the types are one.
check_cppcheck() {
    local wrong=() id
    for id in uninitvar legacyUninitvar knownConditionTrueFalse unusedStructMember:src/image/stb.c \
        unreadVariable:src/layers/maxpool.c invalidFunctionArg:src/train/loss.c invalidPointerCast:src/layers/prelu.c \
        'shadowVariable:tests/*' 'shadowFunction:tests/*' ignoredReturnValue:tests/reference/activations.c; do
        wrong+=("--suppress=$id")
    done
    cppcheck -j "$cores" --quiet --std=c11 --enable=warning,style,performance,portability --error-exitcode=1 \
        -D_POSIX_C_SOURCE=200809L -DCNN_ISA_X86_64 -DCNN_TESTS='""' -Iinclude -Isrc -Itests -i tests/apps "${wrong[@]}" \
        src include tests
}

[ $# -gt 0 ] || set -- gcc clang tidy cppcheck
failed=0
for check in "$@"; do
    SECONDS=0
    if "check_$check"; then
        echo "$check: nothing found, $SECONDS s"
    else
        echo "$check: see above, $SECONDS s"
        failed=1
    fi
done
exit $failed
