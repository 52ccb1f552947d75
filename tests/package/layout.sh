#!/usr/bin/env bash
# The shape of the tree: names at the top, sizes of files, lines and functions, and clang-format's opinion.
set -euo pipefail

top="src include models data tests CMakeLists.txt README.md LICENSE CHANGELOG.md"
largest=$((5 * 1024 * 1024)) # bytes of a file; trained weights, models/*.safetensors, are counted by tests/cli/shipped.sh

# The files of the project below $1: what git tracks or would, or all but build folders outside a clone.
project_files() {
    git -C "$1" ls-files --cached --others --exclude-standard 2>/dev/null ||
        (cd "$1" && find . -path './build*' -prune -o -type f -print | sed 's|^\./||')
}

# Complaints about the C files FILE ..., one a line: lines over 120 columns, files over 400 lines, functions over 40
# lines, or 80 in the folders of kernels. cnn.h alone has 600 lines: it is the one public contract, and stays one file.
check_code() {
    awk '
        function complain(what) { print FILENAME ":" FNR ": " what }
        FNR == 1 {
            start = 0
            longest = FILENAME ~ /^src\/(math|layers)\// ? 80 : 40
            most = FILENAME == "include/cnn.h" ? 600 : 400
        }
        FNR == most + 1 { complain("a file of over " most " lines") }
        length($0) > 120 { complain("a line of " length($0) " columns") }
        /^\{/ { start = FNR }
        /^\}/ && start {
            if (FNR - start - 1 > longest) complain("a function of " FNR - start - 1 " lines")
            start = 0
        }' "$@"
}

# Prints each complaint about the tree $1; fails when there is one.
check() (
    cd "$1"
    mapfile -t files < <(project_files . | while read -r file; do [ ! -e "$file" ] || echo "$file"; done)
    mapfile -t code < <(printf '%s\n' "${files[@]}" | grep -E '^(src|include|tests)/.*\.[ch]$')
    complaints=$(
        for file in "${files[@]}"; do
            [[ $file == .* || " $top " == *" ${file%%/*} "* ]] || echo "$file: nothing but $top may be at the top"
        done
        stat -c '%s %n' "${files[@]}" | awk -v largest=$largest '
            $1 > largest && $2 !~ /^models\/[^\/]*\.safetensors$/ { print $2 ": larger than " largest " bytes" }'
        [ ${#code[@]} -eq 0 ] || check_code "${code[@]}"
    )
    [ -z "$complaints" ] || { echo "$complaints"; exit 1; }
)

check_format() {
    if ! clang-format --version 2>/dev/null | grep -q 'version 14'; then
        echo "clang-format 14 is not installed: formatting is not checked."
        return 0
    fi
    (cd "$1" && project_files . | grep -E '^(src|include|tests)/.*\.(c|h|cpp)$' | xargs clang-format --dry-run -Werror)
}

# A check that cannot fail proves nothing: each of these trees must be found wanting.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
expect_complaint() {
    if "${@:2}" >/dev/null 2>&1; then
        echo "self-check: $1 was not found"
        exit 1
    fi
    rm -rf "${planted:?}"/*
}
touch "$planted/notes.txt"
expect_complaint "a stray file" check "$planted"
mkdir "$planted/src"
truncate -s $((largest + 1)) "$planted/src/weights"
expect_complaint "a large file" check "$planted"
mkdir "$planted/src"
seq -f '/* %g */' 401 >"$planted/src/long.c"
expect_complaint "a long file" check "$planted"
mkdir "$planted/include"
seq -f '/* %g */' 601 >"$planted/include/cnn.h"
expect_complaint "a long public header" check "$planted"
mkdir "$planted/src"
{ echo 'int f(void)'; echo '{'; seq -f '    g(%g);' 41; echo '}'; } >"$planted/src/function.c"
expect_complaint "a long function" check "$planted"
mkdir "$planted/src"
printf '/* %0120d */\n' 0 >"$planted/src/wide.c"
expect_complaint "a wide line" check "$planted"
if clang-format --version 2>/dev/null | grep -q 'version 14'; then
    mkdir "$planted/src"
    cp "$SOURCE/.clang-format" "$planted/"
    printf 'int  f( void ){return 0;}\n' >"$planted/src/format.c"
    expect_complaint "wrong formatting" check_format "$planted"
fi

check "$SOURCE"
check_format "$SOURCE"
echo "The tree has the shape of the design."
