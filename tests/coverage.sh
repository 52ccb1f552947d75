#!/usr/bin/env bash
# Which code the tests run: `tests/coverage.sh [CTEST ARGUMENT ...]` builds build/coverage with clang's source-based
# coverage, runs the tests of units, of the command and of faults there, and prints the lines of src/ that none of them
# ran, the share that they did, folder by folder, and the branches of the model reader that went one way only. Fails
# below 95% of the lines, or with such a branch. Each condition of an && or || is a branch of its own; counts of a kernel are those of all its levels.
set -euo pipefail

least=95
# All that stands between a model file's bytes and a model.
reader="src/base/bytes.c src/net/calibration.c src/net/json.c src/net/metadata.c"
reader+=" src/net/modelfile.c src/net/modelfile_read.c"
# Trainings over real data, which reach nothing that the small ones do not.
slow='^cli/(shipped|studies|accuracy|realdata)$'

root=$(cd "$(dirname "$0")/.." && pwd)
tree=$root/build/coverage
cores=$(nproc)
"$root/data/packages.sh" build-essential cmake ninja-build pkg-config xz-utils libopenblas-dev libstb-dev zlib1g-dev \
    libjansson-dev libpng-dev libcmocka-dev dataset-fashion-mnist locales clang llvm

# Counters of loops are added up when the loop ends, atomically: each step of a kernel would take ten times as long.
flags="-O2 -fprofile-instr-generate -fcoverage-mapping -mllvm -atomic-counter-update-promoted"
flags+=" -Wno-unused-command-line-argument" # of the linker, which does not count
cmake -G Ninja -S "$root" -B "$tree" -DCNN_TESTS=ON -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS="$flags" >/dev/null
cmake --build "$tree" -j "$cores" -- --quiet

# A failed test is told at the end: what it ran counts all the same.
rm -rf "$tree/profiles"
tests=0
LLVM_PROFILE_FILE="$tree/profiles/%4m.profraw" ctest --test-dir "$tree" --output-on-failure --parallel "$cores" \
    --tests-regex '^(unit|cli|faults)/' --exclude-regex "$slow" "$@" || tests=$?

# The shared library and the command hold every function once, or a kernel's once a level.
llvm-profdata merge --failure-mode=all -o "$tree/profile" "$tree"/profiles/*.profraw
llvm-cov export --format=lcov --instr-profile "$tree/profile" "$tree/libcnn.so" --object "$tree/cnn" "$root/src" \
    >"$tree/coverage.info"

# Lines of code are those that hold more than braces and comments. In coverage.info, DA is a line and its count, BRDA a
# line, two numbers of a branch, and its count.
awk -F '[:,]' -v root="$root/" -v reader="$reader" -v least=$least '
    function row(name, ran, all) { return sprintf("%-12s %6d of %6d lines  %6.2f%%", name, ran, all, 100 * ran / all) }
    $1 == "SF" {
        file = substr($2, length(root) + 1)
        folder = file
        sub(/\/[^\/]*$/, "", folder)
        split("", text)
        for (n = 1; (getline line < $2) > 0; n++) text[n] = line
        close($2)
        is_reader = index(" " reader " ", " " file " ")
        found += is_reader > 0
    }
    $1 == "DA" && text[$2] !~ /^[ \t]*(\/\*.*|\* .*|[]{}()[;, \t]*|} else {|#.*)$/ {
        lines[folder]++
        if ($3 > 0) ran[folder]++
        else print file ":" $2 ": not run: " text[$2]
    }
    $1 == "BRDA" && is_reader {
        branches++
        if ($5 == "-" || $5 == 0) {
            missed++
            print file ":" $2 ": never " ($4 % 2 ? "false" : "true") ": " text[$2]
        }
    }
    END {
        for (folder in lines) {
            print row(folder, ran[folder], lines[folder]) | "sort"
            all_ran += ran[folder]
            all += lines[folder]
        }
        close("sort")
        print row("total", all_ran, all)
        printf "model reader %6d of %6d branches\n", branches - missed, branches
        exit all_ran < all * least / 100 || missed > 0 || branches == 0 || found != split(reader, unused, " ")
    }' "$tree/coverage.info" || { echo "Wanted: $least% of the lines, and every branch of the model reader."; exit 1; }
exit $tests
