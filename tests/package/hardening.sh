#!/usr/bin/env bash
# The hardening of a release build, read from its ELF files: SHARED and CNN are position-independent, protected in memory
# once they are loaded, and without an executable stack; the code of STATIC has the stack protector, the C library's
# checked functions, probes of large frames, and marks where a jump may land (the latter two on x86-64).
set -euo pipefail

type=$(sed -n 's/^CMAKE_BUILD_TYPE:[^=]*=//p' "$BUILD/CMakeCache.txt")
[ "$type" = Release ] || { echo "skipped: a build of type '$type', not Release"; exit 77; }

# Reads to the end, so that what writes to it is not cut off.
has() { grep -E -- "$1" >/dev/null; }

missing() {
    echo "$1: $2"
    return 1
}

check_pie() { readelf --dynamic "$1" | has 'FLAGS_1.*\bPIE\b' || missing "$1" "not position-independent"; }
check_now() { readelf --dynamic "$1" | has 'FLAGS_1.*\bNOW\b' || missing "$1" "bound lazily"; }
check_relro() { readelf --segments --wide "$1" | has GNU_RELRO || missing "$1" "no RELRO"; }
check_stack() { readelf --segments --wide "$1" | has 'GNU_STACK .* RW +0x' || missing "$1" "an executable stack"; }
check_segments() {
    ! readelf --segments --wide "$1" | has '^ +LOAD .* RWE ' || missing "$1" "a segment both written and run"
}
check_text() { ! readelf --dynamic "$1" | has TEXTREL || missing "$1" "relocations in the code"; }
check_protector() { nm --undefined-only "$1" | has __stack_chk_fail || missing "$1" "no stack protector"; }
check_fortify() { nm --undefined-only "$1" | has '__[a-z]*_chk$' || missing "$1" "not fortified"; }
# A frame larger than a page is probed page by page, by writing nothing to each: gcc ors 0, clang moves it.
check_clash() {
    objdump --disassemble "$1" | grep -A 1 -E 'sub +\$0x1000,%rsp' | has '(or|mov)q +\$0x0,' ||
        missing "$1" "no probes of large frames"
}
check_branches() {
    local objects marked
    objects=$(readelf --file-header "$1" | grep -c 'Type: .*REL')
    marked=$(readelf --notes "$1" | grep -c 'x86 feature: IBT, SHSTK' || true)
    [ "$marked" -ge "$objects" ] || missing "$1" "$marked of $objects objects mark where a jump may land"
}
linked=(now relro stack segments text)
compiled=(protector fortify)
case $(uname -m) in x86_64) compiled+=(clash branches) ;; esac

# A check that cannot fail proves nothing: this code, this library and this program have every fault.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
cat >"$planted/planted.c" <<'END'
#include <string.h>
void cnn_planted(const char *text, unsigned n);
void cnn_fill(char *text);
int (*volatile where)(void);
void cnn_planted(const char *text, unsigned n)
{
    char copy[65536];
    cnn_fill(copy);
    memcpy(copy + 1, text, n);
    cnn_fill(copy);
}
void cnn_fill(char *text)
{
    text[where()] = 0;
}
END
bare=(-O2 -U_FORTIFY_SOURCE -fno-stack-protector -fno-pic)
case $(uname -m) in x86_64) bare+=(-fno-stack-clash-protection -fcf-protection=none -mcmodel=large) ;; esac
cc "${bare[@]}" -c "$planted/planted.c" -o "$planted/planted.o"
cc -shared "$planted/planted.o" -o "$planted/libplanted.so" \
    -Wl,-z,norelro,-z,lazy,-z,execstack,-z,notext 2>/dev/null
cc -nostdlib -no-pie "$planted/planted.o" -o "$planted/planted" \
    -Wl,-N,-e,cnn_fill,--unresolved-symbols=ignore-all 2>/dev/null
for fault in now:libplanted.so relro:libplanted.so stack:libplanted.so text:libplanted.so segments:planted \
    pie:planted "${compiled[@]/%/:planted.o}"; do
    if "check_${fault%:*}" "$planted/${fault#*:}" >/dev/null; then
        echo "self-check: ${fault%:*} did not find the planted fault"
        exit 1
    fi
done

for check in "${linked[@]}"; do
    "check_$check" "$SHARED"
    "check_$check" "$CNN"
done
check_pie "$CNN"
for check in "${compiled[@]}"; do
    "check_$check" "$STATIC"
done
echo "The build is hardened."
