#!/usr/bin/env bash
# Runs a fuzz target over its seeds and regressions, and as far as its options say: `quick.sh TARGET OPTION ...`, with
# BUILD, the tree it was built in. What is found lies in BUILD/findings.
set -euo pipefail

target=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$BUILD/findings"

# New inputs go into the first folder.
folders=("$scratch")
for folder in {"$BUILD/tests/fuzz","$here"}/seeds/"$target" "$here/regressions/$target"; do
    [ ! -d "$folder" ] || folders+=("$folder")
done
OPENBLAS_NUM_THREADS=1 ASAN_OPTIONS=quarantine_size_mb=4 "$BUILD/tests/fuzz/fuzz_$target" -seed=1 -reload=0 -use_cmp=0 -timeout=60 \
    -print_final_stats=1 -artifact_prefix="$BUILD/findings/$target-" "$@" "${folders[@]}" >"$scratch.log" 2>&1 &&
    code=0 || code=$?
grep -E '^(#[0-9]+.(INITED|DONE)|stat::|==|SUMMARY|    #| *[Aa]ssert|.*Assertion)' "$scratch.log" || cat "$scratch.log"
exit "$code"
