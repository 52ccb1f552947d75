#!/usr/bin/env bash
# What the libraries show and use: SHARED exports what cnn.h declares and nothing else; all global names of STATIC begin
# with cnn_; neither keeps mutable global state, prints, exits or installs handlers.
set -euo pipefail

# Lists that must be empty: prints them and fails when they are not.
expect_none() {
    local what=$1 found
    found=$(cat)
    [ -z "$found" ] || { echo "$what:"; echo "$found"; return 1; }
}

check_exports() {
    diff <(grep -oE '\bCNN_API\b[^(]*\(' "$SOURCE/include/cnn.h" | grep -oE 'cnn_[a-z_0-9]+\($' | tr -d '(' | sort) \
        <(nm --dynamic --defined-only "$1" | awk '{ print $NF }' | sort)
}

check_prefix() {
    nm --extern-only --defined-only "$1" | awk 'NF == 3 && $3 !~ /^cnn_/ { print $3 }' |
        expect_none "global names without cnn_ in $1"
}

# Variables in .data, .bss and their thread-local twins. stb_image's own are let pass: settings that nothing changes, and
# a thread's.
check_state() {
    objdump --syms "$1" | awk '/ O \.t?(data|bss)[.\t]/ && !/ \.data\.rel\.ro/ && $NF !~ /^stbi_/ { print $NF }' |
        expect_none "mutable variables in $1"
}

forbidden='exit|_exit|abort|setlocale|signal|sigaction|atexit|stdout|stderr|puts|putchar|perror|v?printf|__v?printf_chk|__assert_fail'
check_calls() {
    nm --undefined-only "$1" | awk -v names="^($forbidden)$" '{ sub(/@.*/, "", $NF) } $NF ~ names { print $NF }' |
        expect_none "calls that a library must not make, in $1"
}

# A check that cannot fail proves nothing: this library has every fault.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
cat >"$planted/planted.c" <<'END'
#include <stdlib.h>
static int counter;
int cnn_exported_by_mistake(void);
int foreign(void);
int cnn_exported_by_mistake(void) { return counter++; }
int foreign(void) { exit(counter++); }
END
cc -fPIC -c "$planted/planted.c" -o "$planted/planted.o"
cc -shared "$planted/planted.o" -o "$planted/libplanted.so"
for fault in check_exports:libplanted.so check_prefix:planted.o check_state:planted.o check_calls:planted.o; do
    if ${fault%:*} "$planted/${fault#*:}" >/dev/null; then
        echo "self-check: ${fault%:*} did not find the planted fault"
        exit 1
    fi
done

check_exports "$SHARED"
check_prefix "$STATIC"
check_state "$STATIC"
check_calls "$STATIC"
readelf --dynamic "$SHARED" | grep -q 'Library soname: \[libcnn\.so\.0\]' || { echo "$SHARED: SONAME is not libcnn.so.0"; exit 1; }
echo "Symbols are as cnn.h says."
